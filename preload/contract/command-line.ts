/** A command as a person types it, split into program and arguments. Pure; nothing is expanded. */

/**
 * Splits at white space; what stands in single or double quotes stays together. A backslash only escapes a quote, a
 * backslash or, outside quotes, white space, so that the paths of Windows may be typed as they are. Undefined where a
 * quote is not closed.
 */
export function splitCommand(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at] ?? "";
    const next = line[at + 1] ?? "";
    if (char === "\\" && quote !== "'" && (quote ? /["\\]/ : /[\s'"\\]/).test(next)) {
      word = (word ?? "") + next;
      at += 1;
    } else if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word = (word ?? "") + char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= ""; // an empty pair of quotes is a word too
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== undefined) return undefined;
  return word === undefined ? words : [...words, word];
}
