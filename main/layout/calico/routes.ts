/**
 * The routes of blocks that are the same whatever the encapsulation. Source: calico v3.33
 * felix/dataplane/linux/route_mgr.go, felix/routetable/defs.go; of BIRD:
 * confd/etc/calico/confd/templates/bird{,_aggr,_ipam}.cfg.template.
 */

import type { Route } from "../../../preload/contract/topology.ts";
import { formatSubnet, type Subnet } from "../address.ts";
import { type CalicoNode, PARENT_INTERFACE } from "./node.ts";

/** Who writes routes, as `ip route` names it: 80 is Felix. */
export type RouteWriter = "80" | "bird";

/** Routes of one address are never blackholed: they would stand in the way of the pod's own. */
const ONE_ADDRESS = 32;

export function blackholeBlocks(node: CalicoNode, proto: RouteWriter): void {
  for (const block of node.blocks) {
    if (block.length === ONE_ADDRESS) continue;
    node.netns.routes.push({
      to: formatSubnet(block),
      type: "blackhole",
      proto,
      why: `The block that ${node.label} gives to its pods. A pod that is there has a more specific route; for an address without a pod the packet ends here, instead of wandering out of the default route.`,
    });
  }
}

/** To a block of a node in the same subnet: the packet leaves as it is. */
export function directRoute(remote: CalicoNode, block: Subnet, proto: RouteWriter): Route {
  return {
    to: formatSubnet(block),
    via: remote.address,
    dev: PARENT_INTERFACE,
    proto,
    // BIRD needs no onlink for a gateway that it finds on the interface's own subnet.
    ...(proto === "bird" ? {} : { onlink: true }),
    why: `The pods of ${remote.label}, which is in the same subnet: the packet leaves as it is, and only its Ethernet header names the other node. ${writtenBy(proto)}`,
  };
}

export function writtenBy(proto: RouteWriter): string {
  return proto === "bird" ? "BIRD, which learned it by BGP, has written it." : "Felix (protocol 80) has written it.";
}
