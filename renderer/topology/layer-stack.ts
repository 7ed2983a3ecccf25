/** The layers of a packet as a row of labelled chips that grows where it is wrapped and shrinks where it is unwrapped. Pure. */

import type { Protocol } from "../../preload/contract/frame.ts";

export type Encapsulation = "none" | "vxlan" | "geneve" | "gre" | "udp" | "ipip";

/** How the innermost packet is carried. */
export function encapsulationOf(layers: readonly Protocol[]): Encapsulation {
  if (layers.includes("vxlan")) return "vxlan";
  if (layers.includes("geneve")) return "geneve";
  if (layers.includes("gre")) return "gre";
  if (layers.some((layer, index) => layer === "udp" && isIp(layers[index + 1]))) return "udp";
  return layers.filter(isIp).length > 1 ? "ipip" : "none";
}

function isIp(layer: Protocol | undefined): boolean {
  return layer === "ipv4" || layer === "ipv6";
}

/** How many layers, from the outermost, belong to the encapsulation rather than to the packet carried. */
export function outerLayers(layers: readonly Protocol[]): number {
  const tunnel = layers.findLastIndex((layer) => layer === "vxlan" || layer === "geneve" || layer === "gre");
  if (tunnel >= 0) return tunnel + 1;
  const addresses = layers.flatMap((layer, index) => (isIp(layer) ? [index] : []));
  return addresses.length > 1 ? (addresses.at(-1) ?? 0) : 0;
}

export interface LayerChip {
  protocol: Protocol;
  /** Belongs to the encapsulation. */
  outer: boolean;
  /** 0 to 1: how much of it is there. */
  presence: number;
}

/** The chips at `fraction` of the way from one hop's layers to the next's; outermost first. */
export function chipsBetween(before: readonly Protocol[], after: readonly Protocol[], fraction: number): LayerChip[] {
  let shared = 0;
  while (shared < before.length && shared < after.length && before.at(-1 - shared) === after.at(-1 - shared))
    shared += 1;
  // A row that is contained in the other one grows or shrinks on its outside; otherwise the two share nothing visible.
  const chips = (layers: readonly Protocol[], presence: (index: number) => number): LayerChip[] => {
    const outer = outerLayers(layers);
    return layers.map((protocol, index) => ({ protocol, outer: index < outer, presence: presence(index) }));
  };
  // One header after the other: the innermost is put on first, the outermost is taken off first.
  const part = (count: number, order: number) => Math.min(1, Math.max(0, fraction * count - order));
  if (shared === before.length) {
    const added = after.length - shared;
    return chips(after, (index) => (index < added ? part(added, added - 1 - index) : 1));
  }
  if (shared === after.length) {
    const removed = before.length - shared;
    return chips(before, (index) => (index < removed ? 1 - part(removed, index) : 1));
  }
  return chips(fraction < 0.5 ? before : after, () => 1);
}
