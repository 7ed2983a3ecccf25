/** Commands inside a lab that is up: exec, shell, state. */

import { spawn } from "node:child_process";
import { ok, type Result } from "../../preload/contract/result.ts";
import { type Namespace, netnsFile } from "../../preload/contract/topology.ts";
import { type OpenSandbox, openSandbox } from "../sandbox/open-sandbox.ts";
import { chooseTarget } from "../target/choose-target.ts";
import { run } from "../target/run.ts";
import type { Target } from "../target/target.ts";
import { sandboxName } from "./lab-commands.ts";
import { paint } from "./print.ts";
import { type CliOptions, elevation, printFaultAs } from "./session.ts";

/** Runs a command, or a shell where there is none, with this terminal as its own. Exits as it does. */
export async function runExec(options: CliOptions, lab: string, netns: string, command: string[]): Promise<void> {
  const opened = await enter(options, lab, netns);
  if (!opened.ok) return printFaultAs(opened.fault, options.json === true);
  await using target = opened.value.target;
  const { sandbox, namespace } = opened.value;
  const wanted = command.length > 0 ? command : shellArgv(sandbox, namespace);
  if (options.json) {
    process.exitCode = await runForJson(target, sandbox.netnsArgv(namespace.name, wanted));
    return;
  }
  // Ctrl-C is for the command alone: nsenter, which waits for it outside, would die of it and take it along.
  const inside = ["env", "--default-signal=INT", "--default-signal=QUIT", ...wanted];
  const argv = ["env", "--ignore-signal=INT", "--ignore-signal=QUIT", ...sandbox.netnsArgv(namespace.name, inside)];
  process.exitCode = await runInTerminal(argv, elevation(options));
}

/** A shell that says where it is. */
function shellArgv(sandbox: OpenSandbox, namespace: Namespace): string[] {
  const shell = process.env.SHELL?.endsWith("bash") ? ["bash", "--norc", "-i"] : ["sh", "-i"];
  return ["env", `PS1=${sandbox.sandbox.name} ${namespace.name} # `, "ENV=", ...shell];
}

async function runForJson(target: Target, argv: string[]): Promise<number> {
  const result = await run(target, argv, { exitCodes: "any" });
  if (!result.ok) {
    printFaultAs(result.fault, true);
    return 1;
  }
  process.stdout.write(`${JSON.stringify(result.value)}\n`);
  return result.value.exitCode;
}

function runInTerminal(argv: string[], elevate: string | undefined): Promise<number> {
  const [program = "", ...rest] = elevate ? [elevate, ...argv] : argv;
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => {}); // they are the command's to answer
  const child = spawn(program, rest, { stdio: "inherit", cwd: "/" });
  return new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("exit", (code, signal) => resolve(signal ? 128 : (code ?? 1)));
  });
}

/** The namespace that a person means, in a lab that is up. The target is the caller's to let go. */
async function enter(
  options: CliOptions,
  lab: string,
  netns: string,
): Promise<Result<{ target: Target; sandbox: OpenSandbox; namespace: Namespace }>> {
  const target = await chooseTarget(elevation(options));
  if (!target.ok) return target;
  const found = await findNamespaceOf(target.value, lab, netns);
  if (!found.ok) await target.value[Symbol.asyncDispose]();
  return found.ok ? ok({ target: target.value, ...found.value }) : found;
}

async function findNamespaceOf(
  target: Target,
  lab: string,
  netns: string,
): Promise<Result<{ sandbox: OpenSandbox; namespace: Namespace }>> {
  const sandbox = await openSandbox(target, await sandboxName(lab, []));
  if (!sandbox.ok) return sandbox;
  const namespace = sandbox.value.namespace(netns);
  return namespace.ok ? ok({ sandbox: sandbox.value, namespace: namespace.value }) : namespace;
}

/** What `hoplab state` prints, as a person would type it. */
const STATE_COMMANDS = [
  ["link", "ip", "-d link show"],
  ["addresses", "ip", "addr show"],
  ["routes", "ip", "route show table main"],
  ["neighbours", "ip", "neigh show"],
  ["fdb", "bridge", "fdb show"],
] as const;

export async function runState(options: CliOptions, lab: string, netns: string): Promise<void> {
  const opened = await enter(options, lab, netns);
  if (!opened.ok) return printFaultAs(opened.fault, options.json === true);
  await using _target = opened.value.target;
  const { sandbox, namespace } = opened.value;
  const parts: { name: string; command: string; text: string }[] = [];
  for (const [name, tool, what] of STATE_COMMANDS) {
    const command = `${tool} -n ${netnsFile(namespace.name)} ${what}`;
    const read = await sandbox.run(command.split(" "));
    if (!read.ok) return printFaultAs(read.fault, options.json === true);
    parts.push({ name, command, text: read.value.stdout.trimEnd() });
  }
  const text = parts
    .map((part) => `${paint("bold", `# ${part.command}`)}\n${part.text || paint("dim", "(nothing)")}`)
    .join("\n\n");
  process.stdout.write(options.json ? `${JSON.stringify({ netns: namespace.name, parts })}\n` : `${text}\n`);
}
