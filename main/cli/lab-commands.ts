/** Commands on labs: labs, doctor, validate, plan, up, ps, down. */

import type { Progress, Sandbox } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { findLab, readWithCompared } from "../lab/catalogue.ts";
import { layOutLab } from "../layout/layout.ts";
import { planLab } from "../plan/plan.ts";
import { printPlan } from "../plan/script.ts";
import { LABS_DIR } from "./places.ts";
import { paint, printAge, printTable } from "./print.ts";
import { type CliOptions, CliSession, EXIT_FAILED, printFaultAs } from "./session.ts";

export async function runLabs(options: CliOptions): Promise<void> {
  await using session = await CliSession.open(options);
  const labs = await session.call("lab.list", {});
  session.print(labs, (found) =>
    printTable(
      ["lab", "title", "what it shows"],
      found.map((lab) => [lab.id, lab.title.en, lab.problem ?? lab.summary.en]),
    ),
  );
}

export async function runDoctor(options: CliOptions): Promise<void> {
  await using session = await CliSession.open(options);
  const diagnosis = await session.call("lab.doctor", {});
  session.print(diagnosis, ({ target, kernel, findings, labs }) => {
    const mark = (found: boolean) => (found ? paint("green", "yes") : paint("red", "no "));
    const width = Math.max(...findings.map(({ name }) => name.length)) + 2;
    const lines = findings.map(({ name, found, fix }) =>
      `  ${mark(found)}  ${name.padEnd(width)}${found ? "" : (fix ?? "")}`.trimEnd(),
    );
    const runs = labs.map(
      ({ id, lacks }) => `  ${mark(lacks.length === 0)}  ${id}${lacks.length > 0 ? `: lacks ${lacks.join(", ")}` : ""}`,
    );
    return [`${target}, ${kernel}`, "", ...lines, "", "Labs that can run here:", ...runs].join("\n");
  });
  if (diagnosis.ok && diagnosis.value.labs.some((lab) => lab.lacks.length > 0)) process.exitCode = EXIT_FAILED;
}

export async function runValidate(options: CliOptions, file: string): Promise<void> {
  const lab = await readWithCompared(file, LABS_DIR);
  if (!lab.ok) return printFaultAs(lab.fault, options.json === true);
  const output = { file: lab.value.file, id: lab.value.lab.id, valid: true };
  process.stdout.write(
    options.json ? `${JSON.stringify(output)}\n` : `${output.file}: the lab ${output.id} is valid\n`,
  );
}

export async function runPlan(options: CliOptions, ref: string, format: "sh" | "json"): Promise<void> {
  const found = await findLab(ref, LABS_DIR);
  if (!found.ok) return printFaultAs(found.fault, options.json === true);
  const compared = found.value.compared?.map(({ lab }) => lab.id);
  if (compared) {
    const message = `${found.value.lab.id} is a comparison of ${compared.join(" and ")} and builds nothing itself`;
    const fix = compared.map((id) => `hoplab plan ${id}`).join("\n");
    return printFaultAs(fail("bad-input", message, { fix }).fault, options.json === true);
  }
  const plan = planLab(layOutLab(found.value.lab));
  process.stdout.write(options.json || format === "json" ? `${JSON.stringify(plan)}\n` : printPlan(plan));
}

export async function runUp(options: CliOptions, lab: string, name: string | undefined): Promise<void> {
  await using session = await CliSession.open(options);
  const compared = name === undefined ? await comparedLabs(session, lab) : undefined;
  if (!compared) return session.print(await bringUp(session, lab, name), printUp);
  const listed = await session.sandboxes();
  if (!listed.ok) return session.fault(listed.fault);
  const up: Sandbox[] = [];
  for (const id of compared) {
    const there = listed.value.find((sandbox) => sandbox.name === id);
    const started = there ? ok(there) : await bringUp(session, id);
    if (!started.ok) return session.fault(started.fault);
    up.push(started.value);
  }
  session.print(ok(up), (both) => [...both.map(printUp), `Compare them with \`hoplab compare ${lab}\`.`].join("\n"));
}

/** The labs of a comparison; undefined where it is none, or can't be read. */
export async function comparedLabs(session: CliSession, lab: string): Promise<[string, string] | undefined> {
  const detail = await session.call("lab.open", { lab });
  return detail.ok ? detail.value.lab.compares : undefined;
}

/** Brings a lab up and shows how far it is, on a terminal. */
export async function bringUp(session: CliSession, lab: string, name?: string): Promise<Result<Sandbox>> {
  const shown = process.stderr.isTTY && !session.json;
  const show = ({ done, total, why }: Progress) => {
    if (shown) process.stderr.write(`\r\x1b[K  ${done}/${total}  ${why.slice(0, 100)}`);
  };
  const up = await session.call("lab.up", name ? { lab, name } : { lab }, show);
  if (shown) process.stderr.write("\r\x1b[K");
  return up;
}

export function printUp({ name, namespaces, pid, rootless }: Sandbox): string {
  return `${name} is up: ${namespaces.length} namespaces, pid ${pid}${rootless ? ", rootless" : ""}. Remove it with \`hoplab down ${name}\`.`;
}

export async function runPs(options: CliOptions): Promise<void> {
  await using session = await CliSession.open(options);
  const listed = await session.sandboxes();
  session.print(listed, (sandboxes) =>
    sandboxes.length === 0
      ? "No lab is up."
      : printTable(
          ["name", "lab", "pid", "age", "as", "namespaces"],
          sandboxes.map(({ name, lab, pid, startedAt, rootless, namespaces }) => [
            name,
            lab,
            String(pid),
            printAge(Date.now() - startedAt),
            rootless ? "user" : "root",
            namespaces.length > 14
              ? `${namespaces.slice(0, 12).join(" ")} … (${namespaces.length})`
              : namespaces.join(" "),
          ]),
        ),
  );
}

export async function runDown(options: CliOptions, name: string | undefined, all: boolean): Promise<void> {
  await using session = await CliSession.open(options);
  if (!name && !all) return session.fault(fail("bad-input", "say which lab to take down, or --all").fault);
  const listed = await session.sandboxes();
  if (!listed.ok) return session.fault(listed.fault);
  const names = all ? listed.value.map((sandbox) => sandbox.name) : await namesMeant(session, name ?? "", listed.value);
  for (const one of names) {
    const down = await session.call("lab.down", { sandbox: one });
    if (!down.ok) return session.fault(down.fault);
  }
  session.print(ok({ down: names }), () => (names.length === 0 ? "No lab is up." : `${names.join(", ")}: gone.`));
}

/** A lab file's path is as good as its id here, as it is everywhere else. A comparison means those of its labs that are up. */
async function namesMeant(session: CliSession, ref: string, sandboxes: readonly Sandbox[]): Promise<string[]> {
  const name = await sandboxName(ref, sandboxes);
  if (sandboxes.some((sandbox) => sandbox.name === name)) return [name];
  const compared = await comparedLabs(session, ref);
  const up = compared?.filter((id) => sandboxes.some((sandbox) => sandbox.name === id)) ?? [];
  return up.length > 0 ? up : [name];
}

/** The name of the sandbox that a person means by a sandbox's name, a lab's id or a lab file. */
export async function sandboxName(ref: string, sandboxes: readonly Sandbox[]): Promise<string> {
  if (sandboxes.some((sandbox) => sandbox.name === ref)) return ref;
  const found =
    ref.includes("/") || ref.endsWith(".yaml") || ref.endsWith(".yml") ? await findLab(ref, LABS_DIR) : undefined;
  return found?.ok ? found.value.lab.id : ref;
}
