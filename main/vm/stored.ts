/** Small JSON files that are whole or not there, whatever is killed while they are written. */

import { readFile, rename, writeFile } from "node:fs/promises";
import type * as z from "zod";

/** Undefined where the file is not there or is not what it should be. */
export async function readStored<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}

/** Throws where it can't be written. */
export async function store(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(value), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
