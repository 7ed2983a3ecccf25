/** A node as calico-node sees it. */

import type { Namespace } from "../../../preload/contract/topology.ts";
import type { LabNetwork } from "../../lab/schema.ts";
import type { Subnet } from "../address.ts";

export interface CalicoNode {
  netns: Namespace;
  label: string;
  /** The address that other nodes reach it by: the end of the tunnel. */
  address: string;
  /** The network of that address, by which CrossSubnet tells near nodes from far ones. */
  network: LabNetwork;
  /** Its shares of the pool; at least one. The first address of the first is the tunnel's, where there is a tunnel. */
  blocks: Subnet[];
  /** Its BGP autonomous system. */
  as: number;
  /** Of its tunnel and its pods. */
  mtu: number;
}

/** The interface that carries traffic between nodes. */
export const PARENT_INTERFACE = "eth0";
