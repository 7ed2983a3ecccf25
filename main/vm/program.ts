/** The programs of this machine that make and run the VM, and what to install where they are missing. */

import { fail, type Result } from "../../preload/contract/result.ts";
import { LocalTarget } from "../target/local-target.ts";
import { type Output, type RunOptions, run } from "../target/run.ts";

/** As QEMU and Debian call the processor of this machine. */
export const IS_ARM = process.arch === "arm64";

export const QEMU = IS_ARM ? "qemu-system-aarch64" : "qemu-system-x86_64";

const DEBIAN_PACKAGES: Record<string, string> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-system-aarch64": "qemu-system-arm",
  "qemu-img": "qemu-utils",
};

/** Runs a program of this machine to its end. Faults: as `run`; `missing` says what to install. */
export async function runProgram(argv: readonly string[], options: RunOptions = {}): Promise<Result<Output>> {
  const ran = await run(new LocalTarget(), argv, options);
  return !ran.ok && ran.fault.code === "missing" ? missingProgram(argv[0] ?? "") : ran;
}

export function missingProgram(program: string): Result<never> {
  return fail("missing", `${program}, which runs the built-in VM, is not installed on this machine`, {
    fix: installFix(program),
  });
}

function installFix(program: string): string {
  if (process.platform === "darwin") return "Install QEMU: brew install qemu";
  if (process.platform === "win32") return "Install QEMU for Windows and put its folder on the PATH.";
  return `Install it: apt-get install --no-install-recommends ${DEBIAN_PACKAGES[program] ?? program}, or your system's package of QEMU.`;
}
