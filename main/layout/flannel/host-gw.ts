/** The host-gw backend: no tunnel, only routes. All nodes must be on one network. Source: flannel pkg/backend/hostgw. */

import type { Route } from "../../../preload/contract/topology.ts";
import { formatSubnet } from "../address.ts";
import type { FlannelNode } from "./node.ts";
import { keepRoutes } from "./route-check.ts";

export function connectByHostGateway(nodes: FlannelNode[]): void {
  for (const node of nodes) {
    const others = nodes.filter((remote) => remote !== node);
    const routes = others.map(
      (remote): Route => ({
        to: formatSubnet(remote.subnet),
        via: remote.address,
        dev: node.iface,
        why: `The pods of ${remote.label} are behind ${remote.label} itself. The packet leaves as it is; only its Ethernet header names the other node, which is why both must share a network.`,
      }),
    );
    node.netns.routes.push(...routes);
    keepRoutes(node, routes);
  }
}
