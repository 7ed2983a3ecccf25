/** The known_hosts files on this machine: read all, append to the first. */

import { appendFile, mkdir, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fail, messageOf, ok, type Result } from "../../../preload/contract/result.ts";
import { formatKnownHost, isHashed, type KnownHost, parseKnownHosts } from "./known-hosts.ts";

/** A file that isn't there knows nobody. Faults: `storage` where one is there and can't be read: it might forbid the key. */
export async function readKnownHosts(files: readonly string[]): Promise<Result<KnownHost[]>> {
  const known: KnownHost[] = [];
  for (const file of files) {
    try {
      known.push(...parseKnownHosts(await readFile(file, "utf8"), file));
    } catch (error) {
      if (isMissing(error)) continue;
      return fail("storage", `${file} can't be read: ${messageOf(error)}`, {
        fix: "Let your user read it: host keys are checked against it.",
      });
    }
  }
  return ok(known);
}

/**
 * Appends one line, hashed where `hash` says so or where the file already hides its names. Makes the folder (0700) and
 * the file (0600) where they are missing. Faults: `storage`.
 */
export async function addKnownHost(
  file: string,
  { host, port, key, hash }: { host: string; port: number; key: Buffer; hash: boolean },
): Promise<Result<void>> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const before = await stat(file).then(
      // Not of /dev/null, which some configurations name, or a pipe.
      (found) => (found.isFile() ? readFile(file, "utf8") : ""),
      (error: unknown) => (isMissing(error) ? "" : Promise.reject(error)),
    );
    const line = formatKnownHost(host, port, key, hash || parseKnownHosts(before, file).some(isHashed));
    await appendFile(file, `${before === "" || before.endsWith("\n") ? "" : "\n"}${line}\n`, { mode: 0o600 });
    return ok(undefined);
  } catch (error) {
    return fail("storage", `${file} can't be written: ${messageOf(error)}`);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
