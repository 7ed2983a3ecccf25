/**
 * The IPIP mode: one tunnel device per node and, per block of another node, exactly one route. The route's next hop is
 * the other node itself, and becomes the destination of the outer header: there is nothing to resolve, no MAC address and
 * no FDB. Source: calico v3.33 felix/dataplane/linux/{ipip_mgr,route_mgr}.go, felix/routetable/defs.go. Felix also writes
 * the tunnel's MTU on its routes to it (`mtu 1480`), which is the MTU of the device anyway and is left out here. Classic:
 * confd/etc/calico/confd/templates/bird{,_aggr,_ipam}.cfg.template.
 */

import type { CalicoNetwork } from "../../lab/schema.ts";
import { formatAddress, formatSubnet, type Subnet } from "../address.ts";
import { addressInBlocks } from "./blocks.ts";
import { type CalicoNode, PARENT_INTERFACE } from "./node.ts";

/** The outer IPv4 header without options (RFC 2003). */
export const IPIP_OVERHEAD = 20;

/** The device that the kernel's module ipip makes by itself. */
export const IPIP_DEVICE = "tunl0";

/** Routes of one address are never blackholed: they would stand in the way of the pod's own. */
const ONE_ADDRESS = 32;

/** `mtu`: of the tunnel device, by node. */
export function connectByIpip(network: CalicoNetwork, nodes: CalicoNode[], mtu: (node: CalicoNode) => number): void {
  const proto = network.routes === "felix" ? "80" : "bird";
  for (const node of nodes) {
    node.netns.interfaces.push({
      kind: "ipip",
      name: IPIP_DEVICE,
      mtu: mtu(node),
      addresses: [`${formatAddress(addressInBlocks(node.blocks, 0))}/32`],
      dev: PARENT_INTERFACE,
      why: `The tunnel to all other nodes: what goes in here comes out of ${PARENT_INTERFACE} behind a second IP header (protocol 4), from this node to the next hop of the route that led here. It has neither a remote end nor a MAC address of its own. Its MTU is ${IPIP_OVERHEAD} bytes smaller, which leaves room for that header. Its address, the first of the node's own block, is what the node itself sends to pods from. The kernel makes this device in every namespace as soon as the module ipip is loaded.`,
    });
    for (const block of node.blocks) {
      if (block.length === ONE_ADDRESS) continue;
      node.netns.routes.push({
        to: formatSubnet(block),
        type: "blackhole",
        proto,
        why: `The block that ${node.label} gives to its pods. A pod that is there has a more specific route; for an address without a pod the packet ends here, instead of wandering out of the default route.`,
      });
    }
    for (const remote of nodes) {
      if (remote === node) continue;
      for (const block of remote.blocks) node.netns.routes.push(routeTo(network, node, remote, block, proto));
    }
  }
}

function routeTo(network: CalicoNetwork, node: CalicoNode, remote: CalicoNode, block: Subnet, proto: string) {
  const isDirect = network.ipipMode === "CrossSubnet" && remote.network === node.network;
  const writer =
    proto === "bird" ? "BIRD, which learned it by BGP, has written it." : "Felix (protocol 80) has written it.";
  return {
    to: formatSubnet(block),
    via: remote.address,
    dev: isDirect ? PARENT_INTERFACE : IPIP_DEVICE,
    proto,
    // BIRD needs no onlink for a gateway that it finds on the interface's own subnet.
    ...(isDirect && proto === "bird" ? {} : { onlink: true }),
    why: isDirect
      ? `The pods of ${remote.label}, which is in the same subnet: the packet leaves as it is, and only its Ethernet header names the other node. ${writer}`
      : `The pods of ${remote.label} are behind ${remote.address}: the tunnel puts that address into the outer header. "onlink" because no subnet of ${IPIP_DEVICE} covers it: the kernel is told to believe that it is a neighbour. ${writer}`,
  };
}
