/**
 * Writes docs/faithfulness.md: every fact that the kernel tests read back, by lab, and how long each lab takes to come
 * up. With --check it only says whether the page is current.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listLabs } from "../main/lab/catalogue.ts";
import { factsByLab } from "../test/facts/all-facts.ts";
import type { Fact } from "../test/facts/fact.ts";
import { type BringUp, type BringUps, bringUps } from "./bring-up.ts";

const ROOT = join(import.meta.dirname, "..");
const PAGE = join(ROOT, "docs", "faithfulness.md");
/** How many of the slowest labs are named first. */
const SLOWEST = 5;

const page = writePage(
  await factsByLab(),
  (await listLabs(join(ROOT, "labs"))).filter(({ compares }) => !compares),
  bringUps.parse(JSON.parse(readFileSync(join(ROOT, "docs", "bring-up.json"), "utf8"))),
);
if (!process.argv.includes("--check")) writeFileSync(PAGE, page);
else if (readFileSync(PAGE, "utf8") !== page) {
  console.error("docs/faithfulness.md is not current: run npx tsx scripts/faithfulness.ts");
  process.exitCode = 1;
}

function writePage(
  facts: ReadonlyMap<string, readonly Fact[]>,
  labs: readonly { id: string; title: { en: string }; requires: readonly string[] }[],
  measured: BringUps,
): string {
  const sum = [...facts.values()].reduce((total, list) => total + list.length, 0);
  const checked = labs.filter(({ id }) => facts.has(id));
  return `${[
    "# How faithful the layouts are",
    "",
    "<!-- Written by scripts/faithfulness.ts; do not edit. -->",
    "",
    `Every lab is built on a real kernel by the tests, and **${sum} facts** about the real projects are read back from ${checked.length} labs, one`,
    "test per fact: as root, rootless, and in the built-in VM what this kernel can't host. What must be printed is written by hand",
    "in [test/facts](../test/facts), each with the source that it is known from. A fact is a command that you can run",
    "yourself: `hoplab up LAB`, then `hoplab exec LAB NAMESPACE -- sh -c 'COMMAND'`.",
    "",
    ...table(
      ["lab", "facts", "sources"],
      labs.map(({ id, title }) => [
        `[${title.en}](#${id})`,
        String(facts.get(id)?.length ?? 0),
        sourcesOf(facts.get(id) ?? []),
      ]),
    ),
    "",
    "## How long labs take to come up",
    "",
    ...bringUpSection(measured),
    "",
    ...checked.flatMap(({ id }) => factSection(id, facts.get(id) ?? [])),
  ].join("\n")}\n`;
}

/** The sections of ground-truth.md or the projects, each once. */
function sourcesOf(facts: readonly Fact[]): string {
  const short = facts.map(({ source }) => source.replace(/[;,:].*/, "").replace(/^(\S+ v?[\d.]+)\s.*/, "$1"));
  return [...new Set(short)].sort().join(", ");
}

function bringUpSection({ machine, labs }: BringUps): string[] {
  const slowest = [...labs].sort((a, b) => ratio(b) - ratio(a)).slice(0, SLOWEST);
  return [
    `Measured by \`scripts/bench labs\` on ${machine}, the least of several rounds. The floor is what the lab's \`ip\` and`,
    "`bridge` batches alone take, without sysctls, rules, files, programs and Hoplab itself. Labs in the VM were measured",
    "there, without hardware support.",
    "",
    `Farthest from their floor: ${slowest.map((one) => `${one.lab} (${ratio(one).toFixed(1)} ×)`).join(", ")}.`,
    "",
    ...table(
      ["lab", "where", "floor", "whole plan by sh", "up", "up / floor"],
      [...labs]
        .sort((a, b) => b.up - a.up)
        .map((one) => [
          one.lab,
          one.target,
          `${one.floor} ms`,
          `${one.plan} ms`,
          `${one.up} ms`,
          `${ratio(one).toFixed(1)} ×`,
        ]),
    ),
  ];
}

function ratio({ up, floor }: BringUp): number {
  return up / floor;
}

function factSection(id: string, facts: readonly Fact[]): string[] {
  return [
    `## ${id}`,
    "",
    ...table(
      ["fact", "where", "read by", "source"],
      facts.map(({ says, netns, read, source }) => [says, netns, code(read), source]),
    ),
    "",
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

/** On one line, in as many backticks as it needs. */
function code(command: string): string {
  const text = command.trim().replaceAll(/\s*\n\s*/g, " ; ");
  const fence = text.includes("`") ? "``" : "`";
  return `${fence}${text}${fence}`;
}
