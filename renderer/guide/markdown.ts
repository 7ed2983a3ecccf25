/**
 * Reads the markdown that guides are written in: headings, paragraphs, lists, fenced code, code, bold,
 * emphasis and links. Whatever else is in the text stays text; nothing becomes markup by itself. Pure.
 */

export type Inline =
  | { kind: "text" | "code" | "strong" | "emphasis"; text: string }
  /** A link is shown, never followed: a lab's guide may come from anyone. */
  | { kind: "link"; text: string; url: string };

export type Block =
  | { kind: "heading"; level: number; content: Inline[] }
  | { kind: "paragraph" | "quote"; content: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "list"; ordered: boolean; items: Inline[][] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] };

const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\*([^\s*](?:[^*]*[^\s*])?)\*|\[([^\]]+)\]\(([^)\s]*)\)/g;

export function readInline(text: string): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    const [whole, code, strong, emphasis, label, url] = match;
    if (code !== undefined) parts.push({ kind: "code", text: code });
    else if (strong !== undefined) parts.push({ kind: "strong", text: strong });
    else if (emphasis !== undefined) parts.push({ kind: "emphasis", text: emphasis });
    else parts.push({ kind: "link", text: label ?? "", url: url ?? "" });
    end = match.index + whole.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

const FENCE = /^\s*(```|~~~)/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^\s{0,3}(?:[-*+]|(\d+)[.)])\s+(.*)$/;
const TABLE_RULE = /^\s*\|?[\s:|-]*-[\s:|-]*$/;

function cells(line: string): Inline[][] {
  const bare = line.trim().replace(/^\||\|$/g, "");
  return bare.split("|").map((cell) => readInline(cell.trim()));
}

/** Between two of these a line ends without a space: Chinese has none between its characters, nor beside its punctuation. */
const WIDE = /[\u2014\u2026\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]/;
const WIDE_PUNCTUATION = /[\u3000-\u303f\uff00-\uffef]/;

/** The lines of one paragraph as one. Stars are not looked at: what they stand around is. */
function join(lines: readonly string[]): string {
  return lines.reduce((before, line) => {
    const last = before.replace(/\*+$/, "").at(-1) ?? "";
    const first = line.replace(/^\*+/, "").at(0) ?? "";
    const isTight = (WIDE.test(last) && WIDE.test(first)) || [last, first].some((one) => WIDE_PUNCTUATION.test(one));
    return `${before}${isTight ? "" : " "}${line}`;
  });
}

export function readMarkdown(text: string): Block[] {
  const lines = text.split(/\r?\n/);
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  const finish = () => {
    if (paragraph.length > 0) blocks.push({ kind: "paragraph", content: readInline(join(paragraph)) });
    paragraph = [];
  };
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const heading = HEADING.exec(line);
    const fence = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      finish();
      const code: string[] = [];
      for (at += 1; at < lines.length && !lines[at]?.trimStart().startsWith(fence); at += 1) code.push(lines[at] ?? "");
      at += 1;
      blocks.push({ kind: "code", text: code.join("\n") });
    } else if (heading) {
      finish();
      blocks.push({ kind: "heading", level: heading[1]?.length ?? 1, content: readInline(heading[2] ?? "") });
      at += 1;
    } else if (ITEM.test(line)) {
      finish();
      const ordered = ITEM.exec(line)?.[1] !== undefined;
      const items: string[] = [];
      for (; at < lines.length; at += 1) {
        const next = lines[at] ?? "";
        const item = ITEM.exec(next);
        if (item && (item[1] !== undefined) === ordered) items.push(item[2] ?? "");
        else if (!item && /^\s+\S/.test(next) && items.length > 0) items.push(join([items.pop() ?? "", next.trim()]));
        else break;
      }
      blocks.push({ kind: "list", ordered, items: items.map(readInline) });
    } else if (line.includes("|") && TABLE_RULE.test(lines[at + 1] ?? "")) {
      finish();
      const head = cells(line);
      const rows: Inline[][][] = [];
      for (at += 2; lines[at]?.includes("|"); at += 1) rows.push(cells(lines[at] ?? ""));
      blocks.push({ kind: "table", head, rows });
    } else if (/^\s*>/.test(line)) {
      finish();
      const quote: string[] = [];
      for (; /^\s*>/.test(lines[at] ?? ""); at += 1) quote.push((lines[at] ?? "").replace(/^\s*>\s?/, ""));
      blocks.push({ kind: "quote", content: readInline(join(quote)) });
    } else {
      if (line.trim() === "") finish();
      else paragraph.push(line.trim());
      at += 1;
    }
  }
  finish();
  return blocks;
}
