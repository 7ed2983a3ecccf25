/** What a lab asks for that nodes have since left with: traffic from or to them, and checks of it. Pure. */

import type { Lab } from "../lab/schema.ts";

type Asked = Pick<Lab, "nodes" | "pods" | "traffic" | "checks">;

/** The lab without the traffic and the checks that are about nodes and pods of it that are not there `now`. */
export function withoutLeft<T extends Asked>(lab: T, now: Pick<Lab, "nodes" | "pods">): T {
  const [nodes, pods] = [leftOf(lab.nodes, now.nodes), leftOf(lab.pods, now.pods)];
  const isThere = (label: string) => [...now.nodes, ...now.pods].some(({ name }) => name === label);
  const hasLeft = (reference: string) => {
    const [kind, label = ""] = reference.includes("/") ? reference.split("/") : ["", reference];
    if (kind === "") return (nodes.has(label) || pods.has(label)) && !isThere(label);
    return kind === "node" ? nodes.has(label) : kind === "pod" && pods.has(label);
  };
  const hostOf = (place: string) => place.slice(0, place.lastIndexOf("/"));
  const checks = lab.checks.map(({ ping, path }) => {
    if (!path) return { ping };
    return { ping, path: { ...path, avoids: path.avoids.filter((place) => !hasLeft(hostOf(place))) } };
  });
  return {
    ...lab,
    traffic: lab.traffic.filter(({ from, to }) => !hasLeft(from) && !hasLeft(to)),
    checks: checks.filter(({ ping, path }) => {
      const ends = [ping?.from, ping?.to, path?.from, path?.to].flatMap((end) => end ?? []);
      const on = (path?.through ?? []).map(hostOf);
      return ![...ends, ...on].some(hasLeft);
    }),
  };
}

function leftOf(before: readonly { name: string }[], now: readonly { name: string }[]): Set<string> {
  const names = new Set(now.map(({ name }) => name));
  return new Set(before.flatMap(({ name }) => (names.has(name) ? [] : name)));
}
