/** Checks what the schema cannot: references, duplicates, overlaps, and whether everything fits. Pure. */

import { parseAddress } from "../layout/address.ts";
import { layOutLab } from "../layout/layout.ts";
import { type Finding, list } from "./finding.ts";
import { show } from "./issue.ts";
import type { Path } from "./locate.ts";
import { findReferenced, type Named, namesOf, splitInterface } from "./reference.ts";
import type { Lab, LabCheck } from "./schema.ts";
import { validateBgp } from "./validate-bgp.ts";
import { validateCluster } from "./validate-cluster.ts";
import { type Compared, validateComparison } from "./validate-comparison.ts";
import { validateFreeForm } from "./validate-free-form.ts";

export type { Finding } from "./finding.ts";

/**
 * `damaged`: top-level keys of which the schema refused something, so that nothing in them can be called missing.
 * `compared`: of a comparison, the labs that it names.
 */
export function validateLab(
  lab: Lab,
  damaged: ReadonlySet<string> = new Set(),
  compared: ReadonlyMap<string, Compared> = new Map(),
): Finding[] {
  if (lab.compare) return [...validateComparison(lab, compared), ...checkPorts(lab)];
  const built = [...validateCluster(lab, damaged), ...validateFreeForm(lab, damaged), ...validateBgp(lab, damaged)];
  if (damaged.size === 0 && lab.nodes.length === 0 && lab.namespaces.length === 0) {
    built.push({ path: [], message: "the lab builds nothing; allowed is at least one of nodes and namespaces" });
  }
  const incomplete = ["nodes", "pods", "namespaces", "underlay"].some((key) => damaged.has(key));
  const namespaces = incomplete ? undefined : namesOf(lab);
  const findings = [...built, ...checkTraffic(lab, namespaces)];
  for (const [index, check] of lab.checks.entries()) {
    const path: Path = ["checks", index];
    if ((check.ping === undefined) === (check.path === undefined)) {
      findings.push({ path, message: "a check is one of ping and path" });
    }
    for (const kind of ["ping", "path"] as const) {
      for (const key of ["from", "to"] as const) {
        const reference = check[kind]?.[key];
        if (reference === undefined || (key === "to" && parseAddress(reference) !== undefined)) continue;
        findings.push(...checkReference(reference, namespaces, [...path, kind, key]));
      }
    }
  }
  findings.push(...checkThrough(lab, namespaces, built.length === 0 && damaged.size === 0));
  return findings;
}

function checkTraffic(lab: Lab, namespaces: Named[] | undefined): Finding[] {
  const ends = lab.traffic.flatMap(({ from, to }, index) => {
    const path: Path = ["traffic", index];
    const findings = checkReference(from, namespaces, [...path, "from"]);
    if (parseAddress(to) === undefined) findings.push(...checkReference(to, namespaces, [...path, "to"]));
    return findings;
  });
  return [...ends, ...checkPorts(lab)];
}

function checkPorts(lab: Lab): Finding[] {
  return lab.traffic.flatMap(({ protocol, port }, index): Finding[] =>
    protocol === "icmp" && port !== undefined
      ? [{ path: ["traffic", index, "port"], message: "ICMP has no ports; allowed is a port with tcp or udp" }]
      : [],
  );
}

function checkReference(reference: string, namespaces: Named[] | undefined, path: Path): Finding[] {
  if (!namespaces) return [];
  // A name that is there twice is one problem, told where it is given.
  const found = [...new Set(findReferenced(reference, namespaces).map(({ name }) => name))];
  if (found.length === 1) return [];
  if (found.length === 0) {
    return [{ path, message: `found ${show(reference)}; allowed are ${list(namespaces.map(({ name }) => name))}` }];
  }
  return [{ path, message: `${show(reference)} may mean ${found.join(" or ")}; write which` }];
}

function placesOf({ path }: LabCheck): { text: string; key: string; place: number }[] {
  return (["through", "avoids"] as const).flatMap((key) =>
    (path?.[key] ?? []).map((text, place) => ({ text, key, place })),
  );
}

/** The interfaces that a path leads through or avoids. Which there are is known once the lab can be laid out. */
function checkThrough(lab: Lab, namespaces: Named[] | undefined, canLayOut: boolean): Finding[] {
  const topology = canLayOut && lab.checks.some(({ path }) => path) ? layOutLab(lab) : undefined;
  return lab.checks.flatMap((check, index) =>
    placesOf(check).flatMap(({ text, key, place }): Finding[] => {
      const path: Path = ["checks", index, "path", key, place];
      const parts = splitInterface(text);
      if (!parts)
        return [{ path, message: `found ${show(text)}; allowed is NAMESPACE/INTERFACE such as node1/flannel.1` }];
      const unknown = checkReference(parts.reference, namespaces, path);
      if (unknown.length > 0 || !topology) return unknown;
      const netns = findReferenced(parts.reference, topology.namespaces)[0]!;
      const names = netns.interfaces.map(({ name }) => name);
      if (names.includes(parts.interface)) return [];
      return [{ path, message: `${netns.name} has no interface ${show(parts.interface)}; allowed are ${list(names)}` }];
    }),
  );
}
