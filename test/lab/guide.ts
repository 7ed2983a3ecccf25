/** What a lab's guide tells its reader to do and shows him, read from its Markdown. */

/** A fenced block, also one inside of a list; or a code span that is a whole command of Hoplab's. */
const BLOCK_OR_COMMAND = /^ *```\w*\n(?<block>.*?)^ *```$|`(?<command>hoplab \w+ \S[^`\n]*)`/gms;

/** The commands in their order: all lines of the blocks in which Hoplab is called, and those between the words. */
export function commandsOf(guide: string): string[] {
  return [...guide.matchAll(BLOCK_OR_COMMAND)].flatMap(({ groups: { block, command } = {} }) => {
    if (command !== undefined) return [command];
    return block !== undefined && isOfCommands(block) ? linesOf(block) : [];
  });
}

/** The other blocks: drawings, and what a command prints. */
export function drawingsOf(guide: string): string[] {
  return [...guide.matchAll(BLOCK_OR_COMMAND)].flatMap(({ groups: { block } = {} }) =>
    block !== undefined && !isOfCommands(block) ? [block] : [],
  );
}

/** How many headings, table rows and list items there are, in their order. */
export function outlineOf(guide: string): string[] {
  return withoutBlocks(guide)
    .split("\n")
    .flatMap((line) => /^(#+|\||- |\d\. )/.exec(line)?.[0] ?? []);
}

/** The names, settings and numbers that stand between the words as code, each once. */
export function namesOf(guide: string): string[] {
  const spans = [...withoutBlocks(guide).matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span.replaceAll(/\s+/g, " "));
  return [...new Set(spans)].sort();
}

function isOfCommands(block: string): boolean {
  return /^ *hoplab /m.test(block);
}

/** A command goes on in the next line while a quote of it is open. */
function linesOf(block: string): string[] {
  const commands: string[] = [];
  let open = "";
  for (const line of block.trimEnd().split("\n")) {
    open += open ? `\n${line}` : line.trim();
    if (open.split("'").length % 2 === 0) continue;
    commands.push(open);
    open = "";
  }
  return commands;
}

function withoutBlocks(guide: string): string {
  return guide.replaceAll(/^ *```.*?^ *```$/gms, "");
}
