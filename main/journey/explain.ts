/** Makes a journey that people can read: its hops in order, and what changed at each since the hop before. */

import type { Direction, Frame, Layer } from "../../preload/contract/frame.ts";
import type { Change, ChangeKind, Hop, Journey, JourneyEnd, JourneyError } from "../../preload/contract/journey.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { summarizeFrame } from "../decode/summary.ts";
import type { JourneyFacts } from "./follow.ts";
import { orderSightings, type Step } from "./order.ts";
import { compareStacks, ethernetBelow, innermost, ipLayers, isIp, pieceIn, routedHeaders, textIn } from "./stack.ts";
import { Wiring } from "./wiring.ts";

export interface SeenFrame {
  frame: Frame;
  layers: Layer[];
}

export interface JourneyInput extends Omit<JourneyFacts, "error"> {
  error?: JourneyError | undefined;
  /** At least one, in any order. */
  frames: SeenFrame[];
  topology?: Topology;
}

const DIRECTION_NUMBER = { unknown: 0, in: 1, out: 2 } as const satisfies Record<Direction, number>;

export function explainJourney(input: JourneyInput): Journey {
  const wiring = new Wiring(
    input.frames.map(({ frame }) => frame),
    input.topology,
  );
  const seen = new Map(input.frames.map((each) => [each.frame.index, each]));
  const steps = orderSightings(
    input.frames.map(({ frame, layers }) => ({
      place: wiring.indexOf(frame),
      direction: DIRECTION_NUMBER[frame.direction],
      at: frame.at,
      depth: ipLayers(layers).length + layers.filter(({ protocol }) => protocol === "vlan").length,
      outer: outerOf(layers),
      piece: pieceIn(layers),
      link: linkOf(layers, frame.index),
      frame: frame.index,
    })),
    wiring,
  );
  const crossings = steps.map((step) => crossesBridge(step, steps, wiring));
  const isTag = (change: Change) => change.layers?.every((protocol) => protocol === "vlan") ?? false;
  // Its connection tracking puts datagrams together.
  const isOfBridge = (change: Change) => isTag(change) || change.kind === "reassembled";
  const delivered = new Set(input.delivered);
  const start = steps[0]?.sighting.at ?? 0;
  const lastPiece = steps.at(-1)?.sighting.piece
    ? steps.findLast(({ sighting }) => sighting.piece && delivered.has(sighting.frame))
    : undefined;

  const hops = steps.map((step, index): Hop => {
    const { frame, layers } = seen.get(step.sighting.frame)!;
    const parent = step.parent === undefined ? undefined : seen.get(steps[step.parent]!.sighting.frame);
    const changes = parent ? changesBetween(parent.layers, layers) : [];
    // A bridge that filters by VLAN chooses the port first, then puts the tag on or takes it off.
    if (crossings[index] && changes.every(isOfBridge)) {
      changes.unshift({ kind: floods(index, steps, crossings) ? "flooded" : "bridged" });
    }
    const goesOn = steps.some(
      (next, position) =>
        wiring.namespace[next.sighting.place] === wiring.namespace[step.sighting.place] &&
        // The pieces of a tunnel's packet go on as what they are put together to.
        (next.parent === index || (step.sighting.piece && !next.sighting.piece && position > index)),
    );
    if (delivered.has(frame.index) && !goesOn) {
      changes.push({ kind: "delivered" });
      if (input.end === "arrived" && step === lastPiece) changes.push({ kind: "reassembled" });
    }
    return {
      netns: frame.netns,
      interface: frame.interface,
      direction: frame.direction,
      at: frame.at - start,
      layers: layers.map(({ protocol }) => protocol),
      titles: layers.map(({ title }) => title),
      changes,
      frame: frame.index,
      ...(step.parent === undefined ? {} : { parent: step.parent }),
    };
  });
  const first = hops[0];
  const last = lastHop(hops, input.end);
  return {
    id: input.id,
    summary: first ? summarizeFrame(seen.get(first.frame)!.layers).summary : "",
    end: input.end,
    lastSeen: last ? `${last.netns}/${last.interface}` : "",
    ...(input.replyTo === undefined ? {} : { replyTo: input.replyTo }),
    ...(input.reply === undefined ? {} : { reply: input.reply }),
    ...(input.error === undefined ? {} : { error: input.error }),
    ...(input.errorOf === undefined ? {} : { errorOf: input.errorOf }),
    ...(input.repeatOf === undefined ? {} : { repeatOf: input.repeatOf }),
    hops,
  };
}

/** Where it was delivered; else the end of the branch that was seen last. */
export function lastHop(hops: readonly Hop[], end: JourneyEnd): Hop | undefined {
  const isDelivered = ({ changes }: Hop) => changes.some(({ kind }) => kind === "delivered");
  const delivered = hops.find(isDelivered);
  if (delivered && end !== "lost") return delivered;
  let last: Hop | undefined;
  // Of a lost one some pieces may have been delivered.
  for (const hop of hops) if ((!delivered || !isDelivered(hop)) && (!last || hop.at >= last.at)) last = hop;
  return last ?? delivered;
}

