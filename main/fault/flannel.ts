/** What can go wrong with Flannel. */

import type { Lab } from "../lab/schema.ts";
import type { LabFault } from "./fault.ts";

export function flannelFaults(lab: Lab): LabFault[] {
  if (lab.network?.plugin !== "flannel") return [];
  return [];
}
