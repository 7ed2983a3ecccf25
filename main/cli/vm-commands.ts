/** Commands on the embedded VM: vm build, up, down, status, delete, ssh. */

import { spawn } from "node:child_process";
import type { Progress } from "../../preload/contract/lab.ts";
import type { Result } from "../../preload/contract/result.ts";
import type { VmStatus } from "../../preload/contract/target.ts";
import { type CliOptions, CliSession, EXIT_FAILED } from "./session.ts";

export async function runVmStatus(options: CliOptions): Promise<void> {
  await using session = await CliSession.open(options);
  session.print(await session.call("vm.status", {}), printVm);
}

export async function runVmBuild(options: CliOptions): Promise<void> {
  await using session = await CliSession.open(options);
  session.print(await session.call("vm.build", {}, showProgress(session)), printVm);
}

export async function runVmUp(options: CliOptions): Promise<void> {
  await using session = await CliSession.open(options);
  session.print(
    await session.call("vm.up", {}, showProgress(session)),
    (vm) => `${printVm(vm)}\nUse it with --target vm, e.g. \`hoplab up calico-ipip --target vm\`.`,
  );
}

export async function runVmDown(options: CliOptions): Promise<void> {
  await using session = await CliSession.open(options);
  session.print(await session.call("vm.down", {}), printVm);
}

export async function runVmDelete(options: CliOptions): Promise<void> {
  await using session = await CliSession.open(options);
  session.print(await session.call("vm.delete", {}), printVm);
}

/** A shell in the VM, or a command, by the system's own ssh. Exits as that does. */
export async function runVmSsh(options: CliOptions, command: string[]): Promise<void> {
  let argv: Result<string[]>;
  {
    await using session = await CliSession.open(options);
    argv = await session.backend.vm.sshArgv();
    if (!argv.ok) return session.fault(argv.fault);
  }
  const [program = "ssh", ...rest] = [...argv.value, ...command];
  const child = spawn(program, rest, { stdio: "inherit" });
  process.exitCode = await new Promise<number>((resolve) => {
    child.on("error", (error) => {
      process.stderr.write(`hoplab: ${program} can't be started: ${error.message}\n`);
      resolve(EXIT_FAILED);
    });
    child.on("exit", (code) => resolve(code ?? EXIT_FAILED));
  });
}

/** One line per step; on a terminal, over the one before. */
function showProgress(session: CliSession): (progress: Progress) => void {
  let last = "";
  return ({ done, total, why }) => {
    if (session.json || why === last) return;
    last = why;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K  ${done}/${total}  ${why.slice(0, 100)}` : `${why}\n`);
    if (process.stderr.isTTY && done >= total) process.stderr.write("\r\x1b[K");
  };
}

function printVm({ state, image, diskBytes, running, fault }: VmStatus): string {
  const states: Record<VmStatus["state"], string> = {
    absent: "There is no image yet: `hoplab vm build` makes one, `hoplab vm up` does so too.",
    stopped: "The VM is stopped; its next start boots it.",
    saved: "The VM is stopped; its next start resumes it from its saved state.",
    starting: "The VM is being started.",
    running: `The VM runs: pid ${running?.pid}, SSH on 127.0.0.1 port ${running?.port}.`,
    broken: "The VM is broken; `hoplab vm up` mends it.",
  };
  const slow = running?.accelerator === "tcg" ? " (software, slow: this machine offers no KVM, HVF or WHPX)" : "";
  const lines = [
    states[state],
    running ? `Processor: ${running.accelerator}${slow}, memory ${running.memoryMiB} MiB` : "",
    image ? `Image: ${printImage(image)}; its disk and saved state: ${mebibytes(diskBytes)}` : "",
    fault ? `Problem: ${fault.message}${fault.fix ? `\n  try: ${fault.fix}` : ""}` : "",
  ];
  return lines.filter((line) => line !== "").join("\n");
}

function printImage({ bytes, kernel, builtAt, current }: NonNullable<VmStatus["image"]>): string {
  const day = new Date(builtAt).toISOString().slice(0, 10);
  return `${kernel}, ${mebibytes(bytes)}, built ${day}${current ? "" : " by another recipe; `hoplab vm build` builds it anew"}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
