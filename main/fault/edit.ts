/** What faults are written with: a copy of a topology in which one namespace is another. */

import type { Namespace, Topology } from "../../preload/contract/topology.ts";

/** `edit` answers with what is to be different; nothing is where the namespace is not there. */
export function editNamespace(
  topology: Topology,
  name: string,
  edit: (netns: Namespace) => Partial<Namespace>,
): Topology {
  const namespaces = topology.namespaces.map((netns) => (netns.name === name ? { ...netns, ...edit(netns) } : netns));
  return { ...topology, namespaces };
}
