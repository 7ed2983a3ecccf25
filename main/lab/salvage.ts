/**
 * Takes out of a broken lab what the schema refused, so that the rest can still be checked and all problems
 * are told at once.
 */

import type * as z from "zod";
import type { Path } from "./locate.ts";
import { type Lab, labSchema } from "./schema.ts";

export interface Salvage {
  lab: Lab;
  /** Top-level keys of which something was taken out: nothing can be said about what they lack. */
  damaged: ReadonlySet<string>;
  /** The path in the file of a path in the lab: list items after one that was taken out have moved. */
  original(path: Path): Path;
}

const PLACEHOLDERS = { id: "lab", title: { en: "-" }, summary: { en: "-" } };

/** Undefined where too little is left. */
export function salvageLab(data: unknown, issues: readonly z.core.$ZodIssue[]): Salvage | undefined {
  const rest = structuredClone(data);
  if (!isMapping(rest)) return undefined;
  const damaged = new Set<string>();
  const dropped = new Map<string, { list: string[]; indices: Set<number> }>();
  for (const { code, path, ...issue } of issues) {
    if (code === "unrecognized_keys" && "keys" in issue) {
      const owner = valueAt(rest, path);
      if (isMapping(owner)) for (const key of issue.keys) delete owner[key];
      continue;
    }
    const section = String(path[0]);
    damaged.add(section);
    const list = section === "underlay" && path[1] === "networks" ? ["underlay", "networks"] : [section];
    const index = path[list.length];
    const entry = dropped.get(list.join(".")) ?? { list, indices: new Set<number>() };
    if (typeof index === "number") dropped.set(list.join("."), { ...entry, indices: entry.indices.add(index) });
    else dropKey(rest, section, path);
  }
  for (const { list, indices } of dropped.values()) {
    const items = valueAt(rest, list);
    if (Array.isArray(items)) {
      const kept = items.filter((_, index) => !indices.has(index));
      items.splice(0, items.length, ...kept);
    }
  }
  const parsed = labSchema.safeParse({ ...PLACEHOLDERS, ...rest });
  if (!parsed.success) return undefined;
  return {
    lab: parsed.data,
    damaged,
    original: (path) => {
      for (const { list, indices } of dropped.values()) {
        const index = path[list.length];
        if (typeof index === "number" && list.every((key, depth) => path[depth] === key)) {
          return path.with(list.length, originalIndex(index, indices));
        }
      }
      return path;
    },
  };
}

/** Of the network plugin only what is wrong, where the rest can do without: its addresses are worth checking. */
function dropKey(rest: Record<string, unknown>, section: string, path: Path): void {
  const network = rest.network;
  const key = String(path[1]);
  if (section === "network" && isMapping(network) && path.length > 1 && key !== "plugin" && key !== "network")
    delete network[key];
  else delete rest[section];
}

function originalIndex(index: number, dropped: ReadonlySet<number>): number {
  let original = 0;
  for (let left = index; ; original++) {
    if (dropped.has(original)) continue;
    if (left === 0) return original;
    left--;
  }
}

function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const segment of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = new Map<PropertyKey, unknown>(Object.entries(value)).get(String(segment));
  }
  return value;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
