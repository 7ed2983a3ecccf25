/** The namespaces and interfaces of a topology as the rows of a tree, for readers who don't use a pointer. Pure. */

import { type InterfaceRef, interfaceName, type Topology } from "../../preload/contract/topology.ts";
import { namespaceId } from "./layout.ts";

export interface TreeRow {
  /** The id of its box in the placement. */
  id: string;
  level: 1 | 2;
  name: string;
  addresses: string[];
  /** Set for interfaces. */
  ref?: InterfaceRef;
  /** Place among its siblings, from 1, and how many they are. */
  position: number;
  size: number;
}

export function treeRows(topology: Topology): TreeRow[] {
  return topology.namespaces.flatMap((namespace, index) => [
    {
      id: namespaceId(namespace.name),
      level: 1 as const,
      name: namespace.name,
      addresses: [],
      position: index + 1,
      size: topology.namespaces.length,
    },
    ...namespace.interfaces.map((each, order) => {
      const ref = { netns: namespace.name, interface: each.name };
      return {
        id: interfaceName(ref),
        level: 2 as const,
        name: each.name,
        addresses: each.addresses,
        ref,
        position: order + 1,
        size: namespace.interfaces.length,
      };
    }),
  ]);
}

/** The row that a key leads to from `current`; undefined for keys that move nothing. */
export function rowAfterKey(rows: readonly TreeRow[], current: number, key: string): number | undefined {
  const last = rows.length - 1;
  if (last < 0) return undefined;
  switch (key) {
    case "ArrowDown":
      return Math.min(current + 1, last);
    case "ArrowUp":
      return Math.max(current - 1, 0);
    case "Home":
      return 0;
    case "End":
      return last;
    case "ArrowLeft": {
      // To the namespace of an interface, or to the namespace before.
      const before = rows.findLastIndex((row, index) => row.level === 1 && index < current);
      return Math.max(before, 0);
    }
    case "ArrowRight": {
      // Into a namespace; from an interface to the next namespace.
      if (rows[current]?.level === 1 && rows[current + 1]?.level === 2) return current + 1;
      const after = rows.findIndex((row, index) => row.level === 1 && index > current);
      return after < 0 ? last : after;
    }
    default:
      return undefined;
  }
}
