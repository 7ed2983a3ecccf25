/**
 * The VXLAN backend: one tunnel device per node and, per remote node, exactly one neighbour, one FDB entry
 * and one route. Nothing is learned or asked for. Source: flannel pkg/backend/vxlan.
 */

import type { FlannelNetwork } from "../../lab/schema.ts";
import { formatAddress, formatSubnet } from "../address.ts";
import type { Identities } from "../identity.ts";
import { acceptRaSysctls } from "../namespace.ts";
import { EXTERNAL_INTERFACE, type FlannelNode } from "./node.ts";

/** Outer Ethernet 14, IPv4 20, UDP 8 and VXLAN 8 bytes (RFC 7348). */
export const VXLAN_OVERHEAD = 50;

type VxlanBackend = Extract<FlannelNetwork["backend"], { type: "vxlan" }>;

/** `mtu`: of the tunnel device, by node. */
export function connectByVxlan(
  backend: VxlanBackend,
  nodes: FlannelNode[],
  mtu: (node: FlannelNode) => number,
  identities: Identities,
): void {
  const device = `flannel.${backend.vni}`;
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
      dev: EXTERNAL_INTERFACE,
      port: backend.port,
      learning: false,
      why: `The tunnel to the other nodes: what goes in here comes out of ${EXTERNAL_INTERFACE} inside a UDP packet to port ${backend.port}. Its MTU is ${VXLAN_OVERHEAD} bytes smaller, which leaves room for the outer headers. It learns no addresses, because flanneld writes them all. Its own address is a /32, so that no broadcast and no subnet route comes with it.`,
    });
    node.netns.sysctls.push(...acceptRaSysctls({ name: device, mtu: mtu(node) }));
    for (const remote of tunnels) {
      if (remote.node === node) continue;
      const tunnelAddress = formatAddress(remote.node.subnet.base);
      node.netns.neighbours.push({
        address: tunnelAddress,
        mac: remote.mac,
        dev: device,
        why: `The MAC address of ${remote.node.label}'s end of the tunnel, written down for good: no ARP request ever crosses the tunnel.`,
      });
      node.netns.fdb.push({
        mac: remote.mac,
        dev: device,
        dst: remote.node.address,
        why: `Frames to that MAC address are wrapped and sent to ${remote.node.address}, which is ${remote.node.label}.`,
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
