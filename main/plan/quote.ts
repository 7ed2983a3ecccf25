/** Words for a POSIX shell. */

/** The word as it is where it needs no quotes, else in single quotes. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A here-document delimiter that is no line of the text. */
export function delimiterFor(text: string): string {
  const lines = new Set(text.split("\n"));
  let delimiter = "EOF";
  while (lines.has(delimiter)) delimiter += "_";
  return delimiter;
}
