/** What can go wrong with Calico. */

import type { Lab } from "../lab/schema.ts";
import type { LabFault } from "./fault.ts";

export function calicoFaults(lab: Lab): LabFault[] {
  if (lab.network?.plugin !== "calico") return [];
  return [];
}