/** The MACs of the link that the frame is on. One without them is on no link that it could share with another. */
function linkOf(layers: Layer[], frame: number): string {
  const [first] = layers;
  return first?.protocol === "eth" ? `${textIn(first, "src")} ${textIn(first, "dst")}` : `frame ${frame}`;
}

/** Source and destination of the outermost IP header. */
function outerOf(layers: Layer[]): string {
  const outer = layers.find(isIp);
  return outer ? `${textIn(outer, "src")} ${textIn(outer, "dst")}` : "";
}

/** Whether the step crosses a bridge: port to port, port to the bridge itself, or the other way. */
function crossesBridge(step: Step, steps: Step[], wiring: Wiring): boolean {
  const parent = step.parent === undefined ? undefined : steps[step.parent]!.sighting;
  const here = step.sighting;
  if (!parent || wiring.namespace[parent.place] !== wiring.namespace[here.place]) return false;
  if (parent.link !== here.link) return false;
  if (!wiring.isKnown[here.place] || !wiring.isKnown[parent.place]) return true;
  const isFromPort = wiring.isPort[parent.place]!;
  if (isFromPort && (wiring.isPort[here.place]! || wiring.bridge[parent.place] === here.place)) return true;
  return wiring.bridge[here.place] === parent.place;
}

/** What came in by one port left by several, the bridge itself counted. */
function floods(index: number, steps: Step[], crossings: boolean[]): boolean {
  const parent = steps[index]!.parent;
  return steps.filter((step, other) => step.parent === parent && crossings[other]).length > 1;
}

/** What happened to the packet between two sightings, of which each may be only a piece of it. */
function changesBetween(before: Layer[], after: Layer[]): Change[] {
  const was = pieceIn(before);
  const is = pieceIn(after);
  if (was && !is) return [...headerChanges(before, after), { kind: "reassembled" }];
  if (!is || (was && was.from === is.from && was.to === is.to)) return headerChanges(before, after);
  const cut: Change = { kind: "fragmented", bytes: [is.from, is.to] };
  if (is.from === 0) return [...headerChanges(before, after), cut];
  // A later piece has nothing above its own header, which may be a tunnel's that was put on just before the cut.
  const own = textIn(after[is.header], "id");
  const header = before.findLastIndex((layer) => layer.protocol === "ipv4" && textIn(layer, "id") === own);
  if (header < 0) return [cut];
  return [...headerChanges(before.slice(0, header + 1), after.slice(0, is.header + 1)), cut];
}

function headerChanges(before: Layer[], after: Layer[]): Change[] {
  const { on, off } = compareStacks(before, after);
  const changes: Change[] = [];
  if (off.length > 0) changes.push({ kind: "unwrapped", layers: off.map(({ protocol }) => protocol) });
  changes.push(...translated(before, after));
  changes.push(...routed(before, after));
  if (on.length > 0) changes.push({ kind: "wrapped", layers: on.map(({ protocol }) => protocol) });
  return changes;
}

/** With the MACs of the Ethernet header around the IP header whose TTL went down. */
function routed(before: Layer[], after: Layer[]): Change[] {
  return routedHeaders(before, after).map((header): Change => {
    const from = ethernetBelow(before, header.before);
    const to = ethernetBelow(after, header.after);
    if (!from || !to) return { kind: "routed", ttl: header.ttl };
    const mac = (name: string): [string, string] => [textIn(from, name), textIn(to, name)];
    return { kind: "routed", ttl: header.ttl, mac: { src: mac("src"), dst: mac("dst") } };
  });
}

function translated(before: Layer[], after: Layer[]): Change[] {
  const from = innermost(before);
  const to = innermost(after);
  if (!isIp(before[from]) || !isIp(after[to])) return [];
  const changes: Change[] = [];
  const compare = (kind: ChangeKind, address: string, port: string) => {
    const was = endpoint(before, from, address, port);
    const is = endpoint(after, to, address, port);
    if (was !== is) changes.push({ kind, address: [was, is] });
  };
  compare("dnat", "dst", "dstPort");
  compare("snat", "src", "srcPort");
  return changes;
}

/** `10.0.0.1:80`, or the address alone where there is no port. */
function endpoint(layers: Layer[], at: number, address: string, port: string): string {
  const ip = textIn(layers[at], address);
  const upper = layers[at + 1];
  if (upper?.protocol !== "tcp" && upper?.protocol !== "udp") return ip;
  return layers[at]!.protocol === "ipv6" ? `[${ip}]:${textIn(upper, port)}` : `${ip}:${textIn(upper, port)}`;
}
