/**
 * Who speaks BGP with whom. Full mesh, route reflectors and routers outside, as confd makes sessions out of
 * BGPConfiguration and BGPPeer. Source: calico v3.33 confd/pkg/backends/calico/bgp_processor.go (processMeshPeers,
 * processGlobalPeers, processNodePeers).
 *
 *   mesh                       reflectors: [node1]            peers: [{ address: 192.168.32.1, as: 65000 }]
 *
 *   node1 ----- node2          node2 ---+                     router   AS 65000
 *      \        /                       node1 --- node4         |  eBGP
 *       \     /                node3 ---+                     node1 … node3   AS 64512
 *        node3
 */

import type { CalicoBgp, CalicoNetwork, Lab } from "../../lab/schema.ts";
import { formatSubnet } from "../address.ts";
import { birdWithAddress, type Expected, sessionName } from "../bird.ts";
import { nodeAddresses } from "../underlay.ts";
import { nodeBlocks } from "./blocks.ts";
import { encapsulationOf } from "./encapsulation.ts";
import type { CalicoNode } from "./node.ts";

/** One `protocol bgp` of a node's BIRD. */
export interface Session {
  /** `Mesh_192_168_32_128` */
  name: string;
  address: string;
  as: number;
  /** Waits for the other side to connect, so that two nodes never connect to each other at once. */
  passive: boolean;
  /** The other side is a client of this node, which is a route reflector. */
  client: boolean;
  keepNextHop: boolean;
}

/** Of all route reflectors: what a route that has passed one says, so that none takes it in twice. Any will do. */
export const CLUSTER_ID = "244.0.0.1";

const DEFAULTS: CalicoBgp = { as: 64512, mesh: true, reflectors: [], peers: [] };

/** Whether BIRD writes routes of the pool: in every version without encapsulation, and with IPIP before v3.33. */
export function needsBird(network: CalicoNetwork): boolean {
  const { kind } = encapsulationOf(network);
  return kind === "none" || (kind === "ipip" && network.routes === "bird");
}

export function bgpOf(network: CalicoNetwork): CalicoBgp {
  return network.bgp ?? DEFAULTS;
}

export function asOf(network: CalicoNetwork, node: { as?: number | undefined }): number {
  return node.as ?? bgpOf(network).as;
}

export function sessionsOf(network: CalicoNetwork, node: CalicoNode, nodes: readonly CalicoNode[]): Session[] {
  const { mesh, reflectors, peers } = bgpOf(network);
  const isReflector = ({ label }: CalicoNode) => reflectors.includes(label);
  const others = nodes.filter((other) => other !== node);
  const plain = { passive: false, client: false, keepNextHop: false };
  return [
    ...others
      .filter((other) => mesh && !isReflector(node) && !isReflector(other))
      .map(({ address, as }) => ({
        ...plain,
        name: sessionName("Mesh", address),
        address,
        as,
        // By the text of the addresses, as confd compares them.
        passive: address > node.address,
      })),
    ...peers
      .filter((peer) => peer.nodes === undefined)
      .map(({ address, as, keepOriginalNextHop }) => ({
        ...plain,
        name: sessionName("Global", address),
        address,
        as,
        keepNextHop: keepOriginalNextHop,
      })),
    ...others
      .filter((other) => isReflector(node) || isReflector(other))
      .map((other) => ({
        ...plain,
        name: sessionName("Node", other.address),
        address: other.address,
        as: other.as,
        client: isReflector(node) && !isReflector(other) && other.as === node.as,
      })),
    ...peers
      .filter((peer) => peer.nodes?.includes(node.label))
      .map(({ address, as, keepOriginalNextHop }) => ({
        ...plain,
        name: sessionName("Node", address),
        address,
        as,
        keepNextHop: keepOriginalNextHop,
      })),
  ];
}

/** What a node has when all have told each other what they have. */
export function expectedOf(lab: Lab, network: CalicoNetwork, node: CalicoNode, nodes: readonly CalicoNode[]): Expected {
  const sessions = sessionsOf(network, node, nodes);
  const routers = sessions.flatMap(({ address }) => birdWithAddress(lab, address) ?? []);
  const { mesh, reflectors } = bgpOf(network);
  const hears = (other: CalicoNode) =>
    mesh ||
    reflectors.length > 0 ||
    // Through a router: a route of its own AS a node takes for a loop.
    (other.as !== node.as &&
      routers.some((router) => router.neighbours.some((each) => each.address === other.address)));
  const prefixes = new Set([
    ...nodes.filter((other) => other !== node && hears(other)).flatMap((other) => other.blocks.map(formatSubnet)),
    ...routers.flatMap((router) => router.networks),
  ]);
  return { sessions: sessions.length, routes: prefixes.size };
}

/** The blocks of the node with that address, where BIRD announces them. */
export function announcedBlocks(lab: Lab, address: string): string[] {
  if (lab.network?.plugin !== "calico" || !needsBird(lab.network)) return [];
  const index = lab.nodes.findIndex((node) => nodeAddresses(node)[0] === address);
  return (nodeBlocks(lab, lab.network)[index] ?? []).map(formatSubnet);
}
