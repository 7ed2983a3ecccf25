/**
 * Every guide is read as a learner reads it: its commands are typed in their order, exactly as they stand there, and each
 * ends as its reader is told. What is meant to fail, and what the guide says that a command prints, is in guide-results.ts.
 */

import { afterAll, describe, expect, it } from "vitest";
import { commandsOf } from "../lab/guide.ts";
import { GuideReader, type Typed } from "./guide-reader.ts";
import { RESULTS, type Result } from "./guide-results.ts";
import { newTraces, traces, until, Workplace } from "./hoplab.ts";
import { type GuideHere, guidesHere, isVmQuick } from "./labs.ts";
import { isRootThere } from "./there.ts";

const before = traces();
const place = new Workplace();
const guides = await guidesHere();
/** A guide takes minutes in the VM: read there is the one that has least in common with the others. */
const IN_VM = ["vlan-trunk"];
/** Root is enough: that the labs are the same without root is seen in other tests. And a user can't see all commands work. */
const notRoot = isRootThere ? undefined : "guides are read as root only";
if (notRoot) console.warn(notRoot);

afterAll(async () => {
  place[Symbol.dispose]();
  await until(
    () => newTraces(before),
    (left) => left.length === 0,
  );
});

/** What nobody may see who types what a guide says. */
const MISTAKE = /command not found|: not found|unknown (command|option)|Usage:|^hoplab:/m;

/** What is wrong with how a command ended, where the guide says nothing else of it than that it is to be typed. */
function problemOf({ code, printed, endless }: Typed, result: Result | undefined): string | undefined {
  if (endless) return "does not end";
  if (result?.fails && code === 0) return `should fail: ${result.says}`;
  if (!result?.fails && code !== 0) return `exits ${code}`;
  if (result?.prints && !result.prints.test(printed)) return `should print ${result.prints}: ${result.says}`;
  const [mistake] = MISTAKE.exec(printed) ?? [];
  return mistake !== undefined && !result?.prints?.source.includes("hoplab:") ? `prints ${mistake}` : undefined;
}

/** Types the commands of a guide; answers with those that did not do what the guide says. */
async function read(reader: GuideReader, { id, guide }: GuideHere): Promise<string[]> {
  const problems: string[] = [];
  const results = [...(RESULTS[id] ?? [])];
  const times = new Map<string, number>();
  let pid = "";
  for (const command of commandsOf(guide)) {
    // In another terminal, as the guides say; its file is read when it is whole.
    if (command.startsWith("hoplab capture ")) {
      await reader.typeMeanwhile(command, /Capturing on/);
      continue;
    }
    // Nor is the lab taken away from under it.
    if (/^hoplab (read|down) /.test(command)) await reader.ended();
    if (command.startsWith("hoplab down ")) problems.push(...(await injected(reader, id)));
    const time = (times.get(command) ?? 0) + 1;
    times.set(command, time);
    const wanted = results.findIndex((one) => one.command === command && (one.time ?? 1) === time);
    const [result] = wanted < 0 ? [] : results.splice(wanted, 1);
    const typed = await reader.type(command.replace(/\bPID\b/, pid));
    pid = /\bpid=(\d+)/.exec(typed.printed)?.[1] ?? pid;
    const problem = problemOf(typed, result);
    if (problem) problems.push(`${command}${time > 1 ? ` (time ${time})` : ""}: ${problem}\n${typed.printed}`);
  }
  for (const capture of await reader.ended()) {
    const problem = problemOf(capture, undefined);
    if (problem) problems.push(`hoplab capture: ${problem}\n${capture.printed}`);
  }
  return [...problems, ...results.map(({ command, time = 1 }) => `the guide has no ${command} for the time ${time}`)];
}

/** The faults that the guide has left in the lab. */
async function injected(reader: GuideReader, id: string): Promise<string[]> {
  const { code, stdout } = await reader.type(`hoplab fault ${id} --json`);
  if (code !== 0) return []; // no such lab is up: of a comparison
  const { faults }: { faults: { name: string; injected: boolean }[] } = JSON.parse(stdout);
  return faults.flatMap((fault) => (fault.injected ? [`the fault ${fault.name} is left`] : []));
}

it("a result belongs to a guide", () => {
  const all = process.env.HOPLAB_LABS ? Object.keys(RESULTS) : guides.map(({ id }) => id);
  expect(all).toEqual(expect.arrayContaining(Object.keys(RESULTS)));
});

for (const guide of guides) {
  const left = isVmQuick && !IN_VM.includes(guide.id) ? "read in the VM with HOPLAB_VM=all only" : undefined;
  const lacks = notRoot ?? guide.lacks ?? left;
  describe(`${guide.id}${lacks ? ` (skipped: ${lacks})` : ""}`, { skip: lacks !== undefined }, () => {
    it("does what its guide says, command by command, and is gone afterwards", { timeout: 1_200_000 }, async () => {
      await using reader = await GuideReader.start(place.folder);
      // Who reads it in the page has brought the lab up there; a comparison brings up what it compares.
      if (!guide.compares) expect(await reader.type(`hoplab up ${guide.id}`)).toMatchObject({ code: 0 });
      expect(await read(reader, guide)).toEqual([]);
      expect((await reader.type("hoplab ps")).stdout).toBe("No lab is up.\n");
    });
  });
}
