/**
 * The routes of blocks that Felix writes, the same whatever the encapsulation. Source: calico v3.33
 * felix/dataplane/linux/route_mgr.go, felix/routetable/defs.go.
 */

import type { Route } from "../../../preload/contract/topology.ts";
import { formatSubnet, type Subnet } from "../address.ts";
import { type CalicoNode, PARENT_INTERFACE } from "./node.ts";

/** What Felix marks its routes with, but those of the tunnel device of VXLAN. */
export const FELIX = "80";

export const WRITTEN_BY_FELIX = "Felix (protocol 80) has written it.";

/** Routes of one address are never blackholed: they would stand in the way of the pod's own. */
const ONE_ADDRESS = 32;

export function blackholeBlocks(node: CalicoNode): void {
  for (const block of node.blocks) {
    if (block.length === ONE_ADDRESS) continue;
    node.netns.routes.push({
      to: formatSubnet(block),
      type: "blackhole",
      proto: FELIX,
      why: `The block that ${node.label} gives to its pods. A pod that is there has a more specific route; for an address without a pod the packet ends here, instead of wandering out of the default route.`,
    });
  }
}

/** To a block of a node in the same subnet: the packet leaves as it is. */
export function directRoute(remote: CalicoNode, block: Subnet): Route {
  return {
    to: formatSubnet(block),
    via: remote.address,
    dev: PARENT_INTERFACE,
    proto: FELIX,
    onlink: true,
    why: `The pods of ${remote.label}, which is in the same subnet: the packet leaves as it is, and only its Ethernet header names the other node. ${WRITTEN_BY_FELIX}`,
  };
}
