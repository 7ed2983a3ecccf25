/**
 * What tells one topology from another. Two things are the same if they differ in nothing but their `why`. An interface
 * that can't be changed into the other is made anew, and so is what hangs on it: the other end of its cable, and what it
 * carries.
 */

import {
  carrierOf,
  type Interface,
  interfaceName,
  type Namespace,
  type Sysctl,
  type Topology,
} from "../../preload/contract/topology.ts";
import { isKernelMade } from "./ipip.ts";
import { sysctlDevice } from "./sysctl.ts";

export interface Difference {
  /** Those that are not there any more. */
  left: Namespace[];
  joined: Namespace[];
  /** Those that are there before and after, with the same name. */
  stayed: StayedNamespace[];
}

export interface StayedNamespace {
  before: Namespace;
  after: Namespace;
  /** Interfaces of before that have to go, also those that are made anew. */
  gone: Interface[];
  /** The names of interfaces of after that have to be made. */
  made: ReadonlySet<string>;
  /** Of interfaces that the kernel takes routes and neighbours from: those that are made, and those that lose an address. */
  shaken: ReadonlySet<string>;
}

export function isSame(a: unknown, b: unknown): boolean {
  return withoutWhy(a) === withoutWhy(b);
}

function withoutWhy(value: unknown): string | undefined {
  return JSON.stringify(value, (key, part: unknown) => (key === "why" ? undefined : part));
}

export function findDifference(before: Topology, after: Topology): Difference {
  const names = (topology: Topology) => new Map(topology.namespaces.map((netns) => [netns.name, netns]));
  const [then, now] = [names(before), names(after)];
  const made = findMade(before, after);
  return {
    left: before.namespaces.filter(({ name }) => !now.has(name)),
    joined: after.namespaces.filter(({ name }) => !then.has(name)),
    stayed: after.namespaces.flatMap((netns) => {
      const old = then.get(netns.name);
      return old ? [compareInterfaces(old, netns, made)] : [];
    }),
  };
}

function compareInterfaces(before: Namespace, after: Namespace, allMade: ReadonlySet<string>): StayedNamespace {
  const isMade = ({ name }: Interface) => allMade.has(`${after.name}/${name}`);
  const made = new Set(after.interfaces.filter(isMade).map(({ name }) => name));
  const isLeft = ({ name }: Interface) => !after.interfaces.some((item) => item.name === name);
  const losing = after.interfaces.filter((item) => lostAddresses(before, item).length > 0);
  return {
    before,
    after,
    gone: before.interfaces.filter((item) => isLeft(item) || made.has(item.name)),
    made,
    shaken: new Set([...made, ...losing.map(({ name }) => name)]),
  };
}

/** The addresses that the interface had before and has no more. */
export function lostAddresses(before: Namespace, after: Interface): string[] {
  const old = before.interfaces.find(({ name }) => name === after.name);
  return (old?.addresses ?? []).filter((address) => !after.addresses.includes(address));
}

/** `netns/interface` of all that have to be made. */
function findMade(before: Topology, after: Topology): Set<string> {
  const old = new Map(
    before.namespaces.flatMap((netns) =>
      netns.interfaces.map((item) => [interfaceName({ netns: netns.name, interface: item.name }), item]),
    ),
  );
  const all = after.namespaces.flatMap((netns) => netns.interfaces.map((item) => ({ netns: netns.name, item })));
  const made = new Set<string>();
  let known = -1;
  while (made.size > known) {
    known = made.size;
    for (const { netns, item } of all) {
      const name = interfaceName({ netns, interface: item.name });
      const then = old.get(name);
      const carrier = item.kind === "vxlan" || item.kind === "vlan" ? carrierOf(item) : undefined;
      if (!then || !isSame(unchangeable(then), unchangeable(item))) made.add(name);
      if (carrier && made.has(interfaceName({ netns, interface: carrier }))) made.add(name);
      if (item.kind === "veth" && made.has(interfaceName(item.peer))) made.add(name);
    }
  }
  return made;
}

/** What of an interface can't be other than what it was made with. */
function unchangeable(item: Interface): unknown {
  if (isKernelMade(item)) return { name: item.name };
  const { mtu: _mtu, addresses: _addresses, master: _master, hairpin: _hairpin, vlans: _vlans, ...rest } = item;
  return "mac" in rest ? { ...rest, mac: undefined } : rest;
}

/** The settings that have to be written: those that differ, those of new interfaces, and those that others overwrite. */
export function changedSysctls({ before, after, made }: StayedNamespace): Sysctl[] {
  const isNew = (sysctl: Sysctl) => !before.sysctls.some((old) => isSame(old, sysctl));
  const changed = after.sysctls.filter((sysctl) => isNew(sysctl) || made.has(sysctlDevice(sysctl.key) ?? ""));
  const forwarding = changed.find(({ key }) => key === "net/ipv4/ip_forward");
  if (!forwarding) return changed;
  // What is written to it is written to all interfaces, those that have a setting of their own too.
  const own = after.sysctls.filter(({ key }) => /^net\/ipv4\/conf\/.+\/forwarding$/.test(key));
  return [forwarding, ...new Set([...changed.filter((sysctl) => sysctl !== forwarding), ...own])];
}
