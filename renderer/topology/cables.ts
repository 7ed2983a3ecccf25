/** Leads cables through the channel between two rows of boxes so that none runs over another. */

import type { Point } from "./layout.ts";

/** One end of a cable at a machine: where it leaves the box, and its way down to the channel. */
export interface CableEnd {
  exit: Point;
  /** Further points; the last one's x is where the cable comes into the channel. */
  lead: Point[];
}

const LANE = 7;

/**
 * For cables that come into the channel at `from` and leave it at `to` (x, both), the y of the lane in which each
 * crosses over; none for a straight one. Cables that go right are nested from the left, those that go left from
 * the right, so that neighbours don't cross.
 */
export function routeCables(
  cables: readonly { from: number; to: number }[],
  top: number,
  gap: number,
): { lanes: (number | undefined)[]; height: number; jogs: number } {
  const lanes: (number | undefined)[] = cables.map(() => undefined);
  const jogs = cables
    .map((cable, index) => ({ ...cable, index }))
    .filter((cable) => Math.abs(cable.from - cable.to) >= 0.5);
  const rightwards = jogs.filter((cable) => cable.to > cable.from).toSorted((a, b) => b.from - a.from);
  const leftwards = jogs.filter((cable) => cable.to < cable.from).toSorted((a, b) => a.from - b.from);
  [...rightwards, ...leftwards].forEach((cable, order) => {
    lanes[cable.index] = top + gap / 2 + order * LANE;
  });
  return { lanes, height: gap + Math.max(0, jogs.length - 1) * LANE, jogs: jogs.length };
}
