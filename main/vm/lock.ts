/** One process at a time builds, starts or stops a VM. A lock whose process is gone is taken over. */

import { mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fail, type Result } from "../../preload/contract/result.ts";
import { isErrno, storageFault } from "./storage-fault.ts";

export interface LockOptions {
  signal?: AbortSignal | undefined;
  /** Called once where another process has the lock. */
  onWait?: (pid: number) => void;
}

/** Waits for the lock, does the work, and gives the lock back. Faults: `cancelled`, `storage`, and those of the work. */
export async function withLock<T>(
  file: string,
  { signal, onWait }: LockOptions,
  work: () => Promise<Result<T>>,
): Promise<Result<T>> {
  let told = false;
  for (;;) {
    if (signal?.aborted) return fail("cancelled", "cancelled while another process was busy with the VM");
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const handle = await open(file, "wx", 0o600);
      await handle.writeFile(String(process.pid));
      await handle.close();
      break;
    } catch (error) {
      if (!isErrno(error, "EEXIST")) return storageFault("take the lock of the VM", error);
    }
    const owner = await readOwner(file);
    if (owner === undefined || (owner !== process.pid && !isAlive(owner))) {
      await rm(file, { force: true });
      continue;
    }
    if (!told) onWait?.(owner);
    told = true;
    await wait(100);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** Undefined where the file holds no pid: its writer was killed between two steps, or the disk was full. */
async function readOwner(file: string): Promise<number | undefined> {
  for (let tries = 0; tries < 5; tries++) {
    const pid = Number(await readFile(file, "utf8").catch(() => ""));
    if (pid > 0) return pid;
    await wait(20); // it may be about to be written
  }
  return undefined;
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return isErrno(error, "EPERM");
  }
}
