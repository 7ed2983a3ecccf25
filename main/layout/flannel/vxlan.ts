/**
 * The VXLAN backend: one tunnel device per node and, per remote node, exactly one neighbour, one FDB entry
 * and one route. Nothing is learned or asked for. With directRouting a node that no router is in front of gets a route alone,
 * to itself. Source: flannel 0.28.9 pkg/backend/vxlan.
 */

import type { Route } from "../../../preload/contract/topology.ts";
import type { FlannelNetwork } from "../../lab/schema.ts";
import { formatAddress, formatSubnet } from "../address.ts";
import type { Identities } from "../identity.ts";
import { acceptRaSysctls } from "../namespace.ts";
import { addTunnelEnd, VXLAN_OVERHEAD } from "../vxlan-mesh.ts";
import { directInterface, type FlannelNode } from "./node.ts";

type VxlanBackend = Extract<FlannelNetwork["backend"], { type: "vxlan" }>;

export function vxlanDeviceName({ vni }: VxlanBackend): string {
  return `flannel.${vni}`;
}

/** `mtu`: of the tunnel device, by node. */
export function connectByVxlan(
  backend: VxlanBackend,
  nodes: FlannelNode[],
  mtu: (node: FlannelNode) => number,
  identities: Identities,
): void {
  const device = vxlanDeviceName(backend);
  const tunnels = nodes.map((node) => ({ node, mac: identities.mac(`${node.netns.name}/${device}`) }));
  for (const { node, mac } of tunnels) {
    node.netns.interfaces.push({
      kind: "vxlan",
      name: device,
      mac,
      mtu: mtu(node),
      addresses: [`${formatAddress(node.subnet.base)}/32`],
      vni: backend.vni,
      local: node.address,
      dev: node.iface,
      port: backend.port,
      learning: false,
      why: `The tunnel to the other nodes: what goes in here comes out of ${node.iface} inside a UDP packet to port ${backend.port}. Its MTU is ${VXLAN_OVERHEAD} bytes smaller, which leaves room for the outer headers. It learns no addresses, because flanneld writes them all. Its own address is a /32, so that no broadcast and no subnet route comes with it.`,
    });
    node.netns.sysctls.push(...acceptRaSysctls({ name: device, mtu: mtu(node) }));
    for (const remote of tunnels) {
      if (remote.node === node) continue;
      if (backend.directRouting && directInterface(node, remote.node.address)) {
        node.netns.routes.push(directRoute(remote.node));
        continue;
      }
      const tunnelAddress = formatAddress(remote.node.subnet.base);
      addTunnelEnd(node.netns, device, {
        label: remote.node.label,
        mac: remote.mac,
        tunnelAddress,
        address: remote.node.address,
      });
      node.netns.routes.push({
        to: formatSubnet(remote.node.subnet),
        via: tunnelAddress,
        dev: device,
        onlink: true,
        why: `The pods of ${remote.node.label} are behind its end of the tunnel. "onlink" because no subnet route covers ${tunnelAddress}: the kernel is told to believe that it is a neighbour.`,
      });
    }
  }
}

/** Without a device and without onlink: flanneld leaves it to the kernel to find the card that leads to the gateway. */
function directRoute(remote: FlannelNode): Route {
  return {
    to: formatSubnet(remote.subnet),
    via: remote.address,
    why: `The pods of ${remote.label}, which no router is in front of: the packet leaves as it is and only its Ethernet header names the other node (DirectRouting). It needs neither the tunnel nor a neighbour or FDB entry.`,
  };
}
