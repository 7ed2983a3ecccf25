/** A node as flanneld sees it. */

import type { Namespace } from "../../../preload/contract/topology.ts";
import type { Subnet } from "../address.ts";

export interface FlannelNode {
  netns: Namespace;
  label: string;
  /** The address on the external interface: the end of the tunnel, or the gateway of host-gw. */
  address: string;
  /** The node's share of the cluster network. */
  subnet: Subnet;
}

/** The interface that carries traffic between nodes. */
export const EXTERNAL_INTERFACE = "eth0";
