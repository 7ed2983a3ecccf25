/**
 * Two journeys of the same traffic in two labs, aligned hop by hop: the longest sequence of places that both pass
 * (Hunt and McIlroy, "An algorithm for differential file comparison", 1976, without their shortcuts: journeys are short),
 * and at each of them what is the same and what is not. Addresses and MACs count as the same where the same namespace or
 * interface has them. Never throws.
 */

import type {
  ComparedHop,
  ComparedPacket,
  ComparedRow,
  FactName,
  HopFacts,
} from "../../preload/contract/comparison.ts";
import { LAYER_LABELS } from "../../preload/contract/frame.ts";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { carrierOf, type Interface, type Namespace, type Topology } from "../../preload/contract/topology.ts";

/** A journey and the lab that it was made in. */
export interface Made<T> {
  made: T;
  topology: Topology;
}

/** The packets of both sides in order, each with its counterpart: the next one of that kind from the same sender. */
export function comparePackets(left: Made<readonly Journey[]>, right: Made<readonly Journey[]>): ComparedPacket[] {
  const pairs = align(left.made.map(packetKind), right.made.map(packetKind));
  return pairs.map(([leftIndex, rightIndex]) => {
    const ours = leftIndex === undefined ? undefined : left.made[leftIndex];
    const theirs = rightIndex === undefined ? undefined : right.made[rightIndex];
    const rows = compareJourneys(
      { made: ours?.hops ?? [], topology: left.topology },
      { made: theirs?.hops ?? [], topology: right.topology },
    );
    return { ...(ours ? { left: ours } : {}), ...(theirs ? { right: theirs } : {}), rows };
  });
}

/** The sender and the summary without its addresses and numbers: `pod/a ICMP echo request`. */
function packetKind({ hops, summary }: Journey): string {
  const words = summary.split(" ").filter((word) => !/\d/.test(word));
  return `${hops[0]?.netns ?? ""} ${words.join(" ")}`;
}

/** Every hop of both sides is in exactly one row, and each side's rows are in its own order (that of `inOrder`). */
export function compareJourneys(left: Made<readonly Hop[]>, right: Made<readonly Hop[]>): ComparedRow[] {
  const shared = sharedNames(left.topology, right.topology);
  const ours = new Lab(left, shared);
  const theirs = new Lab(right, shared);
  return align(ours.places, theirs.places).map(([leftIndex, rightIndex]) => {
    const leftHop = leftIndex === undefined ? undefined : ours.hop(leftIndex);
    const rightHop = rightIndex === undefined ? undefined : theirs.hop(rightIndex);
    return {
      ...(leftHop ? { left: leftHop } : {}),
      ...(rightHop ? { right: rightHop } : {}),
      differs: leftHop && rightHop ? differences(leftHop.facts, rightHop.facts) : [],
    };
  });
}

function differences(left: HopFacts, right: HopFacts): FactName[] {
  const differs: FactName[] = [];
  const whole = (name: FactName) => left[name].join() !== right[name].join();
  if (whole("kind")) differs.push("kind");
  if (whole("layers")) differs.push("layers");
  // A header that only one side has differs as a layer; what is within it is compared where both have it.
  for (const name of ["ttl", "addresses"] as const) {
    const common = Math.min(left[name].length, right[name].length);
    if (common > 0 && left[name].slice(-common).join() !== right[name].slice(-common).join()) differs.push(name);
  }
  // The link's own header is the outermost.
  const common = whole("layers") ? 1 : left.macs.length;
  const haveMacs = left.macs.length > 0 && right.macs.length > 0;
  if (haveMacs && left.macs.slice(0, common).join() !== right.macs.slice(0, common).join()) differs.push("macs");
  if (whole("changes")) differs.push("changes");
  return differs;
}

/** Pairs of indexes: of what both sequences have in the same order, and of what only one has. */
function align(left: readonly string[], right: readonly string[]): [number | undefined, number | undefined][] {
  // lengths[i][j]: how much the rests from i and j have in common.
  const lengths = Array.from({ length: left.length + 1 }, () => new Uint32Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i]![j] =
        left[i] === right[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const pairs: [number | undefined, number | undefined][] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) pairs.push([i++, j++]);
    else if (j === right.length || (i < left.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!))
      pairs.push([i++, undefined]);
    else pairs.push([undefined, j++]);
  }
  return pairs;
}

function sharedNames(left: Topology, right: Topology): ReadonlySet<string> {
  const names = new Set(left.namespaces.map(({ name }) => name));
  return new Set(right.namespaces.flatMap(({ name }) => (names.has(name) ? [name] : [])));
}

/** One side: its hops in order, where each was, and who has which address. */
class Lab {
  /** Of each hop in order: where it was, in words that the other side has too. */
  readonly places: string[];
  readonly #hops: readonly Hop[];
  readonly #order: readonly number[];
  readonly #namespaces: ReadonlyMap<string, Namespace>;
  readonly #shared: ReadonlySet<string>;
  readonly #ordinals = new Map<string, number>();
  readonly #addressOwners = new Map<string, string>();
  readonly #macOwners = new Map<string, { netns: string; interface: string }>();

