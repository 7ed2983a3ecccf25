/**
 * What the VM's processor is made of: KVM, HVF or WHPX where they work, else QEMU's own translator (TCG). That the
 * device opens proves nothing: inside some clouds /dev/kvm opens and a stock kernel never gets anywhere in it. So the
 * image's kernel is started once without a disk, and must panic about that.
 */

import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { release } from "node:os";
import * as z from "zod";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Accelerator } from "./machine.ts";
import { runProgram } from "./program.ts";
import { machineArguments } from "./qemu.ts";
import { readStored, store } from "./stored.ts";

const ACCELERATORS: readonly Accelerator[] = ["kvm", "hvf", "whpx", "tcg"];
const PROBE_MS = 10_000;

const triedSchema = z.object({ for: z.string(), accelerator: z.enum(["kvm", "hvf", "whpx", "tcg"]) });

export interface AcceleratorQuestion {
  /** Where the answer is kept for the next start. */
  file: string;
  qemuVersion: string;
  kernelFile: string;
  signal?: AbortSignal | undefined;
}

/** `HOPLAB_VM_ACCEL` decides without trying. Faults: `bad-input` where it names none, `cancelled`. */
export async function chooseAccelerator(question: AcceleratorQuestion): Promise<Result<Accelerator>> {
  const forced = process.env.HOPLAB_VM_ACCEL;
  if (forced) {
    const known = ACCELERATORS.find((one) => one === forced);
    return known ? ok(known) : fail("bad-input", `HOPLAB_VM_ACCEL is ${forced}; it may be ${ACCELERATORS.join(", ")}`);
  }
  const native = await nativeAccelerator();
  if (!native) return ok("tcg");
  const { file, qemuVersion, kernelFile, signal } = question;
  const key = [native, qemuVersion, kernelFile, release()].join(" ");
  const tried = await readStored(file, triedSchema);
  if (tried?.for === key) return ok(tried.accelerator);
  const works = await tryAccelerator(native, kernelFile, signal);
  if (signal?.aborted) return fail("cancelled", "cancelled while the VM started");
  const accelerator = works ? native : "tcg";
  await store(file, { for: key, accelerator }).catch(() => {}); // then it is tried again
  return ok(accelerator);
}

/** The one of this system, where it looks usable. */
async function nativeAccelerator(): Promise<Accelerator | undefined> {
  if (process.platform === "darwin") return "hvf";
  if (process.platform === "win32") return "whpx";
  const mayUse = await access("/dev/kvm", constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!mayUse) return undefined;
  if (process.arch !== "x64") return "kvm";
  // Without these a KVM is one of paravirtualized page tables, which needs a guest kernel made for it.
  return /^flags\s*:.*\b(vmx|svm)\b/m.test(await readFile("/proc/cpuinfo", "utf8")) ? "kvm" : undefined;
}

/** Whether the kernel gets as far as missing its disk. It then panics, and QEMU ends instead of starting it again. */
export async function tryAccelerator(
  accelerator: Accelerator,
  kernelFile: string,
  signal?: AbortSignal,
  milliseconds = PROBE_MS,
): Promise<boolean> {
  const limit = AbortSignal.timeout(milliseconds);
  const ran = await runProgram(
    [
      ...machineArguments({ accelerator, cpus: 1, memoryMiB: 256 }),
      ...["-no-reboot", "-kernel", kernelFile, "-append", "panic=-1 loglevel=0"],
    ],
    { signal: signal ? AbortSignal.any([signal, limit]) : limit },
  );
  return ran.ok;
}
