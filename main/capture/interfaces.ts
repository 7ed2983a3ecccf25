/** The interfaces of a lab, and those of one that has changed. */

import type { InterfaceRef, Namespace, Topology } from "../../preload/contract/topology.ts";

/** Which interfaces of a lab to capture, which not, and why. */
export interface Choice {
  interfaces: InterfaceRef[];
  left: InterfaceRef[];
  why: string;
}

/** Every interface of a lab. */
export function allInterfaces(topology: Topology): InterfaceRef[] {
  return topology.namespaces.flatMap((namespace) =>
    namespace.interfaces.map((item) => ({ netns: namespace.name, interface: item.name })),
  );
}

/** A topology with what a former one has besides: packets were seen there. */
export function withFormer(now: Topology, former: Topology): Topology {
  const stayed = now.namespaces.map((netns) => {
    const then = former.namespaces.find(({ name }) => name === netns.name);
    return then ? { ...netns, interfaces: [...netns.interfaces, ...goneFrom(netns, then)] } : netns;
  });
  const left = former.namespaces.filter(({ name }) => !now.namespaces.some((netns) => netns.name === name));
  return { ...now, namespaces: [...stayed, ...left] };
}

function goneFrom(now: Namespace, then: Namespace): Namespace["interfaces"] {
  return then.interfaces.filter((item) => !now.interfaces.some(({ name }) => name === item.name));
}
