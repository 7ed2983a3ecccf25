/** What a server says, fit to be shown on one line: it may try to move the cursor of a terminal. */
export function oneLine(text: string): string {
  const clean = text.replaceAll(/\p{Cc}+/gu, " ").trim();
  return clean.length > MAX_LENGTH ? `${clean.slice(0, MAX_LENGTH)}…` : clean;
}

const MAX_LENGTH = 300;
