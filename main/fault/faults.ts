/** The faults that a lab offers: one file per layout says them, and what every cluster can suffer from is in cluster.ts. */

import type { Lab } from "../lab/schema.ts";
import { bgpFaults } from "./bgp.ts";
import { calicoFaults } from "./calico.ts";
import { clusterFaults } from "./cluster.ts";
import type { LabFault } from "./fault.ts";
import { flannelFaults } from "./flannel.ts";
import { freeFormFaults } from "./free-form.ts";

/** Each name once. */
export function faultsOf(lab: Lab): LabFault[] {
  return [
    ...clusterFaults(lab),
    ...flannelFaults(lab),
    ...calicoFaults(lab),
    ...bgpFaults(lab),
    ...freeFormFaults(lab),
  ];
}
