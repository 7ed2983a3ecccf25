/** The labs of this repository, expanded, for pictures and tests of what people will really see. */

import { parse } from "yaml";
import { labSchema } from "../../main/lab/schema.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import type { Topology } from "../../preload/contract/topology.ts";

const files: Record<string, string> = import.meta.glob("../../labs/*/lab.yaml", {
  query: "?raw",
  import: "default",
  eager: true,
});

/** A comparison builds nothing to draw. */
export const labTopologies: Topology[] = Object.values(files)
  .map((text) => labSchema.parse(parse(text)))
  .filter((lab) => !lab.compare)
  .map(layOutLab);
