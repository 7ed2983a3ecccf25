/**
 * Every lab is built by its printed script, and every fact of its tables (test/facts) is read back from the kernel: one
 * test per fact. Says how many it checked.
 */

import { afterAll, describe, expect, it } from "vitest";
import { layOutLab } from "../../main/layout/layout.ts";
import { WITH_FILES } from "../../main/plan/daemon.ts";
import { planLab } from "../../main/plan/plan.ts";
import { printPlan } from "../../main/plan/script.ts";
import { netnsFile } from "../../preload/contract/topology.ts";
import { factsByLab } from "../facts/all-facts.ts";
import type { Fact } from "../facts/fact.ts";
import { buildAndRun, mountsLeft } from "./build.ts";
import { builder, labsHere } from "./labs.ts";

const mountsBefore = await mountsLeft();
const labs = await labsHere();
const facts = await factsByLab();
for (const { id, lacks } of labs) if (lacks) console.warn(`facts of ${id} are not checked here: ${lacks}`);

const MARK = "hoplab:fact";

/** A script that reads all facts; each part begins with a line of its own. */
function readAll(all: readonly Fact[]): string {
  const enter = (netns: string) =>
    `nsenter --net=/run/netns/${netnsFile(netns)} unshare --mount sh -c ${quote(WITH_FILES)} ${netnsFile(netns)}`;
  const reads = all.map(({ netns, read }) => `echo ${MARK}; timeout 60 ${enter(netns)} sh -c ${quote(read)} 2>&1`);
  return `${reads.join("\n")}\necho ${MARK}`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function check(fact: Fact, text: string): void {
  const lines = text.split("\n").flatMap((line) => line.trim() || []);
  const about = `${fact.read} in ${fact.netns}`;
  if (fact.is) expect(lines.toSorted(), about).toEqual(fact.is.toSorted());
  if (fact.isInOrder) expect(lines, about).toEqual(fact.isInOrder);
  for (const part of fact.has ?? []) expect(text, about).toMatch(part);
  for (const part of fact.hasNot ?? []) expect(text, about).not.toMatch(part);
  if (fact.json !== undefined) {
    const parsed: unknown = JSON.parse(text);
    // Some versions of ip print an empty object for what they leave out.
    const known = Array.isArray(parsed) ? parsed.filter((item: unknown) => JSON.stringify(item) !== "{}") : parsed;
    expect(known, about).toMatchObject(fact.json as object);
  }
}

afterAll(async () => {
  const checked = labs.filter(({ lacks }) => !lacks).map(({ id }) => ({ id, count: facts.get(id)?.length ?? 0 }));
  const sum = checked.reduce((total, { count }) => total + count, 0);
  console.log(`${sum} facts checked here: ${checked.map(({ id, count }) => `${id} ${count}`).join(", ")}`);
  expect(await mountsLeft()).toEqual(mountsBefore);
});

it("every table of facts is of a lab that exists", async () => {
  const ids = new Set((await labsHere()).map(({ id }) => id));
  if (!process.env.HOPLAB_LABS) for (const id of facts.keys()) expect(ids).toContain(id);
});

for (const { id, lab, lacks } of labs) {
  const own = facts.get(id) ?? [];
  if (own.length === 0) continue;
  describe(`${id}, built by ${builder}${lacks ? ` (skipped: ${lacks})` : ""}`, { skip: lacks !== undefined }, () => {
    let parts: Promise<string[]> | undefined;
    const read = () => {
      parts ??= buildAndRun(builder, printPlan(planLab(layOutLab(lab))), readAll(own)).then(({ stdout, stderr }) => {
        const found = stdout.split(`${MARK}\n`).slice(1);
        expect(found.length, stderr).toBe(own.length + 1);
        return found;
      });
      return parts;
    };
    it.each(own.map((fact, index) => [fact.says, fact, index] as const))("%s", async (_, fact, index) => {
      check(fact, (await read())[index] ?? "");
    });
  });
}
