/** Commands on targets: target add, list, remove, test. */

import { fail, ok } from "../../preload/contract/result.ts";
import {
  type PrivilegeChoice,
  type TargetStep,
  type TargetSummary,
  targetSpecSchema,
} from "../../preload/contract/target.ts";
import { paint, printTable } from "./print.ts";
import { type CliOptions, CliSession, EXIT_FAILED } from "./session.ts";
import { splitWords } from "./words.ts";

export interface AddOptions {
  identity?: string;
  jump?: string[];
  command?: string;
  privilege: PrivilegeChoice;
}

export async function runTargetAdd(
  options: CliOptions,
  name: string,
  address: string | undefined,
  { identity, jump, command, privilege }: AddOptions,
): Promise<void> {
  await using session = await CliSession.open(options);
  if ((address === undefined) === (command === undefined)) {
    return session.fault(
      fail("bad-input", "say where the target is: either an ssh:// address or --command", {
        fix: "hoplab target add lab ssh://user@host, or hoplab target add wsl --command 'wsl.exe -d Ubuntu -u root --'",
      }).fault,
    );
  }
  const words = command === undefined ? undefined : splitWords(command);
  if (words && !words.ok) return session.fault(words.fault);
  const spec = targetSpecSchema.safeParse(
    words
      ? { kind: "command", name, command: words.value, privilege }
      : { kind: "ssh", name, address, privilege, ...(identity ? { identity } : {}), ...(jump ? { jump } : {}) },
  );
  if (!spec.success) {
    const [issue] = spec.error.issues;
    const what = issue?.path[0] === "name" ? `${JSON.stringify(name)} can't name a target` : issue?.path.join(".");
    return session.fault(fail("bad-input", `${what}: ${issue?.message}`).fault);
  }
  const added = await session.call("target.add", spec.data);
  session.print(added, () => `${name} is added. \`hoplab target test ${name}\` tries it step by step.`);
}

export async function runTargetList(options: CliOptions): Promise<void> {
  await using session = await CliSession.open(options);
  const listed = await session.call("target.list", {});
  session.print(listed, (targets) => printTable(["target", "kind", "where"], targets.map(targetRow)));
}

function targetRow({ name, kind, address, fault }: TargetSummary): string[] {
  const where = address || (kind === "vm" ? "not running; `hoplab vm up` starts it" : "this machine");
  return [name, kind, fault ? fault.message : where];
}

export async function runTargetRemove(options: CliOptions, target: string): Promise<void> {
  await using session = await CliSession.open(options);
  const removed = await session.call("target.remove", { target });
  session.print(
    removed.ok ? ok({ removed: target }) : removed,
    () => `${target} is removed. Labs that are up there stay up.`,
  );
}

/** Prints each step as it ends. */
export async function runTargetTest(options: CliOptions, target: string): Promise<void> {
  await using session = await CliSession.open(options);
  const show = (step: TargetStep) => {
    if (!session.json && step.state !== "running") process.stdout.write(`${printStep(step)}\n`);
  };
  const tested = await session.call("target.test", { target }, show);
  session.print(tested, (test) =>
    test.ok
      ? `\n${target} can host labs. \`hoplab doctor --target ${target}\` says which.`
      : `\n${target} can't be used yet.`,
  );
  if (tested.ok && !tested.value.ok) process.exitCode = EXIT_FAILED;
}

const MARKS = { ok: paint("green", "ok     "), warning: paint("yellow", "partly "), failed: paint("red", "failed ") };

function printStep({ step, state, detail, fix }: TargetStep): string {
  const mark = state === "running" ? "" : MARKS[state];
  const fixes = state === "failed" && fix ? fix.split("\n").map((line) => `\n         try: ${line}`) : [];
  return `${mark}${step.padEnd(13)}${detail}${fixes.join("")}`;
}
