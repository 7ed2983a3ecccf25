/** Prints a plan as one POSIX shell script, and finds the step that a tool complained about. */

import type { Batch, Plan, Step } from "./batch.ts";
import { delimiterFor } from "./quote.ts";

const COLUMNS = 100;

export interface PrintOptions {
  /**
   * For a program that runs the script: without comments. It says on stdout how far it is: `hoplab:step INDEX` after each batch, or
   * `hoplab:failed INDEX EXIT-CODE` and exit 1. It ends with the last batch, so that its caller can append to it.
   */
  progress?: boolean;
}

/**
 * The script builds the lab in the namespaces that it is started in, which must be new:
 * `unshare -mnpf --mount-proc sh FILE [COMMAND…]` as root, `unshare -Urmnpf …` as any user. It may also come on
 * stdin. It ends by running the command, or a shell where stdin is a terminal; the lab goes with it.
 */
export function printPlan(plan: Plan, { progress = false }: PrintOptions = {}): string {
  const parts = progress
    ? [header(plan), PROGRESS, ...plan.batches.map(printReportingBatch)]
    : [header(plan), ...plan.batches.map(printBatch), ENDING];
  return parts.join("\n");
}

/**
 * A program of its own that changes a lab that is up, from within its sandbox. What it says is as with `progress`, but that a
 * batch that fails is followed by the batches of `undo`, and by `hoplab:undone`, or `hoplab:stuck INDEX EXIT-CODE` with
 * the batch of those that failed.
 * `begin` comes before the first batch, `done` behind the last, `back` when it was undone.
 */
export function printChange(
  plan: Plan,
  undo: Plan,
  { begin, done, back }: Record<"begin" | "done" | "back", string>,
): string {
  const undoing = undo.batches.map((batch, index) => printRunningBatch(batch, `stuck ${index} $?`));
  return [
    `set -eu\nexport PATH="$PATH:/usr/sbin:/sbin"`,
    begin,
    `stuck() {\n  echo "hoplab:stuck $1 $2"\n  exit 1\n}`,
    `failed() {\n  echo "hoplab:failed $1 $2"\n  undo\n}`,
    `undo() {\n${undoing.join("")}${back}\necho hoplab:undone\nexit 1\n}`,
    ...plan.batches.map(printReportingBatch),
    done,
    "echo hoplab:done\n",
  ].join("\n");
}

/**
 * The step at which a batch of the script printed with `progress` failed, by the line number in what the tool
 * wrote to stderr. Where it names no line (the tool itself is missing, say), the batch as a whole.
 */
export function findFailedStep(plan: Plan, batchIndex: number, stderr: string): Step {
  const batch = plan.batches[batchIndex];
  if (!batch) throw new RangeError(`the plan of ${plan.lab} has no batch ${batchIndex}`);
  let line = failedLine(batch, stderr) ?? Number.POSITIVE_INFINITY;
  for (const { command, why } of batch.steps) {
    line -= command.split("\n").length;
    if (line <= 0) return { command, why: why || batch.why };
  }
  return { command: invocation(batch), why: batch.why };
}

/** The last line number that the tool names, counted from 1 in its input. */
function failedLine(batch: Batch, stderr: string): number | undefined {
  const pattern = {
    ip: /Command failed -:(\d+)/g,
    bridge: /Command failed -:(\d+)/g,
    sh: /^\S*sh: (?:line )?(\d+): /gm,
    ipset: /\bline (\d+)/g,
    "iptables-restore": /\bline:? (\d+)/g,
    nft: /^\S*:(\d+):\d+/gm,
  }[batch.tool];
  const last = [...stderr.matchAll(pattern)].at(-1)?.[1];
  return last === undefined ? undefined : Number(last);
}

function printBatch(batch: Batch): string {
  const body = batch.steps.map(({ command, why }) => (why ? `${comment(why)}\n${command}` : command)).join("\n");
  const delimiter = delimiterFor(body);
  const end = batch.tolerant ? " || :" : "";
  return `${comment(batch.why)}\n${invocation(batch)}${tolerance(batch)} <<'${delimiter}'${end}\n${body}\n${delimiter}\n`;
}

function printReportingBatch(batch: Batch, index: number): string {
  return `${printRunningBatch(batch, `failed ${index} $?`)}echo hoplab:step ${index}\n`;
}

function printRunningBatch(batch: Batch, otherwise: string): string {
  const body = batch.steps.map(({ command }) => command).join("\n");
  const delimiter = delimiterFor(body);
  const end = batch.tolerant ? ":" : otherwise;
  return `${invocation(batch)}${tolerance(batch)} <<'${delimiter}' || ${end}\n${body}\n${delimiter}\n`;
}

function invocation({ tool, netns, tolerant = false, replace = false }: Batch): string {
  const enter = netns ? `nsenter --net=/run/netns/${netns} ` : "";
  switch (tool) {
    case "ip":
    case "bridge":
      return [tool, ...(netns ? ["-n", netns] : []), ...(tolerant ? ["-force"] : []), "-batch", "-"].join(" ");
    case "sh":
      return `${enter}sh -${tolerant ? "" : "e"}u`;
    case "ipset":
      return `${enter}ipset ${replace ? "-exist " : ""}restore`;
    case "iptables-restore":
      return `${enter}iptables-restore -w${replace ? "" : " --noflush"}`;
    case "nft":
      return `${enter}nft -f -`;
  }
}

/** What a tolerant batch's tool complains about is no news. */
function tolerance({ tolerant = false }: Batch): string {
  return tolerant ? " 2>/dev/null" : "";
}

function comment(text: string): string {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(/\s+/)) {
    if (line.length + 1 + word.length > COLUMNS && line !== "#") {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\n");
}

function header(plan: Plan): string {
  return `#!/bin/sh
# The lab ${plan.lab}, built out of network namespaces. Run it in namespaces of its own,
#   as root:  unshare -mnpf --mount-proc sh FILE [COMMAND...]
#   or not:   unshare -Urmnpf --mount-proc sh FILE [COMMAND...]
# It ends in COMMAND, or in a shell. When that exits, everything is gone.
set -eu
export PATH="$PATH:/usr/sbin:/sbin"
if [ $$ -ne 1 ]; then
  echo "Run this with: unshare -mnpf --mount-proc sh FILE (or -Urmnpf), not in the machine's own namespaces." >&2
  exit 2
fi
`;
}

const PROGRESS = `failed() {
  echo "hoplab:failed $1 $2"
  exit 1
}
`;

const ENDING = `# The lab is up. \`ip netns\` lists its namespaces; \`ip netns exec NAME sh\` opens one.
if [ $# -gt 0 ]; then
  exec "$@"
elif [ -t 0 ]; then
  exec "\${SHELL:-/bin/sh}"
fi
`;
