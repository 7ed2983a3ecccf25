/** Where the hops of a journey stand: a packet's main way in the first row, the branches of a flood below it. Pure. */

import type { Hop } from "../../preload/contract/journey.ts";

export interface PlacedHop {
  /** Index of the hop in its journey. */
  index: number;
  /** From 0. */
  row: number;
  column: number;
  /** For the first hop of a branch: the row that it leaves. */
  branchOf?: number;
}

/**
 * Each hop stands in the column after its parent's. Of several children the one with the longest way goes on in
 * its parent's row; each other one starts a row below. A hop without a known parent starts a row of its own.
 */
export function placeHops(hops: readonly Hop[]): PlacedHop[] {
  const children = new Map<number | undefined, number[]>();
  hops.forEach((hop, index) => {
    // A parent comes earlier; anything else would be a loop and counts as unknown.
    const parent = hop.parent !== undefined && hop.parent < index ? hop.parent : undefined;
    children.set(parent, [...(children.get(parent) ?? []), index]);
  });
  const depth = new Map<number, number>();
  for (let index = hops.length - 1; index >= 0; index -= 1) {
    const below = (children.get(index) ?? []).map((child) => depth.get(child) ?? 0);
    depth.set(index, 1 + Math.max(0, ...below));
  }
  const placed: PlacedHop[] = [];
  let rows = 0;
  const starts: { index: number; column: number; branchOf?: number }[] = (children.get(undefined) ?? []).map(
    (index) => ({ index, column: 0 }),
  );
  for (let start = starts.shift(); start; start = starts.shift()) {
    const row = rows;
    rows += 1;
    const branches: typeof starts = [];
    let at: number | undefined = start.index;
    for (let column = start.column; at !== undefined; column += 1) {
      placed.push({ index: at, row, column, branchOf: at === start.index ? start.branchOf : undefined });
      const [main, ...others] = [...(children.get(at) ?? [])].sort((a, b) => (depth.get(b) ?? 0) - (depth.get(a) ?? 0));
      branches.push(...others.map((index) => ({ index, column: column + 1, branchOf: row })));
      at = main;
    }
    starts.unshift(...branches);
  }
  return placed;
}
