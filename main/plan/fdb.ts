/** Permanent forwarding entries of bridges and VXLAN devices. */

import type { FdbEntry } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planFdbEntry(entry: FdbEntry): Step {
  // Several destinations for one MAC are a list, to which the next is appended.
  const verb = entry.mac === "00:00:00:00:00:00" ? "append" : "replace";
  const where = entry.dst ? `dst ${entry.dst} self permanent` : "master static";
  return { command: `fdb ${verb} ${entry.mac} dev ${entry.dev} ${where}`, why: entry.why };
}
