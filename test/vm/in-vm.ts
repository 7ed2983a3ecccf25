/**
 * Starts a VM for the tests that build labs in it, over SSH: the kernel tests of the layouts, and whatever needs a kernel
 * that this machine may not have. The image is that of the other VM tests.
 */

import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage } from "../../main/vm/image.ts";
import { startVm } from "../../main/vm/start.ts";
import { deleteVm } from "../../main/vm/vm.ts";
import type { Result } from "../../preload/contract/result.ts";
import { labsHere } from "../netns/labs.ts";

const folder = mkdtempSync(join(tmpdir(), "hoplab-in-vm-"));

/** Called by vitest before the first test. */
export async function setup(): Promise<void> {
  try {
    value(await buildImage(folder, { onProgress: ({ why }) => console.log(why) }));
    const { address, seconds, accelerator } = value(await startVm(folder));
    console.log(`a VM for labs, with ${accelerator}, in ${seconds.toFixed(0)} s`);
    // What this machine builds itself is tested here, in the same tests.
    const lacking = (await labsHere()).filter(({ lacks }) => lacks !== undefined);
    const { host, port, user, identityFile, knownHostsFile } = address;
    // ~/.ssh of the tests: what is known there is what the VM was made with.
    const home = join(folder, "home");
    mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
    copyFileSync(knownHostsFile, join(home, ".ssh", "known_hosts"));
    const control = ["ControlMaster=auto", `ControlPath=${join(folder, "control")}`, "ControlPersist=30"];
    const known = [`UserKnownHostsFile=${knownHostsFile}`, "GlobalKnownHostsFile=none", "IdentitiesOnly=yes"];
    const options = [...control, ...known, "LogLevel=ERROR"].flatMap((option) => ["-o", option]);
    const ssh = ["ssh", "-F", "none", "-i", identityFile, "-p", String(port), ...options, `${user}@${host}`];
    Object.assign(process.env, {
      HOME: home,
      HOPLAB_LABS: lacking.map(({ id }) => id).join(","),
      HOPLAB_TEST_SSH: JSON.stringify(ssh),
      HOPLAB_TEST_TARGET: JSON.stringify({
        kind: "ssh",
        name: "box",
        address: `ssh://${user}@${host}:${port}`,
        identity: identityFile,
        privilege: "auto",
      }),
      HOPLAB_TARGET: "box",
    });
  } catch (error) {
    await teardown();
    throw error;
  }
}

/** Called by vitest after the last. */
export async function teardown(): Promise<void> {
  await deleteVm(folder);
  rmSync(folder, { recursive: true, force: true });
}

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.fault.message}\n${result.fault.command?.stderr ?? ""}`);
  return result.value;
}
