/**
 * The IPIP mode: one tunnel device per node and, per block of another node, exactly one route. The route's next hop is
 * the other node itself, and becomes the destination of the outer header: there is nothing to resolve, no MAC address and
 * no FDB. Source: calico v3.33 felix/dataplane/linux/{ipip_mgr,route_mgr}.go, felix/routetable/defs.go. Felix also writes
 * the tunnel's MTU on its routes to it (`mtu 1480`), which is the MTU of the device anyway and is left out here.
 */

import type { Route } from "../../../preload/contract/topology.ts";
import type { CalicoNetwork } from "../../lab/schema.ts";
import { formatAddress, formatSubnet, type Subnet } from "../address.ts";
import { addressInBlocks } from "./blocks.ts";
import { type CalicoNode, PARENT_INTERFACE } from "./node.ts";
import { blackholeBlocks, directRoute, FELIX, WRITTEN_BY_FELIX } from "./routes.ts";

/** The outer IPv4 header without options (RFC 2003). */
export const IPIP_OVERHEAD = 20;

/** The device that the kernel's module ipip makes by itself. */
export const IPIP_DEVICE = "tunl0";

export function connectByIpip(network: CalicoNetwork, nodes: CalicoNode[], crossSubnet: boolean): void {
  for (const node of nodes) {
    node.netns.interfaces.push({
      kind: "ipip",
      name: IPIP_DEVICE,
      mtu: node.mtu,
      addresses: [`${formatAddress(addressInBlocks(node.blocks, 0))}/32`],
      dev: PARENT_INTERFACE,
      why: `The tunnel to all other nodes: what goes in here comes out of ${PARENT_INTERFACE} behind a second IP header (protocol 4), from this node to the next hop of the route that led here. It has neither a remote end nor a MAC address of its own. Its MTU is ${IPIP_OVERHEAD} bytes smaller, which leaves room for that header. Its address, the first of the node's own block, is what the node itself sends to pods from. The kernel makes this device in every namespace as soon as the module ipip is loaded.`,
    });
    // BIRD writes them itself (bird.ts).
    if (network.routes === "bird") continue;
    blackholeBlocks(node);
    for (const remote of nodes) {
      if (remote === node) continue;
      const isDirect = crossSubnet && remote.network === node.network;
      for (const block of remote.blocks) {
        node.netns.routes.push(isDirect ? directRoute(remote, block) : tunnelRoute(remote, block));
      }
    }
  }
}

function tunnelRoute(remote: CalicoNode, block: Subnet): Route {
  return {
    to: formatSubnet(block),
    via: remote.address,
    dev: IPIP_DEVICE,
    proto: FELIX,
    onlink: true,
    why: `The pods of ${remote.label} are behind ${remote.address}: the tunnel puts that address into the outer header. "onlink" because no subnet of ${IPIP_DEVICE} covers it: the kernel is told to believe that it is a neighbour. ${WRITTEN_BY_FELIX}`,
  };
}
