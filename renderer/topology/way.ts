/** The way of a journey over the picture: for each hop the line that leads to it from the hop before. Pure. */

import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { type Interface, interfaceName, type Topology } from "../../preload/contract/topology.ts";
import { joinVertically, type PlacedNode, type Placement, type Point } from "./layout.ts";

/** One straight piece of a leg. */
interface Piece {
  from: Point;
  to: Point;
  /** False inside of a box, where a line would run over its name. */
  drawn: boolean;
  /** The last bit of the way to the hop before, on which the packet looks as it did there. */
  isApproach?: boolean;
}

/** How a packet came to one hop. */
export interface Leg {
  /** Index of the hop that this leg leads to. */
  hop: number;
  /** The box of the hop's interface; undefined where the topology has no such interface. */
  node?: PlacedNode;
  /** Where the packet rests once it has come: just outside of the box, so that it hides no name. */
  rest: Point;
  /** Where the way meets the border of the box. */
  border: Point;
  /** The way from the parent's rest to this one. Where no parent is known: from the border out to the rest. */
  pieces: Piece[];
  /** Ids of boxes passed on the way without a sighting, such as a bridge between two of its ports. */
  passes: string[];
}

/** Distance of a resting packet from the box. */
const REST_GAP = 9;

interface Link {
  to: string;
  points: Point[];
}

/** Knows which boxes are connected, and finds legs between them. */
export class Ways {
  readonly #placement: Placement;
  readonly #nodes: ReadonlyMap<string, PlacedNode>;
  readonly #links = new Map<string, Link[]>();

  constructor(topology: Topology, placement: Placement) {
    this.#placement = placement;
    this.#nodes = new Map(placement.nodes.map((node) => [node.id, node]));
    for (const edge of placement.edges) {
      this.#link(edge.source, edge.target, edge.points);
    }
    for (const namespace of topology.namespaces) {
      if (namespace.kind === "pod") continue;
      this.#linkRouted(namespace.name, namespace.interfaces);
    }
  }

  /** One leg for each hop, in the order of the hops. */
  follow(journey: Journey): Leg[] {
    const legs: Leg[] = [];
    journey.hops.forEach((hop, index) => {
      legs.push(this.#legTo(hop, index, journey.hops, legs));
    });
    return legs;
  }

  nodeOf(hop: Hop): PlacedNode | undefined {
    const id = this.#placement.shownBy.get(interfaceName(hop));
    return id === undefined ? undefined : this.#nodes.get(id);
  }

  #link(a: string, b: string, points: Point[]): void {
    this.#links.set(a, [...(this.#links.get(a) ?? []), { to: b, points }]);
    this.#links.set(b, [...(this.#links.get(b) ?? []), { to: a, points: points.toReversed() }]);
  }

  /** The kernel routes between all interfaces of a namespace that are no bridge ports. */
  #linkRouted(netns: string, interfaces: readonly Interface[]): void {
    const routed = interfaces
      .filter((each) => each.master === undefined)
      .flatMap((each) => this.#nodes.get(interfaceName({ netns, interface: each.name })) ?? []);
    for (const [index, a] of routed.entries()) {
      for (const b of routed.slice(index + 1)) {
        const isDrawn = (this.#links.get(a.id) ?? []).some((link) => link.to === b.id);
        if (isDrawn) continue;
        const between = routed.filter((node) => node !== a && node !== b);
        this.#link(a.id, b.id, joinVertically(a, b, between));
      }
    }
  }

  #legTo(hop: Hop, index: number, hops: readonly Hop[], legs: readonly Leg[]): Leg {
    const node = this.nodeOf(hop);
    const parent = hop.parent === undefined ? undefined : legs[hop.parent];
    if (node === undefined) {
      const rest = parent?.rest ?? { x: 0, y: 0 };
      return { hop: index, rest, border: parent?.border ?? rest, pieces: [], passes: [] };
    }
    if (parent?.node === undefined) {
      return this.#beginning(
        index,
        node,
        hops.find((other) => other.parent === index),
      );
    }
    if (parent.node === node) return { ...parent, hop: index, pieces: [], passes: [] };

