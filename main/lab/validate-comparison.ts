/** Checks a comparison: that it builds nothing itself, that its two labs are there, and that its traffic means something in both. */

import { parseAddress } from "../layout/address.ts";
import { type Finding, list } from "./finding.ts";
import { show } from "./issue.ts";
import type { Path } from "./locate.ts";
import { findReferenced, namesOf } from "./reference.ts";
import type { Lab } from "./schema.ts";

/** A lab that a comparison names, or why it can't be compared. */
export type Compared = { lab: Lab } | { problem: string };

const BUILT = ["nodes", "pods", "namespaces", "links", "checks"] as const;

/** `compared`: by the name in the file. Of a lab that was not read nothing is said. */
export function validateComparison(lab: Lab, compared: ReadonlyMap<string, Compared>): Finding[] {
  const names = lab.compare?.labs ?? [];
  const builds: Finding[] = [
    ...BUILT.filter((key) => lab[key].length > 0),
    ...(lab.network ? (["network"] as const) : []),
    ...(lab.underlay.networks.length > 0 ? (["underlay"] as const) : []),
  ].map((key) => ({ path: [key], message: "a comparison builds nothing itself; allowed is only what its labs have" }));
  const missing = names.flatMap((name, index): Finding[] => {
    const found = compared.get(name);
    return found && "problem" in found ? [{ path: ["compare", "labs", index], message: found.problem }] : [];
  });
  const labs = names.flatMap((name) => {
    const found = compared.get(name);
    return found && "lab" in found ? [found.lab] : [];
  });
  const ends = lab.traffic.flatMap(({ from, to }, index): { text: string; path: Path }[] => [
    { text: from, path: ["traffic", index, "from"] },
    ...(parseAddress(to) === undefined ? [{ text: to, path: ["traffic", index, "to"] }] : []),
  ]);
  const unknown = ends.flatMap(({ text, path }) =>
    labs.flatMap((one): Finding[] => {
      const known = namesOf(one);
      const found = findReferenced(text, known);
      if (found.length === 1) return [];
      if (found.length > 1)
        return [
          {
            path,
            message: `${show(text)} may mean ${found.map(({ name }) => name).join(" or ")} in ${one.id}; write which`,
          },
        ];
      return [
        {
          path,
          message: `found ${show(text)}, which ${one.id} does not have; allowed are ${list(known.map(({ name }) => name))}`,
        },
      ];
    }),
  );
  return [...builds, ...missing, ...unknown];
}
