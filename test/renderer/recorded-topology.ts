/** The recorded topology, checked as far as the page relies on it. */

import * as z from "zod";
import type { Topology } from "../../preload/contract/topology.ts";

const shape: z.ZodType<Topology> = z.custom<Topology>(
  (value) =>
    z.looseObject({ lab: z.string(), namespaces: z.array(z.looseObject({ name: z.string() })) }).safeParse(value)
      .success,
);

export function recordedTopology(json: unknown): Topology {
  return shape.parse(json);
}
