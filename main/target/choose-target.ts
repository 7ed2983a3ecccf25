/** This machine as a target, as the user that runs Hoplab or as root. */

import { ok, type Result } from "../../preload/contract/result.ts";
import { type Elevation, elevate } from "./elevated-target.ts";
import { LocalTarget } from "./local-target.ts";
import type { Target } from "./target.ts";

/** Faults: `missing` or `denied` where Hoplab should become root and can't. */
export async function chooseLocalTarget(elevation: Elevation | undefined): Promise<Result<Target>> {
  const local = new LocalTarget();
  return elevation ? elevate(local, elevation) : ok(local);
}
