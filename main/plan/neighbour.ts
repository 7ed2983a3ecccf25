/** Permanent neighbour (ARP) entries. */

import type { Neighbour } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planNeighbour(neighbour: Neighbour): Step {
  return {
    command: `neighbour replace ${neighbour.address} lladdr ${neighbour.mac} dev ${neighbour.dev} nud permanent`,
    why: neighbour.why,
  };
}

/** What tells it from the others of its namespace. */
export function neighbourKey({ address, dev }: Neighbour): string {
  return `${address} ${dev}`;
}

export function planNoNeighbour({ address, dev }: Neighbour): Step {
  return {
    command: `neighbour delete ${address} dev ${dev}`,
    why: `Nobody is to be found at ${address} any more.`,
  };
}
