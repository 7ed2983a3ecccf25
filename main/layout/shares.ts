/**
 * Which shares of the pod network each node holds: its flannel subnet or its Calico blocks, by number. A node keeps what it
 * holds; the lowest free ones go to those that need more. So a node that leaves moves nobody, and the next to join gets the
 * hole that it left.
 */

import type { LabNode } from "../lab/schema.ts";

/** The numbers of each node's shares, counted from 0, in the order of the nodes. `needed`: how many of them a node needs. */
export function assignShares(nodes: readonly LabNode[], needed: (node: LabNode) => number): number[][] {
  const taken = new Set(nodes.flatMap(({ shares }) => shares ?? []));
  let next = 0;
  const takeNext = () => {
    while (taken.has(next)) next++;
    taken.add(next);
    return next;
  };
  return nodes.map((node) => {
    const held = node.shares ?? [];
    return [...held, ...Array.from({ length: Math.max(0, needed(node) - held.length) }, takeNext)];
  });
}
