/** What a lab needs of the kernel and of the machine it runs on, whether or not its file says so. */

import type { LabGroup } from "../../preload/contract/lab.ts";
import { needsBird } from "../layout/calico/bgp.ts";
import { encapsulationOf } from "../layout/calico/encapsulation.ts";
import type { Lab } from "./schema.ts";

/** The family that a lab belongs to: its network plugin's. */
export function groupOf(lab: Lab): LabGroup {
  return lab.network?.plugin ?? "basics";
}

/** Sorted, each once. The names are those that `doctor` probes. */
export function requirementsOf(lab: Lab): string[] {
  const needed = new Set(lab.requires);
  if (lab.pods.length > 0 || lab.nodes.length > 0 || lab.links.length > 0) needed.add("veth");
  if (lab.underlay.networks.length > 0 || lab.namespaces.some((netns) => netns.bridges.length > 0))
    needed.add("bridge");
  if (lab.nodes.length > 0) needed.add("br_netfilter");
  if (lab.network) needed.add("iptables");
  if (lab.network?.plugin === "flannel" && lab.network.backend.type === "vxlan") needed.add("vxlan");
  if (lab.network?.plugin === "calico") {
    needed.add("ipset");
    const { kind } = encapsulationOf(lab.network);
    if (kind !== "none") needed.add(kind);
    if (needsBird(lab.network)) needed.add("bird");
  }
  if (lab.namespaces.some((netns) => netns.bird)) needed.add("bird");
  return [...needed].sort();
}
