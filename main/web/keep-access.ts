/**
 * What a browser was given stays good when the server starts again, so that an open page reconnects by itself: the
 * secrets and the port are kept in a file that only this user can read. Deleting it locks all browsers out.
 */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod";
import { newSecret } from "./access.ts";

const accessSchema = z.object({
  /** In the address that a person opens. */
  token: z.string().min(32),
  /** In the cookie that the browser gets for it. */
  session: z.string().min(32),
  /** Where the last server listened. */
  port: z.int().min(1).max(65535).optional(),
});
export type Access = z.infer<typeof accessSchema>;

/** What was kept, or new secrets where there is nothing that can be read. */
export async function readAccess(file: string): Promise<Access> {
  try {
    return accessSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return { token: newSecret(), session: newSecret() };
  }
}

/** Keeps it for the next start. Where it can't be written, the next start has new secrets; that is no failure. */
export async function keepAccess(file: string, access: Access): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, JSON.stringify(access), { mode: 0o600 });
    await rename(`${file}.new`, file);
  } catch {
    // A full or read-only disk: the page still works until this server ends.
  }
}
