/** Commands inside a lab that is up: exec, shell, state. */

import { ok, type Result } from "../../preload/contract/result.ts";
import { type Namespace, netnsFile } from "../../preload/contract/topology.ts";
import { type OpenSandbox, openSandbox } from "../sandbox/open-sandbox.ts";
import { readParts } from "../sandbox/state.ts";
import { LocalTarget } from "../target/local-target.ts";
import { sandboxName } from "./lab-commands.ts";
import { paint } from "./print.ts";
import { type CliOptions, CliSession } from "./session.ts";
import { runHere, runThere } from "./terminal.ts";

/** Runs a command, or a shell where there is none, with this terminal as its own. Exits as it does. */
export async function runExec(options: CliOptions, lab: string, netns: string, command: string[]): Promise<void> {
  await using session = await CliSession.open(options);
  const entered = await enter(session, lab, netns);
  if (!entered.ok) return session.fault(entered.fault);
  await using sandbox = entered.value.sandbox;
  const { name } = entered.value.namespace;
  const wanted = command.length > 0 ? command : shellArgv(sandbox, entered.value.namespace);
  if (options.json) {
    const ran = await sandbox.runIn(name, wanted, { files: true, exitCodes: "any" });
    session.print(ran, () => "");
    if (ran.ok) process.exitCode = ran.value.exitCode;
    return;
  }
  if (sandbox.target instanceof LocalTarget) {
    // Ctrl-C is for the command alone: nsenter, which waits for it outside, would die of it and take it along.
    const inside = ["env", "--default-signal=INT", "--default-signal=QUIT", ...wanted];
    const argv = ["env", "--ignore-signal=INT", "--ignore-signal=QUIT", ...sandbox.lifelineArgv(name, inside)];
    process.exitCode = await runHere(argv);
    return;
  }
  const exit = await runThere(sandbox, name, wanted);
  if (exit.ok) process.exitCode = exit.value;
  else session.fault(exit.fault);
}

/** A shell that says where it is. */
function shellArgv(sandbox: OpenSandbox, namespace: Namespace): string[] {
  const shell = process.env.SHELL?.endsWith("bash") ? ["bash", "--norc", "-i"] : ["sh", "-i"];
  return ["env", `PS1=${sandbox.sandbox.name} ${namespace.name} # `, "ENV=", ...shell];
}

/** The namespace that a person means, in a lab that is up. */
async function enter(
  session: CliSession,
  lab: string,
  netns: string,
): Promise<Result<{ sandbox: OpenSandbox; namespace: Namespace }>> {
  const target = await session.target();
  if (!target.ok) return target;
  const sandbox = await openSandbox(target.value, await sandboxName(lab, []));
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
  await using session = await CliSession.open(options);
  const entered = await enter(session, lab, netns);
  if (!entered.ok) return session.fault(entered.fault);
  const { sandbox, namespace } = entered.value;
  const commands = STATE_COMMANDS.map(([name, tool, what]) => ({
    name,
    command: `${tool} -n ${netnsFile(namespace.name)} ${what}`,
  }));
  const parts = await readParts(sandbox, commands);
  session.print(parts.ok ? ok({ netns: namespace.name, parts: parts.value }) : parts, (state) =>
    state.parts
      .map((part) => `${paint("bold", `# ${part.command}`)}\n${part.text || paint("dim", "(nothing)")}`)
      .join("\n\n"),
  );
}
