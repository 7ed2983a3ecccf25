/**
 * Changes a lab that is up: plans the difference between what it is and what it is to be, and runs it inside the sandbox in
 * one round trip. It ends up as asked for, or as it was. A lock in the sandbox lets one client after the other; before the
 * first command it is written down what is about to be done, so that whoever comes after a client that was killed half-way
 * brings the lab back first.
 */

import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import type { Progress } from "../../preload/contract/lab.ts";
import { type Fault, fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Live } from "../live/live.ts";
import { stepsBetween } from "../live/steps.ts";
import { topologyOf } from "../live/topology.ts";
import { planChange, planExtraSteps } from "../plan/change.ts";
import { LOCK } from "../plan/daemon.ts";
import type { Plan } from "../plan/plan.ts";
import { findFailedStep, printChange } from "../plan/script.ts";
import { commandFault } from "../target/run.ts";
import { SANDBOX_FOLDER } from "./holder.ts";
import type { SandboxInfo } from "./list.ts";
import { type Built, type LiveRecord, readLive, UNDER_WAY } from "./live.ts";
import type { OpenSandbox } from "./open-sandbox.ts";

export interface ChangeOptions {
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Told before anything is run what the lab is about to be. */
  onPlanned?: (built: Built) => void;
}

/** How long another client's change is waited for, and how often it may come first. */
const LOCK_SECONDS = 60;
const MOST_TURNS = 20;

/**
 * `decide` says from what is asked for now what is to be asked for; it may be asked again where another client was first.
 * Faults: those of `decide` and `readLive`, `command-failed` with the step that failed, `timeout` (another client's change
 * does not end), `cancelled`, `gone`.
 */
export async function changeSandbox(
  sandbox: OpenSandbox,
  decide: (live: Live) => Result<Live>,
  options: ChangeOptions = {},
): Promise<Result<Built>> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const record = await readLive(sandbox);
    if (!record.ok) return record;
    const brought = record.value.brokenOff ? await bringBack(sandbox, record.value) : undefined;
    if (brought && !brought.ok) return brought;
    if (brought) continue;
    const { live, topology, version } = record.value;
    const decided = decide(live);
    if (!decided.ok) return decided;
    const after = { live: decided.value, topology: topologyOf(decided.value) };
    options.onPlanned?.(after);
    const outcome = await runChange(sandbox, version, { live, topology }, after, options);
    if (outcome === "cancelled") {
      const left = await readLive(sandbox);
      const back = left.ok && left.value.brokenOff ? await bringBack(sandbox, left.value) : left;
      if (!back.ok) return back;
      return fail("cancelled", `the change of ${sandbox.sandbox.name} was cancelled; it is as it was`);
    }
    if (outcome === "done") return ok(after);
    if (outcome !== "moved") return { ok: false, fault: outcome };
  }
  return fail("timeout", `${sandbox.sandbox.name} is being changed by others all the time`, { fix: "Try again." });
}

/** Brings a lab back whose change was broken off. */
async function bringBack(sandbox: OpenSandbox, record: LiveRecord): Promise<Result<null>> {
  const { live, topology, version, brokenOff } = record;
  if (!brokenOff) return ok(null);
  const outcome = await runChange(sandbox, version, brokenOff, { live, topology }, {}, true);
  if (outcome === "done" || outcome === "moved") return ok(null);
  if (outcome === "cancelled") return fail("cancelled", `bringing ${sandbox.sandbox.name} back was cancelled`);
  return {
    ok: false,
    fault: {
      ...outcome,
      message: `a change of ${sandbox.sandbox.name} was broken off, and bringing it back failed: ${outcome.message}`,
      fix: `Try again, or take it down: \`hoplab down ${sandbox.sandbox.name}\`.`,
    },
  };
}

type Outcome = "done" | "moved" | "cancelled" | Fault;

