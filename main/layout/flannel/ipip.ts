/**
 * The IPIP backend: one tunnel device per node, from the node's own address to whatever the route says, and one route per
 * remote node. The kernel's own tunl0 is left alone, since somebody else might use it. Source: flannel 0.28.9
 * pkg/backend/ipip/ipip.go.
 */

import type { Route } from "../../../preload/contract/topology.ts";
import type { FlannelNetwork } from "../../lab/schema.ts";
import { formatAddress, formatSubnet } from "../address.ts";
import { directInterface, type FlannelNode } from "./node.ts";
import { keepRoutes } from "./route-check.ts";

/** The outer IPv4 header without options (RFC 2003). */
export const IPIP_OVERHEAD = 20;

export const IPIP_DEVICE = "flannel.ipip";

type IpipBackend = Extract<FlannelNetwork["backend"], { type: "ipip" }>;

/** `mtu`: of the tunnel device, by node. */
export function connectByIpip(backend: IpipBackend, nodes: FlannelNode[], mtu: (node: FlannelNode) => number): void {
  for (const node of nodes) {
    node.netns.interfaces.push({
      kind: "ipip",
      name: IPIP_DEVICE,
      mtu: mtu(node),
      addresses: [`${formatAddress(node.subnet.base)}/32`],
      dev: node.iface,
      local: node.address,
      why: `The tunnel to the other nodes: what goes in here comes out of ${node.iface} behind a second IP header (protocol 4) from ${node.address} to the next hop of the route that led here. It has no remote end and no MAC address. Its MTU is ${IPIP_OVERHEAD} bytes smaller, which leaves room for that header.`,
    });
    const others = nodes.filter((remote) => remote !== node);
    const routes = others.map((remote): Route => {
      // flanneld changes nothing but the device of the route, so that onlink stays.
      const isDirect = backend.directRouting && directInterface(node, remote.address) !== undefined;
      return {
        to: formatSubnet(remote.subnet),
        via: remote.address,
        dev: isDirect ? node.iface : IPIP_DEVICE,
        onlink: true,
        why: isDirect
          ? `The pods of ${remote.label}, which no router is in front of: the packet leaves as it is and only its Ethernet header names the other node (DirectRouting).`
          : `The pods of ${remote.label} are behind ${remote.address}: the tunnel puts that address into the outer header. "onlink" because no subnet of ${IPIP_DEVICE} covers it: the kernel is told to believe that it is a neighbour.`,
      };
    });
    node.netns.routes.push(...routes);
    keepRoutes(node, routes);
  }
}
