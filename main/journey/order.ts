/**
 * Puts the sightings of one packet in order: by time, then by topology, because the kernel does not restamp a
 * received packet (a bridge and its port, or a tunnel and its underlay, can show the same nanosecond).
 */

import { IN, NOWHERE, OUT, type Wiring } from "./wiring.ts";

export interface Sighting {
  /** Index in the wiring. */
  place: number;
  /** 0 unknown, 1 in, 2 out. */
  direction: number;
  /** Nanoseconds. */
  at: number;
  /** How many IP headers the frame has, one inside the other, and VLAN tags. */
  depth: number;
  /** Which bytes of a datagram it is; absent for a whole one. */
  piece?: { from: number; to: number } | undefined;
  /** Source and destination of the outermost IP header: tells the copies apart that a tunnel sends to several ends. */
  outer: string;
  /** The outermost MACs: the same on both sides of a bridge. */
  link: string;
  frame: number;
}

export interface Step {
  sighting: Sighting;
  /** Index of the step that this one follows; absent at the first and where none is known. */
  parent?: number;
}

/** The steps of the journey: parents before children, by time among those that are ready. */
export function orderSightings(sightings: readonly Sighting[], wiring: Wiring): Step[] {
  const sorted = [...sightings].sort((one, other) => compare(one, other, wiring));
  const parents = sorted.map((sighting, index) => findParent(sighting, index, sorted, wiring));

  const steps: Step[] = [];
  const stepOf = new Map<Sighting, number>();
  const waiting = [...sorted.keys()];
  while (waiting.length > 0) {
    const ready = waiting.findIndex((index) => {
      const parent = parents[index];
      return parent === undefined || stepOf.has(parent);
    });
    // Sightings that all wait for each other can only be a loop of equal stamps: cut it at the earliest.
    const [index] = waiting.splice(Math.max(0, ready), 1);
    const sighting = sorted[index!]!;
    const parent = parents[index!];
    stepOf.set(sighting, steps.length);
    steps.push({ sighting, parent: parent && ready >= 0 ? stepOf.get(parent) : undefined });
  }
  return steps;
}

/** By time; at the same nanosecond what was received comes first, outer before inner, the port before its bridge. */
function compare(one: Sighting, other: Sighting, wiring: Wiring): number {
  return one.at - other.at || rank(one) - rank(other) || nesting(one, other, wiring) || one.frame - other.frame;
}

function rank(sighting: Sighting): number {
  return sighting.direction === OUT ? 1 : 0;
}

function nesting(one: Sighting, other: Sighting, wiring: Wiring): number {
  if (one.direction !== other.direction) return 0;
  const inward = other.depth - one.depth || level(one, wiring) - level(other, wiring);
  return one.direction === OUT ? -inward : inward;
}

/** A port is below its bridge, everything is below a tunnel. */
function level(sighting: Sighting, wiring: Wiring): number {
  if (wiring.isTunnel[sighting.place]) return 2;
  return wiring.isBridge[sighting.place] ? 1 : 0;
}

/** What was put together again follows its first piece, which has the headers. */
function sharesBytes(earlier: Sighting, { piece }: Sighting): boolean {
  if (!earlier.piece) return true;
  return piece ? earlier.piece.from < piece.to && piece.from < earlier.piece.to : earlier.piece.from === 0;
}

function findParent(
  sighting: Sighting,
  index: number,
  sorted: readonly Sighting[],
  wiring: Wiring,
): Sighting | undefined {
  const { place, direction } = sighting;
  /** The latest other sighting not after this one for which `test` holds. */
  const latest = (test: (other: Sighting) => boolean, last = sorted.length - 1): Sighting | undefined => {
    for (let position = last; position >= 0; position--) {
      const other = sorted[position]!;
      if (other !== sighting && other.at <= sighting.at && sharesBytes(other, sighting) && test(other)) return other;
    }
    return undefined;
  };
  const sees = (other: Sighting, at: number, way: number) =>
    at !== NOWHERE && other.place === at && (other.direction === way || other.direction === 0);
  const isHere = (other: Sighting) => wiring.namespace[other.place] === wiring.namespace[place];
  const isIn = (other: Sighting) => other.direction !== OUT;
  const isReceived = (other: Sighting) => other.direction === IN;
  const before = (test: (other: Sighting) => boolean) => latest(test, index - 1);
  /** The same copy where there are several. */
  const latestCopy = (test: (other: Sighting) => boolean) =>
    latest((other) => other.outer === sighting.outer && other.depth === sighting.depth && test(other)) ?? latest(test);

  /** Where a packet came from that goes out here, by the topology. */
  const knownOrigin = () => {
    const bridge = wiring.bridge[place]!;
    if (wiring.isPort[place]) {
      const onPort = (other: Sighting) =>
        isHere(other) && isIn(other) && wiring.isPort[other.place]! && wiring.bridge[other.place] === bridge;
      const onOther = (other: Sighting) => sees(other, bridge, OUT) || (onPort(other) && other.place !== place);
      const across =
        // A bridge leaves the MACs alone: what comes back from a router by the same bridge has others, and may have a tag.
        latest((other) => other.link === sighting.link && other.outer === sighting.outer && onOther(other)) ??
        latestCopy(onOther) ??
        latestCopy(onPort);
      if (across) return across;
    }
    return (
      latest((other) => wiring.underlay[other.place] === place && !isReceived(other) && other.depth < sighting.depth) ??
      before((other) => isHere(other) && isIn(other) && other.outer === sighting.outer) ??
      before((other) => isHere(other) && isIn(other)) ??
      before(isHere)
    );
  };
  /** Without a topology: a copy of what came in, or wrapped, or passed by a bridge to its port, or else routed. */
  const guessedOrigin = () => {
    const here = sorted.slice(0, index).filter((other) => isHere(other) && sharesBytes(other, sighting));
    const received = here.findLast(isIn);
    const sent = here.slice(received ? here.indexOf(received) + 1 : 0);
    return (
      here.findLast((other) => isIn(other) && other.link === sighting.link) ??
      sent.findLast((other) => other.depth < sighting.depth) ??
      sent.find((other) => other.link === sighting.link && other.depth === sighting.depth) ??
      received ??
      here.at(-1)
    );
  };

  let parent: Sighting | undefined;
  if (direction !== OUT) {
    const peer = wiring.peer[place]!;
    const underlay = wiring.underlay[place]!;
    parent =
      latestCopy((other) => sees(other, peer, OUT)) ??
      (wiring.isBridge[place] ? latest((other) => wiring.bridge[other.place] === place && isIn(other)) : undefined) ??
      latest((other) => sees(other, underlay, IN) && other.depth > sighting.depth);
  }
  if (direction !== IN && !parent) {
    parent = wiring.isKnown[place] ? knownOrigin() : guessedOrigin();
  }
  return parent ?? before(() => true) ?? (sighting.piece && sorted.slice(0, index).find(({ piece }) => !piece));
}
