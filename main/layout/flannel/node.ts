/** A node as flanneld sees it. */

import type { Namespace } from "../../../preload/contract/topology.ts";
import { holdsAddress, parseAddress, parsePrefixed, type Subnet } from "../address.ts";

export interface FlannelNode {
  netns: Namespace;
  label: string;
  /** The external interface: the one that carries traffic between nodes. */
  iface: string;
  /** Its address: the end of the tunnel, or the gateway of host-gw. */
  address: string;
  /** Its MTU. */
  mtu: number;
  /** The node's share of the cluster network. */
  subnet: Subnet;
}

/**
 * The card that the node reaches an address by without a router; undefined where one is between. flanneld asks the kernel
 * (`ip route get`) and calls a node near if the answer has no gateway (pkg/ip/iface.go, DirectRouting).
 */
export function directInterface(node: FlannelNode, address: string): string | undefined {
  const number = parseAddress(address)!;
  return node.netns.interfaces.find((item) =>
    item.addresses.some((text) => holdsAddress(parsePrefixed(text)!.subnet, number)),
  )?.name;
}
