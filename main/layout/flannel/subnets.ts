/** Which share of the cluster network each node gets. */

import type { FlannelNetwork } from "../../lab/schema.ts";
import { lastAddress, parseAddress, parseSubnet, type Subnet, subnetSize } from "../address.ts";

export interface SubnetRange {
  /** Base address of the first and of the last subnet that may be given out. */
  first: number;
  last: number;
  /** How many there are. */
  count: number;
}

/**
 * The subnets between subnetMin and subnetMax. Left out, they are the first and the last of the network: with
 * `--kube-subnet-mgr` flannel takes the node CIDRs that Kubernetes gives out, and those begin at the first.
 */
export function subnetRange(network: FlannelNetwork): SubnetRange {
  const whole = parseSubnet(network.network)!;
  const size = subnetSize(network.subnetLen);
  const first = (network.subnetMin && parseAddress(network.subnetMin)) || whole.base;
  const last = (network.subnetMax && parseAddress(network.subnetMax)) || lastAddress(whole) + 1 - size;
  return { first, last, count: Math.floor((last - first) / size) + 1 };
}

/** The subnet with that number, counted from 0. */
export function nodeSubnet(network: FlannelNetwork, share: number): Subnet {
  return { base: subnetRange(network).first + share * subnetSize(network.subnetLen), length: network.subnetLen };
}

/** How many pods fit: all addresses but the network's, the bridge's and the broadcast address. */
export function podsPerNode(network: FlannelNetwork): number {
  return subnetSize(network.subnetLen) - 3;
}
