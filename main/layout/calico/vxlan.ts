/**
 * The VXLAN mode: one tunnel device per node and, per other node, one neighbour, one FDB entry and a route per block. No
 * BGP is needed: Felix writes them all, in every version. Source: calico v3.33 felix/dataplane/linux/{vxlan_mgr,route_mgr}.go,
 * felix/vxlanfdb/vxlan_fdb.go, felix/calc/vxlan_resolver.go. Felix writes the tunnel's MTU on its routes to it too, which
 * is the MTU of the device anyway and is left out here.
 */

import type { CalicoNetwork } from "../../lab/schema.ts";
import { formatAddress, formatSubnet } from "../address.ts";
import { sha1Hex } from "../sha1.ts";
import { addTunnelEnd, type TunnelEnd, VXLAN_OVERHEAD } from "../vxlan-mesh.ts";
import { addressInBlocks } from "./blocks.ts";
import { type CalicoNode, PARENT_INTERFACE } from "./node.ts";
import { blackholeBlocks, directRoute } from "./routes.ts";

export const VXLAN_DEVICE = "vxlan.calico";

export function connectByVxlan(network: CalicoNetwork, nodes: CalicoNode[], crossSubnet: boolean): void {
  const ends = new Map(nodes.map((node) => [node, tunnelEnd(node)]));
  for (const node of nodes) {
    const { mac, tunnelAddress } = ends.get(node)!;
    node.netns.interfaces.push({
      kind: "vxlan",
      name: VXLAN_DEVICE,
      mac,
      mtu: node.mtu,
      addresses: [`${tunnelAddress}/32`],
      vni: network.vxlanVNI,
      local: node.address,
      dev: PARENT_INTERFACE,
      port: network.vxlanPort,
      learning: false,
      why: `The tunnel to the other nodes: what goes in here comes out of ${PARENT_INTERFACE} inside a UDP packet to port ${network.vxlanPort}. ${mtuReason(network, node)} It learns no addresses, because Felix writes them all. Its MAC address is 66 and the first five bytes of the SHA-1 of "${node.label}", so that every node can work out every other's. Its address is the first of the node's own block.`,
    });
    blackholeBlocks(node);
    for (const [remote, end] of ends) {
      if (remote === node) continue;
      addTunnelEnd(node.netns, VXLAN_DEVICE, end);
      const isDirect = crossSubnet && remote.network === node.network;
      for (const block of remote.blocks) {
        if (isDirect) {
          node.netns.routes.push(directRoute(remote, block));
          continue;
        }
        node.netns.routes.push({
          to: formatSubnet(block),
          via: end.tunnelAddress,
          dev: VXLAN_DEVICE,
          onlink: true,
          why: `The pods of ${remote.label} are behind its end of the tunnel. "onlink" because no subnet route covers ${end.tunnelAddress}: the kernel is told to believe that it is a neighbour. Felix has written it; it knows its routes to the tunnel by the device, and they bear no protocol of its own.`,
        });
      }
    }
  }
}

function tunnelEnd(node: CalicoNode): TunnelEnd {
  return {
    label: node.label,
    mac: tunnelMac(node.label),
    tunnelAddress: formatAddress(addressInBlocks(node.blocks, 0)),
    address: node.address,
  };
}

/** `f`, which is 0x66, and the first five bytes of the SHA-1 of the node's name. */
export function tunnelMac(node: string): string {
  return ["66", ...sha1Hex(node).match(/../g)!.slice(0, 5)].join(":");
}

function mtuReason(network: CalicoNetwork, node: CalicoNode): string {
  return network.mtu === undefined
    ? `Its MTU is ${VXLAN_OVERHEAD} bytes smaller, which leaves room for the outer headers.`
    : `Its MTU is written down as ${node.mtu}: Felix takes that number, whatever the card has.`;
}
