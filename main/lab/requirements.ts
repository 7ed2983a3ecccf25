/** What a lab needs of the kernel and of the machine it runs on, whether or not its file says so. */

import type { LabGroup } from "../../preload/contract/lab.ts";
import { needsBird } from "../layout/calico/bgp.ts";
import { encapsulationOf } from "../layout/calico/encapsulation.ts";
import type { FlannelNetwork, Lab } from "./schema.ts";

/** What the kernel must have for flannel's backends. */
const BACKENDS = { vxlan: ["vxlan"], "host-gw": [], udp: ["tun"], ipip: ["ipip"] };

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
  if (lab.network?.plugin === "flannel") {
    for (const name of [...BACKENDS[lab.network.backend.type], ...rulePrograms(lab.network)]) needed.add(name);
  }
  for (const netns of lab.namespaces) {
    if (netns.bridges.some(({ vlanFiltering }) => vlanFiltering)) needed.add("vlan_filtering");
    if (netns.interfaces.some(({ vlan }) => vlan)) needed.add("vlan");
    if (netns.interfaces.some(({ vxlan }) => vxlan)) needed.add("vxlan");
    if (Object.keys(netns.iptables).length > 0) needed.add("iptables");
  }
  if (lab.network?.plugin === "calico") {
    for (const name of ["ipset", "iptables"]) needed.add(name);
    const { kind } = encapsulationOf(lab.network);
    if (kind !== "none") needed.add(kind);
    if (needsBird(lab.network)) needed.add("bird");
  }
  if (lab.namespaces.some((netns) => netns.bird)) needed.add("bird");
  return [...needed].sort();
}

/** Where flanneld does not masquerade, the CNI bridge plugin does, with iptables. */
function rulePrograms({ rules, ipMasq }: FlannelNetwork): string[] {
  if (rules === "iptables") return ["iptables"];
  return ipMasq ? ["nft"] : ["iptables", "nft"];
}
