/** Permanent forwarding entries of bridges and VXLAN devices. */

import type { FdbEntry } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

/** Several destinations for this MAC address are a list. */
const ALL_OTHERS = "00:00:00:00:00:00";

export function planFdbEntry(entry: FdbEntry): Step {
  // To a list the next is appended.
  const verb = entry.mac === ALL_OTHERS ? "append" : "replace";
  const where = entry.dst ? `dst ${entry.dst} self permanent` : "master static";
  return { command: `fdb ${verb} ${entry.mac} dev ${entry.dev} ${where}`, why: entry.why };
}

/** What tells it from the others of its namespace. */
export function fdbKey({ mac, dev, dst }: FdbEntry): string {
  return mac === ALL_OTHERS ? `${mac} ${dev} ${dst}` : `${mac} ${dev}`;
}

export function planNoFdbEntry({ mac, dev, dst }: FdbEntry): Step {
  return {
    command: `fdb delete ${mac} dev ${dev} ${dst ? `dst ${dst} self` : "master"}`,
    why: `${mac} is not to be found behind ${dev} any more.`,
  };
}
