/** How captured interfaces hang together, by index: read from the topology once, so that following packets is cheap. */

import {
  carrierOf,
  type Interface,
  type InterfaceRef,
  type Namespace,
  type Topology,
} from "../../preload/contract/topology.ts";

/** In columns that name another interface: there is none, or it is not captured. */
export const NOWHERE = -1;

export const UNKNOWN = 0;
export const IN = 1;
export const OUT = 2;
/** 0 unknown, 1 in, 2 out. */
export type DirectionNumber = 0 | 1 | 2;

/** The interface in the topology, with its namespace. */
function findInterface(
  topology: Topology | undefined,
  ref: InterfaceRef,
): { namespace: Namespace; interface: Interface } | undefined {
  const namespace = topology?.namespaces.find((each) => each.name === ref.netns);
  const found = namespace?.interfaces.find((each) => each.name === ref.interface);
  return namespace && found ? { namespace, interface: found } : undefined;
}

/** Captured interfaces numbered in the order in which they were added. */
export class Wiring {
  readonly interfaces: InterfaceRef[] = [];
  /** Of each interface: its namespace's index in `namespaces`. */
  readonly namespace: number[] = [];
  /** The other end of a veth. */
  readonly peer: number[] = [];
  /** The bridge that it is a port of. */
  readonly bridge: number[] = [];
  /** For a tunnel device: the interface that carries the outer packets. */
  readonly underlay: number[] = [];
  /** The topology says what it is. */
  readonly isKnown: boolean[] = [];
  /** It is a port, whether or not its bridge is captured. */
  readonly isPort: boolean[] = [];
  readonly isBridge: boolean[] = [];
  readonly isTunnel: boolean[] = [];
  /** Packets end here: no bridge port, and not in a namespace that is only a network. */
  readonly isEndpoint: boolean[] = [];
  readonly namespaces: string[] = [];
  /** The topology says that it is a veth, and how many other interfaces its namespace has. */
  readonly #isVeth: boolean[] = [];
  readonly #others: number[] = [];
  /** Of each namespace: how many of its interfaces are captured. */
  readonly #captured: number[] = [];

  #topology: Topology | undefined;
  readonly #index = new Map<string, number>();
  readonly #namespaceIndex = new Map<string, number>();
  readonly #waiting = new Map<string, { column: number[]; index: number }[]>();

  constructor(interfaces: readonly InterfaceRef[], topology?: Topology) {
    this.#topology = topology;
    for (const namespace of topology?.namespaces ?? []) this.namespaceNumber(namespace.name);
    for (const ref of interfaces) this.add(ref);
  }

  /** The index of the interface; the same one when it is added again. */
  add(ref: InterfaceRef): number {
    const key = keyOf(ref.netns, ref.interface);
    const known = this.#index.get(key);
    if (known !== undefined) return known;
    const index = this.interfaces.length;
    this.#index.set(key, index);
    this.interfaces.push({ netns: ref.netns, interface: ref.interface });
    const namespace = this.namespaceNumber(ref.netns);
    this.namespace.push(namespace);
    this.#captured[namespace] = (this.#captured[namespace] ?? 0) + 1;
    this.#place(index, ref);
    for (const each of this.#waiting.get(key) ?? []) each.column[each.index] = index;
    this.#waiting.delete(key);
    return index;
  }

  /** The lab has changed. The topology has also what is gone, for the sake of what was seen there. */
  rewire(topology: Topology): void {
    this.#topology = topology;
    this.#waiting.clear();
    for (const namespace of topology.namespaces) this.namespaceNumber(namespace.name);
    for (const [index, ref] of this.interfaces.entries()) this.#place(index, ref);
  }

  /** Fills the columns of an interface. */
  #place(index: number, ref: InterfaceRef): void {
    const found = findInterface(this.#topology, ref);
    this.peer[index] = NOWHERE;
    this.bridge[index] = NOWHERE;
    this.underlay[index] = NOWHERE;
    this.isKnown[index] = found !== undefined;
    this.#isVeth[index] = found?.interface.kind === "veth";
    this.#others[index] = (found?.namespace.interfaces.length ?? 1) - 1;
    this.isPort[index] = found?.interface.master !== undefined;
    this.isBridge[index] = found?.interface.kind === "bridge";
    const carrier = found && carrierOf(found.interface);
    this.isTunnel[index] = carrier !== undefined;
    this.isEndpoint[index] =
      found === undefined || (found.interface.master === undefined && found.namespace.kind !== "net");
    if (found?.interface.kind === "veth") this.#point(this.peer, index, found.interface.peer);
    if (carrier !== undefined) this.#point(this.underlay, index, { netns: ref.netns, interface: carrier });
    if (found?.interface.master) {
      this.#point(this.bridge, index, { netns: ref.netns, interface: found.interface.master });
    }
  }

  indexOf(ref: InterfaceRef): number {
    return this.#index.get(keyOf(ref.netns, ref.interface)) ?? NOWHERE;
  }

  namespaceNumber(name: string): number {
    const known = this.#namespaceIndex.get(name);
    if (known !== undefined) return known;
    this.#namespaceIndex.set(name, this.namespaces.length);
    this.namespaces.push(name);
    return this.namespaces.length - 1;
  }

  /** Could a packet seen at `from` be seen next at `to`, captures of the same link or namespace being complete? */
  mayFollow(from: number, fromDirection: number, to: number, toDirection: number): boolean {
    if (this.namespace[from] === this.namespace[to]) return !(fromDirection === OUT && toDirection === IN);
    return this.peer[to] === from && fromDirection !== IN && toDirection !== OUT;
  }

  /**
   * Would a packet that went on from here have been seen? Not where the other end of the cable is not captured, no port of
   * the bridge, or no other interface of the namespace.
   */
  seesOnward(from: number, direction: number): boolean {
    if (!this.isKnown[from]) return this.interfaces.length > 1;
    if (direction === OUT && this.#isVeth[from]) return this.peer[from] !== NOWHERE;
    if (direction === OUT && this.isBridge[from]) return this.bridge.includes(from);
    if (direction === OUT && this.isTunnel[from]) return this.underlay[from] !== NOWHERE;
    return this.#others[from] === 0 || this.#captured[this.namespace[from]!]! > 1;
  }

  /** Fills `column[index]` with the index of `ref`, now or when that interface is added. */
  #point(column: number[], index: number, ref: InterfaceRef): void {
    const to = this.indexOf(ref);
    if (to !== NOWHERE) {
      column[index] = to;
      return;
    }
    const key = keyOf(ref.netns, ref.interface);
    const waiting = this.#waiting.get(key) ?? [];
    waiting.push({ column, index });
    this.#waiting.set(key, waiting);
  }
}

function keyOf(netns: string, name: string): string {
  return `${netns} ${name}`;
}
