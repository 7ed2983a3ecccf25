/** Network namespaces. */

import { type Namespace, netnsFile } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planNetns(netns: Namespace): Step {
  return { command: `netns add ${netnsFile(netns.name)}`, why: netns.why };
}
