/** The target that labs run on: this machine, as the user that runs Hoplab or as root. */

import { ok, type Result } from "../../preload/contract/result.ts";
import { ElevatedTarget, type Elevation } from "./elevated-target.ts";
import { LocalTarget } from "./local-target.ts";
import type { Target } from "./target.ts";

/** Faults: `missing` or `denied` where Hoplab should become root and can't. */
export async function chooseTarget(elevate: Elevation | undefined): Promise<Result<Target>> {
  return elevate ? ElevatedTarget.start(elevate) : ok(new LocalTarget());
}
