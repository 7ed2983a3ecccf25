/** Finds labs: those that come with Hoplab by id, any other by its path. */

import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LANGUAGES, type LabSummary, type Language } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { readLab, readText } from "./read.ts";
import { requirementsOf } from "./requirements.ts";
import type { Lab } from "./schema.ts";

const LAB_FILE = "lab.yaml";

export interface FoundLab {
  lab: Lab;
  file: string;
  /** Markdown in every language; where one is not written, the English. Empty where there is no guide. */
  guide: Record<Language, string>;
}

/** The labs of a folder that has one folder per lab, sorted by id. A broken one is listed with its problem. */
export async function listLabs(labsDir: string): Promise<LabSummary[]> {
  const ids = await labIds(labsDir);
  return Promise.all(ids.map((id) => summarizeLab(id, join(labsDir, id, LAB_FILE))));
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
  const read = await readLab(file);
  if (!read.ok) return read;
  const guide = await readGuide(dirname(file));
  return guide.ok ? ok({ ...read.value, guide: guide.value }) : guide;
}

/** What a list of labs shows of the file that should hold the lab of that id. */
export async function summarizeLab(id: string, file: string): Promise<LabSummary> {
  const read = await readLab(file);
  if (!read.ok) {
    const words = { en: id };
    return { id, title: words, summary: { en: "" }, file, requires: [], problem: read.fault.message };
  }
  const { lab } = read.value;
  const misnamed = lab.id === id ? {} : { problem: `it should be the lab ${id}, but its id is ${lab.id}` };
  return { id, title: lab.title, summary: lab.summary, file, requires: requirementsOf(lab), ...misnamed };
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
