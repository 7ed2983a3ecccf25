/** Permanent forwarding entries of bridges and VXLAN devices. */

import type { FdbEntry } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planFdbEntry(entry: FdbEntry): Step {
  const where = entry.dst ? `dst ${entry.dst} self permanent` : "master static";
  return { command: `fdb replace ${entry.mac} dev ${entry.dev} ${where}`, why: entry.why };
}
