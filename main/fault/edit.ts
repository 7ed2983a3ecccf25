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

/** The namespace's sysctls with that one set, whether or not it was. */
export function withSysctl(netns: Namespace, key: string, value: string, why: string): Pick<Namespace, "sysctls"> {
  return { sysctls: [...netns.sysctls.filter((sysctl) => sysctl.key !== key), { key, value, why }] };
}
