/**
 * A VXLAN whose devices learn nothing: each node is told of every other's end of the tunnel by exactly one neighbour and one
 * FDB entry. flanneld and Felix do the same here (flannel pkg/backend/vxlan, calico felix/vxlanfdb).
 */

import type { Namespace } from "../../preload/contract/topology.ts";

/** Outer Ethernet 14, IPv4 20, UDP 8 and VXLAN 8 bytes (RFC 7348). */
export const VXLAN_OVERHEAD = 50;

export interface TunnelEnd {
  label: string;
  /** Of the tunnel device. */
  mac: string;
  tunnelAddress: string;
  /** Of the node in the underlay. */
  address: string;
}

/** `device`: the tunnel device of the node that is told. */
export function addTunnelEnd(netns: Namespace, device: string, remote: TunnelEnd): void {
  netns.neighbours.push({
    address: remote.tunnelAddress,
    mac: remote.mac,
    dev: device,
    why: `The MAC address of ${remote.label}'s end of the tunnel, written down for good: no ARP request ever crosses the tunnel.`,
  });
  netns.fdb.push({
    mac: remote.mac,
    dev: device,
    dst: remote.address,
    why: `Frames to that MAC address are wrapped and sent to ${remote.address}, which is ${remote.label}.`,
  });
}
