/** The fields of a frame as the rows of a tree, and which of them covers a byte. Pure. */

import type { Field, Layer } from "../../preload/contract/frame.ts";

/** One visible row. */
export interface TreeRow {
  /** `ipv4#0/flags/df`: the nth layer of its protocol, then the fields' names. The same in every frame alike. */
  path: string;
  /** Path of the row that contains this one. */
  parent?: string;
  /** From 1. */
  level: number;
  /** For a layer its title, for a field its label. */
  label: string;
  value?: string;
  offset: number;
  length: number;
  expandable: boolean;
  expanded: boolean;
  /** What is wrong here. */
  problem?: string;
  broken: boolean;
}

interface Branch {
  row: Omit<TreeRow, "expanded" | "level" | "parent">;
  children: Branch[];
}

function branchOf(field: Field, path: string): Branch {
  const children = named(field.children ?? [], path);
  const { label, value, offset, length } = field;
  return { row: { path, label, value, offset, length, expandable: children.length > 0, broken: false }, children };
}

/** Fields may repeat (options): the second `option` is `option~1`. */
function named(fields: readonly Field[], parent: string): Branch[] {
  const seen = new Map<string, number>();
  return fields.map((field) => {
    const nth = seen.get(field.name) ?? 0;
    seen.set(field.name, nth + 1);
    return branchOf(field, `${parent}/${field.name}${nth === 0 ? "" : `~${nth}`}`);
  });
}

function branches(layers: readonly Layer[]): Branch[] {
  const seen = new Map<string, number>();
  return layers.map((layer) => {
    const nth = seen.get(layer.protocol) ?? 0;
    seen.set(layer.protocol, nth + 1);
    const path = `${layer.protocol}#${nth}`;
    const children = named(layer.fields, path);
    return {
      row: {
        path,
        label: layer.title,
        offset: layer.offset,
        length: layer.length,
        expandable: children.length > 0,
        problem: layer.problem,
        broken: layer.protocol === "broken",
      },
      children,
    };
  });
}

/** The rows that are seen while the paths in `expanded` are open. */
export function treeRows(layers: readonly Layer[], expanded: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = [];
  const walk = (list: readonly Branch[], level: number, parent?: string) => {
    for (const { row, children } of list) {
      const open = row.expandable && expanded.has(row.path);
      rows.push({ ...row, level, parent, expanded: open });
      if (open) walk(children, level + 1, row.path);
    }
  };
  walk(branches(layers), 1);
  return rows;
}

export interface Found {
  path: string;
  /** The paths to open so that it is seen. */
  ancestors: string[];
}

/** The deepest field that covers a byte; else the layer; undefined for payload that no layer claims. */
export function fieldAt(layers: readonly Layer[], byte: number): Found | undefined {
  let found: Found | undefined;
  let list = branches(layers);
  const ancestors: string[] = [];
  for (;;) {
    // Where ranges overlap the later one is the more particular.
    const next = list.findLast(({ row }) => row.length > 0 && byte >= row.offset && byte < row.offset + row.length);
    if (!next) return found;
    found = { path: next.row.path, ancestors: [...ancestors] };
    ancestors.push(next.row.path);
    list = next.children;
  }
}

/** The bytes of a path, whether its row is seen or not. */
export function rangeOf(layers: readonly Layer[], path: string): { offset: number; length: number } | undefined {
  const search = (list: readonly Branch[]): { offset: number; length: number } | undefined => {
    for (const { row, children } of list) {
      if (row.path === path) return { offset: row.offset, length: row.length };
      if (path.startsWith(`${row.path}/`)) {
        const found = search(children);
        if (found) return found;
      }
    }
    return undefined;
  };
  return search(branches(layers));
}
