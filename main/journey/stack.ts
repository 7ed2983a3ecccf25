/** The headers of a frame as a stack, and what was put on or taken off between two sightings of a packet. */

import type { Layer, Protocol } from "../../preload/contract/frame.ts";
import { field } from "../decode/field.ts";

/** What is carried rather than a header that a hop could add. */
const CARRIED: ReadonlySet<Protocol> = new Set(["dhcp", "dns", "http", "bgp", "data", "broken"]);
const INNERMOST: ReadonlySet<Protocol> = new Set(["ipv4", "ipv6", "arp"]);

function headersOf(layers: readonly Layer[]): Layer[] {
  return layers.filter(({ protocol }) => !CARRIED.has(protocol));
}

/** Index of the innermost IPv4, IPv6 or ARP layer; -1 where there is none. */
export function innermost(layers: readonly Layer[]): number {
  return layers.findLastIndex(({ protocol }) => INNERMOST.has(protocol));
}

export function isIp(layer: Layer | undefined): layer is Layer {
  return layer?.protocol === "ipv4" || layer?.protocol === "ipv6";
}

/** Indexes of the IP layers, outermost first. */
export function ipLayers(layers: readonly Layer[]): number[] {
  return [...layers.keys()].filter((index) => isIp(layers[index]));
}

/** The Ethernet header that carries the layer at `index` (perhaps with VLAN tags between). */
export function ethernetBelow(layers: readonly Layer[], index: number): Layer | undefined {
  let below = index - 1;
  while (layers[below]?.protocol === "vlan") below--;
  return layers[below]?.protocol === "eth" ? layers[below] : undefined;
}

export function textIn(layer: Layer | undefined, name: string): string {
  return (layer && field(layer, name)?.value) ?? "";
}

function ttlOf(layer: Layer | undefined): number | undefined {
  return layer && (field(layer, "ttl") ?? field(layer, "hopLimit"))?.number;
}

/** Which part of a datagram the frame carries, and the index of the IPv4 header that says so; undefined for a whole one. */
export interface Piece {
  header: number;
  /** Bytes of the datagram's payload: from, and up to. */
  from: number;
  to: number;
}

/** As `readIdentity` finds it: the innermost IP header, else the one around it. */
export function pieceIn(layers: readonly Layer[]): Piece | undefined {
  for (const header of ipLayers(layers).slice(-2).reverse()) {
    const layer = layers[header];
    const number = (name: string) => (layer && field(layer, name)?.number) ?? 0;
    const from = number("fragmentOffset");
    if (layer?.protocol !== "ipv4" || (from === 0 && (number("flags") & 1) === 0)) continue;
    return { header, from, to: from + number("totalLength") - number("headerLength") };
  }
  return undefined;
}

/** Layers put on and taken off, outermost first, comparing from the innermost. */
export function compareStacks(before: readonly Layer[], after: readonly Layer[]): { on: Layer[]; off: Layer[] } {
  const from = headersOf(before);
  const to = headersOf(after);
  let same = 0;
  while (
    same < from.length &&
    same < to.length &&
    from[from.length - 1 - same]!.protocol === to[to.length - 1 - same]!.protocol
  ) {
    same++;
  }
  const off = from.slice(0, from.length - same);
  const on = to.slice(0, to.length - same);
  // A link has its own Ethernet header: a new one in its place is no wrapping.
  while (off.length > 0 && on.length > 0 && off[0]!.protocol === on[0]!.protocol) {
    off.shift();
    on.shift();
  }
  // Nor is it where the packet comes from or goes to a device that has none, such as tunl0.
  return { on: isLink(on) ? [] : on, off: isLink(off) ? [] : off };
}

function isLink(headers: readonly Layer[]): boolean {
  return headers.length === 1 && headers[0]!.protocol === "eth";
}

/** Pairs of IP headers, the innermost first, whose TTL went down: their indexes before and after. */
export function routedHeaders(
  before: readonly Layer[],
  after: readonly Layer[],
): { before: number; after: number; ttl: [number, number] }[] {
  const from = ipLayers(before).reverse();
  const to = ipLayers(after).reverse();
  return from.flatMap((fromIndex, depth) => {
    const toIndex = to[depth];
    const was = ttlOf(before[fromIndex]);
    const is = toIndex === undefined ? undefined : ttlOf(after[toIndex]);
    if (toIndex === undefined || was === undefined || is === undefined || is >= was) return [];
    return [{ before: fromIndex, after: toIndex, ttl: [was, is] satisfies [number, number] }];
  });
}
