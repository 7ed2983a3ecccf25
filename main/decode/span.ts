/** What a decoder is given and what it gives back. */

import type { Layer } from "../../preload/contract/frame.ts";
import type { TunnelPorts } from "../../preload/contract/topology.ts";

/** A stretch of a frame that starts with some header. */
export interface Span {
  /** The whole frame: offsets of fields are indexes in it. */
  bytes: Uint8Array;
  /** Where the header starts. */
  start: number;
  /** Where the enclosing packet ends; at most the captured end. */
  end: number;
  /** The enclosing IP packet is the first of several fragments, so lengths may well reach past `end`. */
  fragmented: boolean;
  /** UDP destination ports of tunnels, besides the well-known ones. */
  tunnelPorts: TunnelPorts;
}

export interface Decoded {
  layer: Layer;
  /** What the header carries; left out where nothing follows. */
  payload?: Payload;
}

export interface Payload extends Span {
  /** Index in PROTOCOLS. */
  protocol: number;
  /** For BROKEN: what is wrong, in one sentence. */
  problem?: string;
}

/** `1 byte is left`, `12 bytes are left`: for problems. */
export function bytesLeft(count: number): string {
  return count === 1 ? "1 is left" : `${count} are left`;
}