  constructor({ made, topology }: Made<readonly Hop[]>, shared: ReadonlySet<string>) {
    this.#hops = made;
    this.#shared = shared;
    this.#namespaces = new Map(topology.namespaces.map((namespace) => [namespace.name, namespace]));
    for (const namespace of topology.namespaces) {
      for (const item of namespace.interfaces) {
        this.#own(namespace.name, item);
      }
    }
    this.#order = inOrder(made, (hop) => `${this.#roleOf(hop)} ${hop.direction} ${hop.netns}`);
    this.places = this.#order.map((index) => this.#placeOf(made[index]!));
  }

  /** The hop at that place in the order. */
  hop(place: number): ComparedHop {
    const index = this.#order[place]!;
    return { hop: index, facts: this.#factsOf(this.#hops[index]!) };
  }

  #own(netns: string, item: Interface): void {
    for (const address of item.addresses) {
      const [plain = ""] = address.split("/");
      const known = this.#addressOwners.get(plain);
      // Who of several is meant can't be told: the address itself says it.
      this.#addressOwners.set(plain, known === undefined || known === netns ? netns : plain);
    }
    if (!("mac" in item)) return;
    const mac = item.mac.toLowerCase();
    const known = this.#macOwners.get(mac);
    // A VLAN's device has the MAC of the interface that it is on.
    if (known === undefined) this.#macOwners.set(mac, { netns, interface: item.name });
    else if (known.netns !== netns) this.#macOwners.set(mac, { netns: "", interface: mac });
  }

  #interfaceOf(hop: Hop): Interface | undefined {
    return this.#namespaces.get(hop.netns)?.interfaces.find(({ name }) => name === hop.interface);
  }

  /** What an interface is for, whatever its name: names of cables are drawn by lot, and tunnels have several. */
  #roleOf(hop: Hop): string {
    const item = this.#interfaceOf(hop);
    if (!item) return hop.interface;
    if (item.kind === "veth") return `to a ${this.#namespaces.get(item.peer.netns)?.kind ?? "peer"}`;
    if (item.kind === "bridge" || item.kind === "vlan") return item.kind;
    return carrierOf(item) === undefined ? item.kind : "tunnel";
  }

  #placeOf(hop: Hop): string {
    return `${this.#namespaceOf(hop.netns)} ${this.#roleOf(hop)} ${hop.direction}`;
  }

  /** By its name where the other lab has that too; else as the first, second … of its kind. */
  #namespaceOf(netns: string): string {
    if (this.#shared.has(netns)) return netns;
    const kind = this.#namespaces.get(netns)?.kind ?? "unknown";
    const known = this.#ordinals.get(netns);
    if (known !== undefined) return `${kind} ${known}`;
    const ordinal = [...this.#ordinals.keys()].filter((name) => this.#namespaces.get(name)?.kind === kind).length + 1;
    this.#ordinals.set(netns, ordinal);
    return `${kind} ${ordinal}`;
  }

  #factsOf(hop: Hop): HopFacts {
    const item = this.#interfaceOf(hop);
    const between = (titles: readonly string[], owner: (text: string) => string) =>
      titles.flatMap((title) => {
        const [, from, to] = /^\S+ (\S+) > (\S+)/.exec(title) ?? [];
        return from === undefined || to === undefined ? [] : [`${owner(from)} > ${owner(to)}`];
      });
    const titlesOf = (...protocols: string[]) =>
      hop.titles.filter((_, index) => protocols.includes(hop.layers[index] ?? ""));
    const ipTitles = titlesOf("ipv4", "ipv6");
    return {
      kind: item ? [item.master === undefined ? item.kind : `${item.kind}, bridge port`] : [],
      layers: hop.layers.map((layer) => LAYER_LABELS[layer]),
      ttl: ipTitles.flatMap((title) => /(?:ttl|hop limit) (\d+)/.exec(title)?.[1] ?? []),
      addresses: between(ipTitles, (address) => this.#addressOwners.get(address) ?? address),
      macs: between(titlesOf("eth"), (mac) => this.#macOwner(mac)),
      changes: hop.changes.map(({ kind, layers }) =>
        layers ? `${kind} ${layers.map((layer) => LAYER_LABELS[layer]).join("|")}` : kind,
      ),
    };
  }

  #macOwner(mac: string): string {
    if (mac === "ff:ff:ff:ff:ff:ff") return "broadcast";
    const owner = this.#macOwners.get(mac);
    return owner === undefined || owner.netns === "" ? mac : `${owner.netns}/${owner.interface}`;
  }
}

/**
 * Indexes of the hops along the way: each after its parent. Where it branches, the longest branch comes first, then by
 * `key`, since the copies of a flood are seen in any order.
 */
function inOrder(hops: readonly Hop[], key: (hop: Hop) => string): number[] {
  const children = new Map<number | undefined, number[]>();
  hops.forEach((hop, index) => {
    // A parent comes earlier; anything else would be a loop and counts as unknown.
    const parent = hop.parent !== undefined && hop.parent < index ? hop.parent : undefined;
    children.set(parent, [...(children.get(parent) ?? []), index]);
  });
  const depth = hops.map(() => 1);
  for (let index = hops.length - 1; index >= 0; index--) {
    for (const child of children.get(index) ?? []) depth[index] = Math.max(depth[index]!, depth[child]! + 1);
  }
  const order: number[] = [];
  const waiting = [...(children.get(undefined) ?? [])].reverse();
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    order.push(index);
    const next = [...(children.get(index) ?? [])];
    next.sort((a, b) => depth[b]! - depth[a]! || (key(hops[a]!) < key(hops[b]!) ? -1 : 1));
    waiting.push(...next.reverse());
  }
  return order;
}
