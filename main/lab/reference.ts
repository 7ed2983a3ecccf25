/** How lab files, the command line and the page name a namespace: `a`, `pod/a`, `node/node1`, `net/lan`. */

import type { Lab } from "./schema.ts";

export interface Named {
  /** `pod/a`, or a free-form name. */
  name: string;
  /** The name as the lab file has it: `a`. */
  label: string;
}

/**
 * The namespaces that a reference may mean: the one of that full name, else those of that label. Underlay
 * networks are only found by their full name. More than one means that the reference is ambiguous.
 */
export function findReferenced<T extends Named>(reference: string, namespaces: readonly T[]): T[] {
  const exact = namespaces.filter(({ name }) => name === reference);
  if (exact.length > 0) return exact;
  return namespaces.filter(({ name, label }) => label === reference && !name.startsWith("net/"));
}

/** Every namespace that a lab will have. */
export function namesOf(lab: Lab): Named[] {
  return [
    ...lab.underlay.networks.map(({ name }) => ({ name: `net/${name}`, label: name })),
    ...lab.nodes.map(({ name }) => ({ name: `node/${name}`, label: name })),
    ...lab.pods.map(({ name }) => ({ name: `pod/${name}`, label: name })),
    ...lab.namespaces.map(({ name }) => ({ name, label: name })),
  ];
}

/** `node1/eth0` or `node/node1/eth0` as the reference to the namespace and the interface; undefined where there is no slash. */
export function splitInterface(text: string): { reference: string; interface: string } | undefined {
  const slash = text.lastIndexOf("/");
  if (slash <= 0 || slash === text.length - 1) return undefined;
  return { reference: text.slice(0, slash), interface: text.slice(slash + 1) };
}
