/** Two pods of a lab between which packets cross from node to node: what shows most faults of a cluster. */

import { type Traffic, trafficSchema } from "../../preload/contract/lab.ts";
import type { Lab } from "../lab/schema.ts";
import { suggestTraffic } from "../lab/suggest.ts";

export interface FarPods {
  /** A ping from one to the other. */
  ping: Traffic;
  /** The names of the pods and of their nodes, as the lab file has them. */
  from: { pod: string; node: string };
  to: { pod: string; node: string };
}

/** The first that the lab's own traffic has, else any two; undefined where all pods are on one node. */
export function farPods(lab: Lab): FarPods | undefined {
  const pair = (from: string, to: string): FarPods | undefined => {
    const [a, b] = [from, to].map((name) => lab.pods.find((pod) => name === pod.name || name === `pod/${pod.name}`));
    if (!a || !b || a.node === b.node) return undefined;
    const ping = trafficSchema.parse({ from: `pod/${a.name}`, to: `pod/${b.name}` });
    return { ping, from: { pod: a.name, node: a.node }, to: { pod: b.name, node: b.node } };
  };
  const [first] = lab.pods;
  const other = lab.pods.find(({ node }) => node !== first?.node);
  const wanted = suggestTraffic(lab).map(({ from, to }) => pair(from, to));
  return wanted.find((found) => found !== undefined) ?? (first && other ? pair(first.name, other.name) : undefined);
}
