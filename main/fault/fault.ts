/**
 * A named break that can be injected into a lab that is up, and reverted. It says what would be asked for if the lab were
 * broken like that: another lab, or another topology. What then has to be run is planned from the difference, as for every
 * other change, so that reverting brings back what was there before.
 */

import type { Traffic, Words } from "../../preload/contract/lab.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import type { Lab } from "../lab/schema.ts";
import type { Live } from "../live/live.ts";

export interface LabFault {
  /** Unique in the lab, in kebab-case: `ip-forward-off`. */
  name: string;
  title: Words;
  /** What a learner sees. */
  symptom: Words;
  /** How to find it, with commands. */
  search: Words;
  /** Arrives without the fault; is lost, or gets no answer, with it. */
  shows: Traffic;
  /**
   * What is asked for with the fault, before it is laid out: a node that moved, an agent that is stopped. `then`: the lab as
   * it was when the fault came, which is all that an agent knows that has been stopped since.
   */
  live?: (live: Live, then: Lab) => Live;
  /** The topology with the fault. Leaves alone what it does not find: the node may have left since. */
  topology?: (topology: Topology) => Topology;
  /** What has to be run besides, after the topology has changed: for state that no topology holds, such as caches. */
  steps?: { inject?: FaultStep[]; revert?: FaultStep[] };
}

export interface FaultStep {
  /** `node/node1` */
  netns: string;
  /** A shell command in that namespace. It must not fail where it was run before. */
  command: string;
  why: string;
  /** It is tried again until it succeeds, which must not take longer than 30 s. */
  wait?: boolean;
}