async function runChange(
  sandbox: OpenSandbox,
  version: string,
  before: Built,
  after: Built,
  { signal, onProgress }: ChangeOptions,
  leftovers = false,
): Promise<Outcome> {
  const plan = planTurn(before, after, leftovers);
  // What was brought back in vain is brought back again by the next to come.
  const undo = leftovers ? { ...plan, batches: [] } : planTurn(after, before, true);
  const argv = ["sh", "-s"];
  const spawned = await sandbox.spawn(argv);
  if (!spawned.ok) return spawned.fault;
  const process = spawned.value;
  process.stdin.on("error", () => {}); // it ended early; what it said tells why
  const chunks: Buffer[] = [];
  process.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const cancel = () => process.kill("SIGKILL");
  signal?.addEventListener("abort", cancel, { once: true });
  if (signal?.aborted) cancel();
  process.stdin.end(
    printChange(plan, undo, {
      begin: beginning(version, leftovers ? after : before, leftovers ? before : after),
      done: settle(sandbox, after),
      // What it is now is written down only behind the last batch, so that is as it was.
      back: leftovers ? "" : writeWhole("version", version),
    }),
  );
  let failed: number | undefined;
  let stuck: number | undefined;
  let last = "";
  for await (const line of createInterface({ input: process.stdout })) {
    const [word = "", first] = line.split(" ");
    if (word === "hoplab:step") {
      const done = Number(first) + 1;
      onProgress?.({ done, total: plan.batches.length, why: plan.batches[done]?.why ?? "" });
    }
    if (word === "hoplab:failed") failed = Number(first);
    if (word === "hoplab:stuck") stuck = Number(first);
    last = word;
  }
  const exit = await process.exited;
  signal?.removeEventListener("abort", cancel);
  if (last === "hoplab:done") return "done";
  if (last === "hoplab:moved") return "moved";
  if (signal?.aborted) return "cancelled";
  const stderr = Buffer.concat(chunks).toString("utf8");
  const { name } = sandbox.sandbox;
  if (last === "hoplab:busy") {
    const fault = fail("timeout", `another change of ${name} has not ended in ${LOCK_SECONDS} s`, {
      fix: "Try again.",
    });
    return fault.fault;
  }
  if (failed === undefined) return commandFault(sandbox.target, argv, exit, stderr, `changing ${name}`);
  return changeFault(name, plan, undo, { failed, stuck, exitCode: exit.code, stderr });
}

function planTurn(before: Built, after: Built, leftovers: boolean): Plan {
  // What daemons wait for may be in the way of an agent that is stopped, or of a fault.
  const wait = after.live.faults.length === 0 && Object.keys(after.live.stopped).length === 0;
  const plan = planChange(before.topology, after.topology, { leftovers, wait });
  return { ...plan, batches: [...plan.batches, ...planExtraSteps(stepsBetween(before.live, after.live))] };
}

function changeFault(
  name: string,
  plan: Plan,
  undo: Plan,
  {
    failed,
    stuck,
    exitCode,
    stderr,
  }: { failed: number; stuck: number | undefined; exitCode: number | null; stderr: string },
): Fault {
  const step = findFailedStep(plan, failed, stderr);
  const lines = stderr.trim().split("\n");
  const what = `changing ${name} failed at \`${firstLine(step.command)}\` (${step.why})`;
  const command = { argv: step.command.split(" "), exitCode, stderr: stderr.trim(), why: step.why };
  if (stuck === undefined) {
    const fix = "It is as it was before. `hoplab doctor` tells what the target lacks.";
    return { code: "command-failed", message: `${what}: ${lines.at(-1) ?? ""}`, fix, command };
  }
  const back = findFailedStep(undo, stuck, stderr);
  return {
    code: "command-failed",
    message: `${what}, and going back failed at \`${firstLine(back.command)}\` (${back.why}): ${lines.join("; ")}`,
    fix: `What it is now is not known. Try again, or take it down: \`hoplab down ${name}\`.`,
    command,
  };
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

/** Takes the lock, makes sure that nobody was first, and writes down what is about to be done. */
function beginning(version: string, before: Built, after: Built): string {
  const begun = `${before.live.revision}${UNDER_WAY}${randomBytes(6).toString("hex")}`;
  return `cd ${SANDBOX_FOLDER}
exec ${LOCK}>>lock
flock -w ${LOCK_SECONDS} ${LOCK} || { echo hoplab:busy; exit 1; }
[ "$(cat version)" = '${version}' ] || { echo hoplab:moved; exit 0; }
${writeWhole("change.json", JSON.stringify({ before, after }))}
${writeWhole("version", begun)}`;
}

/** Writes down what the lab is now. Whoever reads it half-way sees that a change is under way still. */
function settle({ sandbox }: OpenSandbox, { live, topology }: Built): string {
  const { target: _target, pid: _pid, ...rest } = sandbox;
  const info: SandboxInfo = {
    ...rest,
    revision: live.revision,
    namespaces: topology.namespaces.map((netns) => netns.name),
  };
  return [
    writeWhole("topology.json", JSON.stringify(topology)),
    writeWhole("live.json", JSON.stringify(live)),
    writeWhole("sandbox.json", JSON.stringify(info)),
    writeWhole("version", String(live.revision)),
  ].join("\n");
}

function writeWhole(file: string, line: string): string {
  return `cat >new.${file} <<'HOPLAB_END'\n${line}\nHOPLAB_END\nmv new.${file} ${file}`;
}
