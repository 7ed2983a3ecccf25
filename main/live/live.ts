/** What is asked for of a lab that is up: the lab as it is now, the faults in it, and the agents that are stopped. Pure. */

import type { Lab } from "../lab/schema.ts";

export interface Live {
  /** How often it was changed since it was built. */
  revision: number;
  /** With its nodes as they are now, each with the shares of the pod network that it holds. */
  lab: Lab;
  /** Names of the injected faults, in the order in which they were injected. */
  faults: string[];
  /** By the name of each injected fault that stops an agent: the lab as that agent last saw it. */
  asOf: Record<string, Lab>;
  /** By the name of each node whose agent is stopped: the lab as that agent last saw it. */
  stopped: Record<string, Lab>;
}
