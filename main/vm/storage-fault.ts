/** Faults of this machine's own disk. */

import { type Fault, fail, messageOf } from "../../preload/contract/result.ts";

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** What could not be done, e.g. `write the VM's keys`, and why the disk refused. */
export function storageFault(what: string, error: unknown): { ok: false; fault: Fault } {
  return fail("storage", `could not ${what}: ${messageOf(error)}`, {
    fix:
      isErrno(error, "ENOSPC") || isErrno(error, "EDQUOT")
        ? "The disk is full: make room, then try again."
        : "Check that the data folder ($HOPLAB_DATA, or as `hoplab vm status` shows it) can be written by you.",
  });
}
