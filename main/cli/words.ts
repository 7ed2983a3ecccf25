/** A command line that must be one: its words, or what is wrong with it. */

import { splitCommand } from "../../preload/contract/command-line.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";

/** Faults: `bad-input` (a quote that is not closed, no word at all). */
export function splitWords(line: string): Result<string[]> {
  const words = splitCommand(line);
  if (!words) return fail("bad-input", `the command ${JSON.stringify(line)} has a quote that is not closed`);
  return words.length > 0 ? ok(words) : fail("bad-input", "the command is empty");
}
