/** Finds labs: those that come with Hoplab by id, any other by its path. */

import { readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { LANGUAGES, type LabSummary, type Language } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { comparedLabs, parseLab, readLab, readText } from "./read.ts";
import { groupOf, requirementsOf } from "./requirements.ts";
import type { Lab } from "./schema.ts";

const LAB_FILE = "lab.yaml";

export interface ReadLab {
  lab: Lab;
  file: string;
  /** Of a comparison: its two labs. */
  compared?: readonly [ReadLab, ReadLab];
}

export interface FoundLab extends ReadLab {
  /** Markdown in every language; where one is not written, the English. Empty where there is no guide. */
  guide: Record<Language, string>;
}

/** The labs of a folder that has one folder per lab, sorted by id. A broken one is listed with its problem. */
export async function listLabs(labsDir: string): Promise<LabSummary[]> {
  const ids = await labIds(labsDir);
  return Promise.all(ids.map((id) => summarizeLab(id, join(labsDir, id, LAB_FILE), labsDir)));
}

/**
 * `ref`: the id of a lab in `labsDir`, or a path to a lab file or to a folder that has a lab.yaml.
 * Faults: `not-found`, which lists the ids there are, and those of `readLab`.
 */
export async function findLab(ref: string, labsDir: string): Promise<Result<FoundLab>> {
  const ids = await labIds(labsDir);
  const file = ids.includes(ref) ? join(labsDir, ref, LAB_FILE) : await labFileAt(ref);
  if (file === undefined) {
    const fix = `The labs that come with Hoplab are ${ids.join(", ")}. A path to a lab file is fine as well.`;
    return fail("not-found", `there is no lab ${JSON.stringify(ref)}`, { fix });
  }
  const read = await readWithCompared(file, labsDir);
  if (!read.ok) return read;
  const guide = await readGuide(dirname(file));
  return guide.ok ? ok({ ...read.value, guide: guide.value }) : guide;
}

/** What a list of labs shows of the file that should hold the lab of that id. */
export async function summarizeLab(id: string, file: string, labsDir: string): Promise<LabSummary> {
  const read = await readWithCompared(file, labsDir);
  if (!read.ok) {
    const words = { en: id };
    const problem = read.fault.message;
    return { id, title: words, summary: { en: "" }, file, group: "basics", requires: [], problem };
  }
  const { lab } = read.value;
  const misnamed = lab.id === id ? {} : { problem: `it should be the lab ${id}, but its id is ${lab.id}` };
  return { ...summaryOf(read.value), id, ...misnamed };
}

/** A comparison needs what its labs need, and stands with the first of them. */
export function summaryOf({ lab, file, compared }: ReadLab): LabSummary {
  const { id, title, summary } = lab;
  const labs = compared?.map((one) => one.lab) ?? [lab];
  const requires = [...new Set([lab, ...labs].flatMap(requirementsOf))].sort();
  return {
    ...{ id, title, summary, file, group: groupOf(labs[0] ?? lab), requires },
    ...(compared ? { compares: [compared[0].lab.id, compared[1].lab.id] } : {}),
  };
}

/** Reads a lab file and, of a comparison, the two labs that it names. Faults: those of `readLab`. */
export async function readWithCompared(file: string, labsDir: string): Promise<Result<ReadLab>> {
  const text = await readText(file);
  if (!text.ok) return text;
  const refs = comparedLabs(text.value);
  const found = new Map<string, ReadLab | { problem: string }>();
  for (const ref of refs) found.set(ref, await readCompared(ref, file, labsDir));
  const lab = parseLab(text.value, file, found);
  if (!lab.ok) return lab;
  const [left, right] = lab.value.compare?.labs.map((ref) => found.get(ref)) ?? [];
  const isWhole = left && "lab" in left && right && "lab" in right;
  return ok({ lab: lab.value, file, ...(isWhole ? { compared: [left, right] } : {}) });
}

/** A lab that a comparison in `file` names: the id of one that comes with Hoplab, or a path from the folder of that file. */
async function readCompared(ref: string, file: string, labsDir: string): Promise<ReadLab | { problem: string }> {
  const ids = await labIds(labsDir);
  const at = ids.includes(ref) ? join(labsDir, ref, LAB_FILE) : await labFileAt(resolve(dirname(file), ref));
  if (at === undefined) {
    return { problem: `there is no lab ${JSON.stringify(ref)}; allowed are ${ids.join(", ")} and paths to lab files` };
  }
  const read = await readLab(at);
  if (!read.ok) return { problem: read.fault.message };
  const { lab } = read.value;
  return lab.compare
    ? { problem: `${lab.id} is a comparison itself; allowed are labs that build something` }
    : read.value;
}

async function labIds(labsDir: string): Promise<string[]> {
  const entries = await readdir(labsDir, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const isLab = await Promise.all(folders.map((name) => exists(join(labsDir, name, LAB_FILE))));
  return folders.filter((_, index) => isLab[index]).sort();
}

async function labFileAt(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return undefined;
  return found.isDirectory() ? join(path, LAB_FILE) : path;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** `guide.en.md` and its translations, beside the lab file. */
async function readGuide(folder: string): Promise<Result<Record<Language, string>>> {
  const guide: Record<Language, string> = { en: "", "zh-Hant": "", "zh-Hans": "" };
  for (const language of LANGUAGES) {
    const file = join(folder, `guide.${language}.md`);
    const text = (await exists(file)) ? await readText(file) : ok(guide.en);
    if (!text.ok) return text;
    guide[language] = text.value;
  }
  return ok(guide);
}
