/** The targets that a person added, kept in the user's data folder. Holds no secrets. */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { fail, messageOf, ok, type Result } from "../../preload/contract/result.ts";
import { type TargetSpec, targetSpecSchema } from "../../preload/contract/target.ts";

const fileSchema = z.object({ targets: z.array(targetSpecSchema) });

export class TargetFile {
  readonly path: string;

  constructor(dataDir: string) {
    this.path = join(dataDir, "targets.json");
  }

  /** Faults: `storage`, also where the file is not what Hoplab writes; it is then left as it is. */
  async read(): Promise<Result<TargetSpec[]>> {
    let text: string;
    try {
      text = await readFile(this.path, "utf8");
    } catch (error) {
      if (isMissing(error)) return ok([]);
      return fail("storage", `the list of targets ${this.path} can't be read: ${messageOf(error)}`);
    }
    try {
      return ok(fileSchema.parse(JSON.parse(text)).targets);
    } catch (error) {
      const problem = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
      return fail("storage", `the list of targets ${this.path} is broken: ${problem}`, {
        fix: "Mend it, or move it away and add the targets again.",
      });
    }
  }

  /** Faults: `storage`. */
  async write(targets: readonly TargetSpec[]): Promise<Result<null>> {
    try {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      const fresh = `${this.path}.${process.pid}.new`;
      await writeFile(fresh, `${JSON.stringify({ targets }, null, 2)}\n`, { mode: 0o600 });
      await rename(fresh, this.path);
      return ok(null);
    } catch (error) {
      return fail("storage", `the list of targets ${this.path} can't be written: ${messageOf(error)}`, {
        fix: "Free some space, or choose another data folder with HOPLAB_DATA.",
      });
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
