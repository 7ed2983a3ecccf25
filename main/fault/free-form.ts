/** What can go wrong in a lab that describes its namespaces itself. */

import type { Lab } from "../lab/schema.ts";
import type { LabFault } from "./fault.ts";

export function freeFormFaults(_lab: Lab): LabFault[] {
  return [];
}
