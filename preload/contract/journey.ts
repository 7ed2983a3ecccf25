/** One packet followed from interface to interface, with what changed at each hop and why. */

import type { Direction, Protocol } from "./frame.ts";

/** `arrived`: seen where its destination lives. `lost`: it stopped before. `in flight`: too young to tell. */
/** Out of sight: it went where nothing is captured, so that nobody can say whether it arrived. */
export type JourneyEnd = "arrived" | "lost" | "in flight" | "out of sight";

export interface Journey {
  /** Number in its capture, from 0, in the order in which journeys began. */
  id: number;
  /** `ICMP echo request 10.244.0.2 > 10.244.1.2 id 7 seq 1`. */
  summary: string;
  end: JourneyEnd;
  /** Where it was last seen, as `netns/interface`. */
  lastSeen: string;
  /** The journey that this one answers, and the one that answers it. */
  replyTo?: number;
  reply?: number;
  /** The ICMP error that it was answered with, and the journey that this error is about. */
  error?: JourneyError;
  errorOf?: number;
  /** Sent again: the first journey of the same segment (TCP) or of the same bytes (ARP …). */
  repeatOf?: number;
  hops: Hop[];
}

export interface JourneyError {
  journey: number;
  /** `ICMP fragmentation needed 10.0.1.1 > 10.0.1.2 mtu 1450`. */
  summary: string;
  /** The namespace that it was seen first in: who refused. */
  by: string;
}

export interface Hop {
  netns: string;
  interface: string;
  direction: Direction;
  /** Nanoseconds since the first hop. */
  at: number;
  /** Outermost first. */
  layers: Protocol[];
  /** One line per layer, as `Layer.title`, outermost first. */
  titles: string[];
  changes: Change[];
  /** Index of the frame in its capture. */
  frame: number;
  /** Index of the hop that this one follows; absent at the first and where none is known. */
  parent?: number;
  /**
   * On a hop that sends what it made itself: the kernel state that chose where to. Where an ARP question is answered for
   * another: the state that makes the kernel do so. On the last hop of a lost journey: the state that shows why it went
   * no further, first what stopped it; of one that arrived and was then dropped there likewise.
   */
  causes?: Cause[];
}

export const CHANGE_KINDS = [
  "wrapped",
  "unwrapped",
  "routed",
  "bridged",
  "flooded",
  "dnat",
  "snat",
  "delivered",
  "fragmented",
  "reassembled",
] as const;

/**
 * `wrapped` / `unwrapped`: outer layers were put on or taken off. `routed`: TTL went down and MACs changed.
 * `bridged`: passed from bridge port to bridge port unchanged. `flooded`: likewise, but out of several ports.
 * `dnat` / `snat`: an address or port was translated. `delivered`: taken in by the namespace that owns its destination.
 * `fragmented`: one of the pieces that it was cut into. `reassembled`: whole again; at the destination, its last piece came.
 */
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface Change {
  kind: ChangeKind;
  /** Before and after. */
  ttl?: [number, number];
  /** The layers put on or taken off, outermost first. */
  layers?: Protocol[];
  /** Source and destination MAC before and after (routed). */
  mac?: { src: [string, string]; dst: [string, string] };
  /** Address or address:port before and after (dnat, snat). */
  address?: [string, string];
  /** Bytes of the datagram that this piece carries: from, and up to (fragmented). */
  bytes?: [number, number];
  /** The one line of kernel state that decided, as `ip` or `bridge` prints it. */
  cause?: string;
  /** All the kernel state behind the change. The first is `cause`. */
  causes?: Cause[];
}

export const CAUSE_KINDS = [
  "route",
  "neighbour",
  "fdb",
  "bridge-port",
  "flood",
  "vlan",
  "tunnel",
  "address",
  "sysctl",
  "bgp-session",
  "process",
  "rule",
  "policy",
  "conntrack",
  // Where a packet was lost: what was in its way.
  "forwarding",
  "rp-filter",
  "ttl",
  "mtu",
  "socket",
  "nobody",
  "down",
] as const;

export type CauseKind = (typeof CAUSE_KINDS)[number];

/** What stops a packet. On a hop of a packet that arrived: it reached the namespace and was dropped there. */
export const OBSTACLES: ReadonlySet<CauseKind> = new Set([
  "rule",
  "policy",
  "forwarding",
  "rp-filter",
  "ttl",
  "mtu",
  "vlan",
  "socket",
  "nobody",
  "down",
] satisfies CauseKind[]);

/** The packet reached the namespace of this hop and was dropped there. */
export function isDroppedAt(hop: Hop): boolean {
  return hop.parent !== undefined && (hop.causes ?? []).some(({ kind }) => OBSTACLES.has(kind));
}

export interface Cause {
  kind: CauseKind;
  /** As `ip`, `bridge` or `ss` prints it. */
  text: string;
  /** What a person would type in the sandbox to see it: `ip -n node.node1 route get fibmatch 10.244.1.2`. */
  command: string;
}
