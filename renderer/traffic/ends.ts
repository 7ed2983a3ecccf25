/** Who can send and be sent to in a topology. Pure. */

import type { Namespace, NamespaceKind, Topology } from "../../preload/contract/topology.ts";

/** Kinds that can be an end of traffic, in the order in which they are offered. A network only carries it. */
export const END_KINDS = ["pod", "node", "host"] as const satisfies readonly NamespaceKind[];

export interface EndGroup {
  kind: (typeof END_KINDS)[number];
  ends: Namespace[];
}

export function endGroups(topology: Topology): EndGroup[] {
  return END_KINDS.map((kind) => ({
    kind,
    ends: topology.namespaces.filter((namespace) => namespace.kind === kind),
  })).filter(({ ends }) => ends.length > 0);
}

/** The full name of an end that a lab file names in short (`a` for `pod/a`); undefined for an address. */
export function endNamed(topology: Topology, name: string): string | undefined {
  const ends = endGroups(topology).flatMap((group) => group.ends);
  return (ends.find((end) => end.name === name) ?? ends.find((end) => end.label === name))?.name;
}
