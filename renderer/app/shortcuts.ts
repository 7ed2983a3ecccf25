/** The keys that work anywhere on the page, and the table that the help dialog shows. */

import type { Catalogue } from "../words/en.ts";

export const SHORTCUTS: readonly { id: keyof Catalogue["shortcuts"]["keys"]; keys: readonly string[] }[] = [
  { id: "help", keys: ["?"] },
  { id: "labs", keys: ["L"] },
  { id: "target", keys: ["M"] },
  { id: "send", keys: ["T"] },
  { id: "packets", keys: ["P"] },
  { id: "tabs", keys: ["1", "2", "3", "4"] },
  { id: "rows", keys: ["↑", "↓", "←", "→"] },
  { id: "ends", keys: ["Home", "End"] },
  { id: "open", keys: ["Enter"] },
  { id: "play", keys: ["K"] },
  { id: "step", keys: ["J", "."] },
  { id: "follow", keys: ["F"] },
  { id: "clear", keys: ["Esc"] },
];

export type Shortcut =
  | { id: "help" | "labs" | "target" | "send" | "packets" | "play" | "follow" | "clear" }
  | { id: "tab"; index: 0 | 1 | 2 | 3 }
  | { id: "step"; by: 1 | -1 };

const PLAIN: Record<string, Shortcut> = {
  "?": { id: "help" },
  l: { id: "labs" },
  m: { id: "target" },
  t: { id: "send" },
  p: { id: "packets" },
  k: { id: "play" },
  j: { id: "step", by: -1 },
  ".": { id: "step", by: 1 },
  f: { id: "follow" },
  Escape: { id: "clear" },
  "1": { id: "tab", index: 0 },
  "2": { id: "tab", index: 1 },
  "3": { id: "tab", index: 2 },
  "4": { id: "tab", index: 3 },
};

/** What a key means on the page; nothing with Ctrl, Alt or Meta held, or while text is typed. */
export function shortcutOf(
  event: { key: string; ctrlKey: boolean; altKey: boolean; metaKey: boolean },
  typing: boolean,
) {
  if (typing || event.ctrlKey || event.altKey || event.metaKey) return undefined;
  return PLAIN[event.key] ?? PLAIN[event.key.toLowerCase()];
}
