/** Cuts a command line into words as a shell does: blanks part them, quotes and backslashes keep them together. */

import { fail, ok, type Result } from "../../preload/contract/result.ts";

/** Nothing is expanded. Faults: `bad-input` (a quote that is not closed, no word at all). */
export function splitWords(line: string): Result<string[]> {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const letter = line[at] ?? "";
    if (quote) {
      if (letter === quote) quote = "";
      else if (quote === '"' && letter === "\\" && /["\\]/.test(line[at + 1] ?? "")) word = `${word}${line[++at]}`;
      else word = `${word}${letter}`;
    } else if (letter === "'" || letter === '"') {
      quote = letter;
      word ??= "";
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      // A backslash stays where it parts a Windows path.
      const escapes = letter === "\\" && /[\s'"\\]/.test(line[at + 1] ?? "");
      word = `${word ?? ""}${escapes ? line[++at] : letter}`;
    }
  }
  if (quote) return fail("bad-input", `the command ${JSON.stringify(line)} has a ${quote} that is not closed`);
  if (word !== undefined) words.push(word);
  return words.length > 0 ? ok(words) : fail("bad-input", "the command is empty");
}
