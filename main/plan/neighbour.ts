/** Permanent neighbour (ARP) entries. */

import type { Neighbour } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planNeighbour(neighbour: Neighbour): Step {
  return {
    command: `neighbour replace ${neighbour.address} lladdr ${neighbour.mac} dev ${neighbour.dev} nud permanent`,
    why: neighbour.why,
  };
}
