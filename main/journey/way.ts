/** Which interfaces of a large lab can be on the way between two namespaces, so that not all must be captured. */

import type { InterfaceRef, Topology } from "../../preload/contract/topology.ts";

interface Link {
  from: InterfaceRef;
  to: InterfaceRef;
}

/**
 * The interfaces on all shortest ways from one namespace to the other: the ends of the links between them, and the
 * bridges and tunnel devices in the namespaces passed. `left` are the others. A name that is not in the topology, or
 * no way at all, gives every interface.
 */
export function interfacesOnTheWay(
  topology: Topology,
  from: string,
  to: string,
): { interfaces: InterfaceRef[]; left: InterfaceRef[] } {
  const all = topology.namespaces.flatMap((namespace) =>
    namespace.interfaces.map((each): InterfaceRef => ({ netns: namespace.name, interface: each.name })),
  );
  const links = linksByNamespace(topology);
  const fromStart = distances(links, from);
  const fromEnd = distances(links, to);
  const shortest = fromStart.get(to);
  if (shortest === undefined || !topology.namespaces.some(({ name }) => name === from)) {
    return { interfaces: all, left: [] };
  }

  const chosen = new Set<string>();
  for (const namespace of topology.namespaces) {
    const done = fromStart.get(namespace.name);
    if (done === undefined || done + (fromEnd.get(namespace.name) ?? Number.POSITIVE_INFINITY) !== shortest) continue;
    for (const each of namespace.interfaces) {
      if (each.kind !== "veth") chosen.add(`${namespace.name} ${each.name}`);
    }
    for (const link of links.get(namespace.name) ?? []) {
      const next = link.to.netns;
      if (fromStart.get(next) !== done + 1 || done + 1 + (fromEnd.get(next) ?? Number.POSITIVE_INFINITY) !== shortest)
        continue;
      chosen.add(`${link.from.netns} ${link.from.interface}`);
      chosen.add(`${link.to.netns} ${link.to.interface}`);
    }
  }
  const isChosen = (ref: InterfaceRef) => chosen.has(`${ref.netns} ${ref.interface}`);
  return { interfaces: all.filter(isChosen), left: all.filter((ref) => !isChosen(ref)) };
}

function linksByNamespace(topology: Topology): Map<string, Link[]> {
  const links = new Map<string, Link[]>();
  for (const namespace of topology.namespaces) {
    const own: Link[] = [];
    for (const each of namespace.interfaces) {
      if (each.kind === "veth") own.push({ from: { netns: namespace.name, interface: each.name }, to: each.peer });
    }
    links.set(namespace.name, own);
  }
  return links;
}

/** Links from `start` to each namespace that can be reached. */
function distances(links: ReadonlyMap<string, Link[]>, start: string): Map<string, number> {
  const found = new Map([[start, 0]]);
  for (const [name, distance] of found) {
    for (const { to } of links.get(name) ?? []) {
      if (!found.has(to.netns)) found.set(to.netns, distance + 1);
    }
  }
  return found;
}
