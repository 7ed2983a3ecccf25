/** What can go wrong between BGP speakers. */

import type { Lab } from "../lab/schema.ts";
import type { LabFault } from "./fault.ts";

export function bgpFaults(_lab: Lab): LabFault[] {
  return [];
}
