/** The questions that only the kernel can answer: which route a packet took. Asked once per way, not per packet. */

import type { Layer } from "../../preload/contract/frame.ts";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { netnsFile } from "../../preload/contract/topology.ts";
import { field } from "../decode/field.ts";
import { lastHop } from "../journey/explain.ts";
import { compareStacks, ipLayers, routedHeaders, textIn } from "../journey/stack.ts";
import { addressLine, type KernelState, masterOf, type NamespaceState, proxyArpLine, wordAfter } from "./state.ts";

export interface RouteLookup {
  /** Namespace name: `node/node1`. */
  netns: string;
  destination: string;
  source?: string;
  /** The interface that the packet came in by; absent where the namespace sent it itself. */
  iif?: string;
  /** As `ip` takes it: `0x4000`. */
  mark?: string;
}

/** The arguments after `ip -n FILE` that ask for it. Its output is what `explainCauses` wants for the key. */
function lookupArguments(lookup: RouteLookup): string[] {
  return [
    "route",
    "get",
    "fibmatch",
    lookup.destination,
    ...(lookup.source === undefined ? [] : ["from", lookup.source]),
    ...(lookup.iif === undefined ? [] : ["iif", lookup.iif]),
    ...(lookup.mark === undefined ? [] : ["mark", lookup.mark]),
  ];
}

/** What a person would type; the same for the same question, so that it serves as a key. */
export function lookupKey(lookup: RouteLookup): string {
  return ["ip", "-n", netnsFile(lookup.netns), ...lookupArguments(lookup)].join(" ");
}

/**
 * The lookups that the causes of a journey need, each once. `layers` are those of each hop's frame; `state` tells which
 * bridge an interface is a port of.
 */
export function neededLookups(journey: Journey, layers: readonly Layer[][], state: KernelState): RouteLookup[] {
  const needed = new Map<string, RouteLookup>();
  const stop = stopOf(journey);
  journey.hops.forEach((hop, index) => {
    const lookups = [
      originLookup(hop, layers[index] ?? []),
      ...(hop === stop ? [onwardLookup(hop, layers[index] ?? [], state), backLookup(hop, layers[index] ?? [])] : []),
      outerLookup(journey, layers, index),
      answeredLookup(journey, hop, layers[index] ?? [], state.namespaces[hop.netns]),
      ...routedLookups(journey, layers, index, state),
    ];
    for (const lookup of lookups) if (lookup) needed.set(lookupKey(lookup), lookup);
  });
  return [...needed.values()];
}

/** Where a namespace sends a packet of its own. */
export function originLookup(hop: Hop, layers: readonly Layer[]): RouteLookup | undefined {
  const [ip, inner] = ipLayers(layers);
  if (hop.parent !== undefined || hop.direction !== "out" || ip === undefined || inner !== undefined) return undefined;
  return { netns: hop.netns, destination: textIn(layers[ip], "dst"), source: textIn(layers[ip], "src") };
}

/** Where a lost packet was seen last; or where one was taken in that nobody answered. */
export function stopOf(journey: Journey): Hop | undefined {
  const isAnswered = journey.reply !== undefined || journey.error !== undefined || journey.replyTo !== undefined;
  const isOver = journey.end === "lost" || (journey.end === "arrived" && !isAnswered && journey.errorOf === undefined);
  return isOver ? lastHop(journey.hops, journey.end) : undefined;
}

/** Where the namespace that took the packet in would have sent it on. */
export function onwardLookup(hop: Hop, layers: readonly Layer[], state: KernelState): RouteLookup | undefined {
  const [ip] = ipLayers(layers);
  if (ip === undefined || hop.direction !== "in") return undefined;
  const namespace = state.namespaces[hop.netns];
  return {
    netns: hop.netns,
    destination: textIn(layers[ip], "dst"),
    source: textIn(layers[ip], "src"),
    iif: (namespace && masterOf(namespace, hop.interface)) ?? hop.interface,
  };
}

/** Where the namespace that took the packet in would send an answer: its source must be there for the kernel to take it. */
export function backLookup(hop: Hop, layers: readonly Layer[]): RouteLookup | undefined {
  const [ip] = ipLayers(layers);
  if (ip === undefined || hop.direction !== "in" || layers[ip]?.protocol !== "ipv4") return undefined;
  return { netns: hop.netns, destination: textIn(layers[ip], "src") };
}

/** The device and the neighbour that a route leads to, of the one next hop that `ip route get` printed. */
export function nextStop(
  answer: string,
  destination: string,
): { line: string; dev: string; address: string } | undefined {
  const lines = answer.split("\n").flatMap((line) => (/\bdev /.test(line) ? line.trim() : []));
  const [line = ""] = lines;
  const dev = wordAfter(line, "dev");
  return lines.length === 1 && dev ? { line, dev, address: gatewayOf(line) ?? destination } : undefined;
}

export function gatewayOf(route: string): string | undefined {
  const via = wordAfter(route, "via");
  return via === "inet" || via === "inet6" ? wordAfter(route, via) : via;
}

/** Where a tunnel sends its outer packet. */
export function outerLookup(journey: Journey, layers: readonly Layer[][], index: number): RouteLookup | undefined {
  const hop = journey.hops[index];
  const before = hop?.parent === undefined ? undefined : layers[hop.parent];
  const after = layers[index];
  if (!hop || !before || !after || hop.direction !== "out") return undefined;
  const outer = compareStacks(before, after).on.find(({ protocol }) => protocol === "ipv4" || protocol === "ipv6");
  if (!outer) return undefined;
  return { netns: hop.netns, destination: textIn(outer, "dst"), source: textIn(outer, "src") };
}

/**
 * The way to an address that an interface with proxy_arp answers ARP for, although the namespace does not have it: at the
 * question where it is taken in, and at the answer where it is sent.
 */
export function answeredLookup(
  journey: Journey,
  hop: Hop,
  layers: readonly Layer[],
  state: NamespaceState | undefined,
): RouteLookup | undefined {
  const arp = layers.at(-1);
  if (!state || arp?.protocol !== "arp" || !proxyArpLine(state, hop.interface)) return undefined;
  const isQuestion = field(arp, "operation")?.number === 1;
  const isOpen = journey.reply === undefined && journey.end !== "lost";
  if (isQuestion ? hop.direction !== "in" || isOpen : hop.parent !== undefined) return undefined;
  const asked = textIn(arp, isQuestion ? "targetIp" : "senderIp");
  if (addressLine(state, asked)) return undefined;
  const source = textIn(arp, isQuestion ? "senderIp" : "targetIp");
  return { netns: hop.netns, destination: asked, source, iif: hop.interface };
}

/** One for each `routed` change of the hop, in their order; undefined where it was not seen coming in. */
export function routedLookups(
  journey: Journey,
  layers: readonly Layer[][],
  index: number,
  state: KernelState,
): (RouteLookup | undefined)[] {
  const hop = journey.hops[index];
  const before = hop?.parent === undefined ? undefined : layers[hop.parent];
  const after = layers[index];
  if (!hop || hop.parent === undefined || !before || !after) return [];
  const from = journey.hops[hop.parent]!;
  return routedHeaders(before, after).map((header) => {
    if (from.netns !== hop.netns || from.direction !== "in") return undefined;
    const namespace = state.namespaces[hop.netns];
    return {
      netns: hop.netns,
      // DNAT comes before the routing decision, SNAT after it.
      destination: textIn(after[header.after], "dst"),
      source: textIn(before[header.before], "src"),
      iif: (namespace && masterOf(namespace, from.interface)) ?? from.interface,
    };
  });
}
