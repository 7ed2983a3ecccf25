/** Commands that change a lab that is up: fault, node add, remove, move and list, agent stop and start. */

import type { Progress } from "../../preload/contract/lab.ts";
import type { LabChange, LiveFault, LiveLab, LiveNode } from "../../preload/contract/live.ts";
import { fail, type Result } from "../../preload/contract/result.ts";
import { sandboxName } from "./lab-commands.ts";
import { paint, printTable } from "./print.ts";
import { type CliOptions, CliSession, printFaultAs } from "./session.ts";
import { sendCommand } from "./words.ts";

/** Lists the faults, or injects or reverts one. */
export async function runFault(
  options: CliOptions,
  lab: string,
  name: string | undefined,
  { revert = false }: { revert?: boolean },
): Promise<void> {
  if (name === undefined && revert) {
    const wanted = fail("bad-input", "which fault is to be reverted?", { fix: `\`hoplab fault ${lab}\` lists them.` });
    return printFaultAs(wanted.fault, options.json === true);
  }
  await using session = await CliSession.open(options);
  if (name === undefined) {
    const live = await liveLab(session, lab);
    return session.print(live, ({ faults }) => printFaults(lab, faults));
  }
  const kind = revert ? "revert-fault" : "inject-fault";
  const changed = await change(session, lab, { kind, name });
  session.print(changed, ({ faults }) => {
    const fault = faults.find((one) => one.name === name);
    if (!fault) return "";
    if (!fault.injected) return `${name} is reverted.`;
    return `${name} is injected. See it with \`${sendCommand(lab, fault.shows)}\`; revert it with \`hoplab fault ${lab} ${name} --revert\`.`;
  });
}

export async function runNodeList(options: CliOptions, lab: string): Promise<void> {
  await using session = await CliSession.open(options);
  session.print(await liveLab(session, lab), ({ nodes }) => printNodes(nodes));
}

export async function runNodeAdd(
  options: CliOptions,
  lab: string,
  name: string,
  more: { address?: string; network?: string; pods?: string[] },
): Promise<void> {
  // `--pods ""` is a node without any.
  const pods = more.pods?.filter((pod) => pod !== "");
  await runChange(options, lab, { kind: "add-node", name, ...more, ...(pods ? { pods } : {}) });
}

/** Changes the nodes of a lab, and prints them as they are then. */
export async function runChange(options: CliOptions, lab: string, wanted: LabChange): Promise<void> {
  await using session = await CliSession.open(options);
  session.print(await change(session, lab, wanted), ({ nodes }) => printNodes(nodes));
}

async function liveLab(session: CliSession, lab: string): Promise<Result<LiveLab>> {
  const sandbox = await find(session, lab);
  return sandbox.ok ? session.call("lab.live", { sandbox: sandbox.value }) : sandbox;
}

async function change(session: CliSession, lab: string, wanted: LabChange): Promise<Result<LiveLab>> {
  const sandbox = await find(session, lab);
  if (!sandbox.ok) return sandbox;
  const shown = process.stderr.isTTY && !session.json;
  const show = ({ done, total, why }: Progress) => {
    if (shown) process.stderr.write(`\r\x1b[K  ${done}/${total}  ${why.slice(0, 100)}`);
  };
  const changed = await session.call("lab.change", { sandbox: sandbox.value, change: wanted }, show);
  if (shown) process.stderr.write("\r\x1b[K");
  return changed;
}

async function find(session: CliSession, lab: string): Promise<Result<string>> {
  const listed = await session.sandboxes();
  return listed.ok ? { ok: true, value: await sandboxName(lab, listed.value) } : listed;
}

function printNodes(nodes: readonly LiveNode[]): string {
  return printTable(
    ["node", "address", "network", "agent"],
    nodes.map(({ name, address, network, agent }) => [name, address, network, agent ?? "none"]),
  );
}

function printFaults(lab: string, faults: readonly LiveFault[]): string {
  if (faults.length === 0) return `${lab} has no faults to inject.`;
  return faults.map((fault) => printFault(lab, fault)).join("\n\n");
}

function printFault(lab: string, { name, title, symptom, search, shows, injected }: LiveFault): string {
  return [
    `${paint("bold", name)}${injected ? `  ${paint("red", "injected")}` : ""}`,
    ...paragraph("", title.en),
    ...paragraph("what is seen:  ", symptom.en),
    ...paragraph("how to find it: ", search.en),
    ...paragraph("try:           ", sendCommand(lab, shows)),
  ].join("\n");
}

const COLUMNS = 110;

/** A text in lines that are not too long, all but the first indented. */
function paragraph(head: string, text: string): string[] {
  const lines: string[] = [];
  let line = `  ${head}`.trimEnd();
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = "     ";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
