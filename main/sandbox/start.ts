/** Builds a sandbox from a plan. It ends up whole, or not at all. */

import { createInterface } from "node:readline";
import type { Progress, Sandbox } from "../../preload/contract/lab.ts";
import { type Fault, fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import type { Live } from "../live/live.ts";
import { planLab } from "../plan/plan.ts";
import { findFailedStep, printPlan } from "../plan/script.ts";
import { namespacesDenied } from "../target/probe.ts";
import type { Exit, Process, Target } from "../target/target.ts";
import { epilogue, holderArgv, PROLOGUE } from "./holder.ts";
import { endHolder, listHolders, type SandboxInfo } from "./list.ts";

export interface StartOptions {
  /** The lab file, kept with the sandbox so that every client finds it. */
  file?: string;
  /** What the topology was derived from, kept with the sandbox so that every client can change it. */
  live?: Live;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Builds the topology in a sandbox of that name on the target.
 * Faults: `bad-input` (the name), `exists`, `denied` (no namespaces for this user), `command-failed` with the step
 * that failed and its why, `cancelled`. After a fault nothing is left.
 */
export async function startSandbox(
  target: Target,
  name: string,
  topology: Topology,
  options: StartOptions = {},
): Promise<Result<Sandbox>> {
  if (!NAME.test(name)) {
    return fail("bad-input", `${JSON.stringify(name)} can't name a lab that is up`, {
      fix: "Use lower-case letters, digits and hyphens, at most 63, e.g. --name flannel-2.",
    });
  }
  const plan = planLab(topology);
  const info: SandboxInfo = {
    name,
    lab: topology.lab,
    ...(options.file ? { file: options.file } : {}),
    startedAt: Date.now(),
    rootless: !target.root,
    namespaces: topology.namespaces.map((namespace) => namespace.name),
    revision: 0,
  };
  const process = target.spawn(holderArgv(name, target.root));
  process.stdin.on("error", () => {}); // it ended early; what it said tells why
  const stderr = collectText(process);
  const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();

  process.stdin.write(PROLOGUE);
  const pid = await readPid(lines);
  if (pid === undefined) {
    const exit = await process.exited;
    return { ok: false, fault: startFault(target, holderArgv(name, target.root), exit, stderr.text()) };
  }
  const own = await claimName(target, name, pid);
  if (!own.ok) {
    process.stdin.end(); // an empty script: the shell exits and takes its namespaces with it
    await process.exited;
    return own;
  }
  const cancel = () => {
    process.stdin.destroy();
    void endHolder(target, { pid, startTicks: own.value });
  };
  options.signal?.addEventListener("abort", cancel, { once: true });
  if (options.signal?.aborted) cancel();
  const record = epilogue(JSON.stringify(info), JSON.stringify(topology), JSON.stringify(options.live ?? null));
  process.stdin.end(printPlan(plan, { progress: true }) + record);

  let failed: { batch: number; code: number } | undefined;
  let ready = false;
  for await (const line of { [Symbol.asyncIterator]: () => lines }) {
    const [word, first, second] = line.split(" ");
    if (word === "hoplab:step") {
      const done = Number(first) + 1;
      options.onProgress?.({ done, total: plan.batches.length, why: plan.batches[done]?.why ?? "" });
    } else if (word === "hoplab:failed") {
      failed = { batch: Number(first), code: Number(second) };
    } else if (word === "hoplab:ready") {
      ready = true;
      break;
    }
  }
  options.signal?.removeEventListener("abort", cancel);
  if (ready) process.kill("SIGKILL"); // the shell that waits outside; the sandbox itself stays
  if (ready && !options.signal?.aborted) return ok({ ...info, target: target.id, pid });
  await endHolder(target, { pid, startTicks: own.value });
  await process.exited;
  if (options.signal?.aborted) return fail("cancelled", `bringing up ${name} was cancelled; nothing of it is left`);
  return { ok: false, fault: buildFault(name, plan, failed, stderr.text()) };
}

/** The pid that the holder's shell prints, once process 1 is there under its name; undefined where it could not start. */
async function readPid(lines: AsyncIterator<string>): Promise<number | undefined> {
  let pid: number | undefined;
  for (let line = await lines.next(); !line.done; line = await lines.next()) {
    if (line.value === "hoplab:here") return pid;
    const found = /^hoplab:pid (\d+)$/.exec(line.value)?.[1];
    if (found) pid = Number(found);
  }
  return undefined;
}

/**
 * Makes sure that no older sandbox has the name; answers with our own start time. Two that start at once both see
 * each other here, because each is in the process list before it looks; the older one keeps the name.
 */
async function claimName(target: Target, name: string, pid: number): Promise<Result<string>> {
  const holders = await listHolders(target);
  if (!holders.ok) return holders;
  const [oldest] = holders.value.filter((holder) => holder.name === name);
  if (!oldest) return fail("gone", `the sandbox ${name} ended before it was built`);
  if (oldest.pid === pid) return ok(oldest.startTicks);
  return fail("exists", `a lab called ${name} is already up (pid ${oldest.pid})`, {
    fix: `Take it down with \`hoplab down ${name}\`, or give this one another name with --name.`,
  });
}

function buildFault(
  name: string,
  plan: ReturnType<typeof planLab>,
  failed: { batch: number; code: number } | undefined,
  stderr: string,
): Fault {
  if (!failed) {
    const detail = stderr.trim();
    return {
      code: "gone",
      message: `the sandbox ${name} ended while it was being built${detail ? `: ${detail}` : ""}`,
      fix: "Something ended its first process. Try again; `hoplab doctor` tells what the target lacks.",
    };
  }
  const step = findFailedStep(plan, failed.batch, stderr);
  const last = stderr.trim().split("\n").at(-1) ?? "";
  return {
    code: "command-failed",
    message: `building ${name} failed at \`${step.command}\` (${step.why}): ${last}`,
    fix: "Nothing of it is left. `hoplab doctor` tells what the target lacks; `hoplab plan` prints the whole script.",
    command: { argv: step.command.split(" "), exitCode: failed.code, stderr: stderr.trim(), why: step.why },
  };
}

function startFault(target: Target, argv: string[], exit: Exit, stderr: string): Fault {
  const command = { argv, exitCode: exit.code, stderr: stderr.trim() };
  if (exit.code === 127) {
    return {
      code: "missing",
      message: `${target.id} lacks setsid or unshare`,
      fix: "Install util-linux there.",
      command,
    };
  }
  return { ...namespacesDenied(target, stderr), command };
}

function collectText(process: Process): { text(): string } {
  const chunks: Buffer[] = [];
  process.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { text: () => Buffer.concat(chunks).toString("utf8") };
}
