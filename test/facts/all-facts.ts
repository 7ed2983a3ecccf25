/** All tables of this folder. */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Fact, LabFacts } from "./fact.ts";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

/** By the lab's id, in the order of the files' names and of their tables. */
export async function factsByLab(): Promise<Map<string, Fact[]>> {
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".facts.ts"))
    .sort();
  const facts = new Map<string, Fact[]>();
  for (const file of files) {
    const { facts: tables } = (await import(`./${file}`)) as { facts: LabFacts[] };
    for (const table of tables) facts.set(table.lab, [...(facts.get(table.lab) ?? []), ...table.facts]);
  }
  return facts;
}