    const found = this.#shortest(parent.node.id, node.id);
    if (found === undefined) {
      const border = { x: node.x + node.width / 2, y: node.y };
      const pieces = [{ from: parent.rest, to: border, drawn: true }];
      return { hop: index, node, rest: border, border, pieces, passes: [] };
    }
    const pieces: Piece[] = [];
    let at = parent.rest;
    let inside: PlacedNode = parent.node;
    const passes: string[] = [];
    for (const [order, link] of found.entries()) {
      const exit = link.points[0] ?? at;
      const isOnLink = order === 0 && isSame(exit, parent.border) && parent.pieces[0]?.from === parent.border;
      if (!isOnLink) {
        if (order === 0) {
          pieces.push({ from: at, to: parent.border, drawn: true, isApproach: true });
          at = parent.border;
        }
        pieces.push(...acrossBox(inside, at, exit));
        at = exit;
      }
      for (const point of link.points.slice(1)) {
        pieces.push({ from: at, to: point, drawn: true });
        at = point;
      }
      const next = this.#nodes.get(link.to);
      if (next === undefined) throw new Error(`${link.to} is linked but was not placed`);
      inside = next;
      if (next !== node) passes.push(next.id);
    }
    const last = pieces.at(-1);
    if (last === undefined) throw new Error(`no way leads to ${node.id}`);
    const border = last.to;
    last.to = towards(border, last.from, Math.min(REST_GAP, pieceLength(last) / 2));
    return { hop: index, node, rest: last.to, border, pieces, passes };
  }

  /** A packet that begins at `node` waits on the side that its next hop leaves by. */
  #beginning(index: number, node: PlacedNode, next: Hop | undefined): Leg {
    const to = next === undefined ? undefined : this.nodeOf(next);
    const points = to === undefined || to === node ? [] : (this.#shortest(node.id, to.id)?.[0]?.points ?? []);
    const [border, second] = points;
    if (border === undefined || second === undefined) {
      const top = { x: node.x + node.width / 2, y: node.y };
      return { hop: index, node, rest: top, border: top, pieces: [], passes: [] };
    }
    const half = Math.hypot(second.x - border.x, second.y - border.y) / 2;
    const rest = towards(border, second, Math.min(REST_GAP, half));
    return { hop: index, node, rest, border, pieces: [{ from: border, to: rest, drawn: true }], passes: [] };
  }

  /** The fewest links between two boxes. */
  #shortest(from: string, to: string): Link[] | undefined {
    const cameBy = new Map<string, { from: string; link: Link }>();
    let front = [from];
    const seen = new Set([from]);
    while (front.length > 0 && !seen.has(to)) {
      const next: string[] = [];
      for (const id of front) {
        for (const link of this.#links.get(id) ?? []) {
          if (seen.has(link.to)) continue;
          seen.add(link.to);
          cameBy.set(link.to, { from: id, link });
          next.push(link.to);
        }
      }
      front = next;
    }
    const links: Link[] = [];
    for (let step = cameBy.get(to); step !== undefined; step = cameBy.get(step.from)) links.unshift(step.link);
    return links.length === 0 ? undefined : links;
  }
}

function isSame(a: Point, b: Point): boolean {
  return a.x === b.x && a.y === b.y;
}

/** The point `distance` away from `from` in the direction of `to`. */
function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length === 0) return from;
  return { x: from.x + ((to.x - from.x) / length) * distance, y: from.y + ((to.y - from.y) / length) * distance };
}

/** Through a box at right angles, along its middle. */
function acrossBox(box: PlacedNode, from: Point, to: Point): Piece[] {
  if (isSame(from, to)) return [];
  if (from.x === to.x) return [{ from, to, drawn: false }];
  const middle = box.y + box.height / 2;
  const points = [from, { x: from.x, y: middle }, { x: to.x, y: middle }, to];
  return points.slice(1).map((point, index) => ({ from: points[index] ?? from, to: point, drawn: false }));
}

export function legLength(leg: Leg): number {
  return leg.pieces.reduce((sum, piece) => sum + pieceLength(piece), 0);
}

function pieceLength(piece: Piece): number {
  return Math.hypot(piece.to.x - piece.from.x, piece.to.y - piece.from.y);
}

/** The point at `fraction` (0 to 1) of the leg's length. */
export function pointOnLeg(leg: Leg, fraction: number): Point {
  let left = legLength(leg) * fraction;
  for (const piece of leg.pieces) {
    const length = pieceLength(piece);
    if (left <= length && length > 0) {
      const part = left / length;
      return {
        x: piece.from.x + (piece.to.x - piece.from.x) * part,
        y: piece.from.y + (piece.to.y - piece.from.y) * part,
      };
    }
    left -= length;
  }
  return leg.rest;
}
