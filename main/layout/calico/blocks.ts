/**
 * Which blocks of the pool each node gets, and which addresses in them. Source: calico v3.33
 * libcalico-go/lib/ipam/ipam_block.go (autoAssign hands out the lowest free address) and node/pkg/allocateip (the tunnel's
 * address is taken when calico-node starts, before any pod). The real IPAM begins to look for a free block at one that is
 * drawn from a hash of the node's name (randomBlockGenerator); here nodes get theirs in the order of the lab file, so
 * that addresses can be read.
 */

import type { CalicoNetwork, Lab } from "../../lab/schema.ts";
import { parseSubnet, type Subnet, subnetSize } from "../address.ts";
import { assignShares } from "../shares.ts";
import { encapsulationOf } from "./encapsulation.ts";

/** How many addresses of its first block a node keeps for its tunnel: none where it has none. */
export function tunnelAddresses(network: CalicoNetwork): number {
  return encapsulationOf(network).kind === "none" ? 0 : 1;
}

/** How many blocks each node needs for the tunnel's address and its pods, by the node's name. */
export function blocksNeeded(lab: Lab, network: CalicoNetwork): Map<string, number> {
  const needed = new Map(lab.nodes.map(({ name }) => [name, 1]));
  for (const [name] of needed) {
    const addresses = tunnelAddresses(network) + lab.pods.filter(({ node }) => node === name).length;
    needed.set(name, Math.max(1, Math.ceil(addresses / subnetSize(network.blockSize))));
  }
  return needed;
}

/** How many blocks the pool has. */
export function blocksInPool(network: CalicoNetwork): number {
  return 2 ** (network.blockSize - parseSubnet(network.network)!.length);
}

/** The blocks of each node, in the order of the lab's nodes. */
export function nodeBlocks(lab: Lab, network: CalicoNetwork): Subnet[][] {
  const needed = blocksNeeded(lab, network);
  const { base } = parseSubnet(network.network)!;
  const shares = assignShares(lab.nodes, ({ name }) => needed.get(name)!);
  return shares.map((numbers) =>
    numbers.map((number) => ({
      base: base + number * subnetSize(network.blockSize),
      length: network.blockSize,
    })),
  );
}

/** The address with that index of a node, counted over its blocks; 0 is the tunnel's, where there is one. */
export function addressInBlocks(blocks: readonly Subnet[], index: number): number {
  const size = subnetSize(blocks[0]!.length);
  return blocks[Math.floor(index / size)]!.base + (index % size);
}
