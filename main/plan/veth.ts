/** Veth pairs, created with both ends in their namespaces, so that no end ever has to be moved. */

import { interfaceName, netnsFile, type Topology, type VethInterface } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

/** One step per pair, in the order in which the topology names the first end. */
export function planVeths(topology: Topology): Step[] {
  const ends = new Map<string, { netns: string; end: VethInterface }>();
  for (const netns of topology.namespaces) {
    for (const item of netns.interfaces) {
      if (item.kind !== "veth") continue;
      ends.set(interfaceName({ netns: netns.name, interface: item.name }), { netns: netns.name, end: item });
    }
  }
  const steps: Step[] = [];
  for (const [name, { netns, end }] of ends) {
    const peer = ends.get(interfaceName(end.peer));
    if (!peer) throw new Error(`${name} names the peer ${interfaceName(end.peer)}, which does not exist`);
    ends.delete(interfaceName(end.peer));
    steps.push({
      command: `link add name ${describeEnd(netns, end)} type veth peer name ${describeEnd(peer.netns, peer.end)}`,
      why: `A cable between ${name} and ${interfaceName(end.peer)}.`,
    });
  }
  return steps;
}

function describeEnd(netns: string, end: VethInterface): string {
  return `${end.name} netns ${netnsFile(netns)} address ${end.mac} mtu ${end.mtu}`;
}
