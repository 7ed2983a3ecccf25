/** The labs that come with Hoplab, and those of the user's own that were opened or are up. */

import { existsSync } from "node:fs";
import { resolve, sep } from "node:path";
import type { LabSummary, Sandbox } from "../../preload/contract/lab.ts";
import { ok, type Result } from "../../preload/contract/result.ts";
import { type FoundLab, findLab, listLabs, summarizeLab } from "../lab/catalogue.ts";

export class LabFiles {
  readonly #labsDir: string;
  /** By lab id: lab files that do not come with Hoplab. */
  readonly #own = new Map<string, string>();

  constructor(labsDir: string) {
    this.#labsDir = labsDir;
  }

  /** A lab by its id or path. One that does not come with Hoplab is known by its id from then on. */
  async find(ref: string): Promise<Result<FoundLab>> {
    const found = await findLab(this.#own.get(ref) ?? ref, this.#labsDir);
    if (!found.ok) return found;
    const file = resolve(found.value.file);
    this.#learn(found.value.lab.id, file);
    for (const one of found.value.compared ?? []) this.#learn(one.lab.id, resolve(one.file));
    return ok({ ...found.value, file });
  }

  /** All of them by id; the labs of these sandboxes are among them. */
  async list(sandboxes: readonly Sandbox[]): Promise<LabSummary[]> {
    // One that another machine brought up on a shared target was built from a file over there.
    for (const { lab, file } of sandboxes) if (file && existsSync(file)) this.#learn(lab, file);
    const bundled = await listLabs(this.#labsDir);
    const own = await Promise.all([...this.#own].map(([lab, file]) => summarizeLab(lab, file, this.#labsDir)));
    return [...bundled.filter((lab) => !this.#own.has(lab.id)), ...own].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #learn(lab: string, file: string): void {
    if (!file.startsWith(resolve(this.#labsDir) + sep)) this.#own.set(lab, file);
  }
}
