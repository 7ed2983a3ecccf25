/** Where the files of the built-in VM lie. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The recipe of the image: two folders above this file, from source and built alike. */
export const RECIPE = fileURLToPath(new URL("../../scripts/vm/recipe", import.meta.url));

export interface VmPlaces {
  /** Everything of one user's VM, keys included; only this user can read it. */
  folder: string;
  /** The images, which hold no secret: may be shared. `HOPLAB_VM_CACHE` puts them elsewhere. */
  images: string;
  /** What the VM wrote to its disk since its image, and its saved state. Made afresh by each cold start. */
  disk: string;
  /** What the saved state in the disk depends on. Not there: there is no whole saved state. */
  saved: string;
  /** What the last start was given. Removed when the VM is stopped. */
  running: string;
  pidFile: string;
  /** What QEMU said. */
  log: string;
  /** What the guest's kernel said. */
  console: string;
  accelerator: string;
  identity: string;
  hostKey: string;
  authorizedKeys: string;
  knownHosts: string;
  lock: string;
}

export function vmPlaces(
  dataDir: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): VmPlaces {
  const folder = join(dataDir, "vm");
  return {
    folder,
    images: environment.HOPLAB_VM_CACHE || join(folder, "image"),
    disk: join(folder, "disk.qcow2"),
    saved: join(folder, "saved.json"),
    running: join(folder, "running.json"),
    pidFile: join(folder, "qemu.pid"),
    log: join(folder, "qemu.log"),
    console: join(folder, "console.log"),
    accelerator: join(folder, "accelerator.json"),
    identity: join(folder, "id_ed25519"),
    hostKey: join(folder, "host_key"),
    authorizedKeys: join(folder, "authorized_keys"),
    knownHosts: join(folder, "known_hosts"),
    lock: join(folder, "lock"),
  };
}
