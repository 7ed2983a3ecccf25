/** A lab that is up and changes: nodes join and leave, the agent of a node is stopped, faults are injected and reverted. */

import * as z from "zod";
import type { Traffic, Words } from "./lab.ts";

const name = z.string().min(1).max(63);
const address = z.string().min(1).max(15);

/** One thing to change in a lab that is up. */
export const labChangeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("inject-fault"), name }),
  z.object({ kind: z.literal("revert-fault"), name }),
  z.object({
    kind: z.literal("add-node"),
    name,
    /** A free one of the network unless given. */
    address: address.optional(),
    /** The underlay network; that of the address, else that of the first node, unless given. */
    network: name.optional(),
    /** The pods that it gets: one with a name of its own unless given. */
    pods: z.array(name).max(100).optional(),
  }),
  /** Its pods go too. */
  z.object({ kind: z.literal("remove-node"), name }),
  /** Another first address, on any underlay network. */
  z.object({ kind: z.literal("move-node"), name, address }),
  /** Nothing more is written on that node by its network plugin, until the agent is started and catches up. */
  z.object({ kind: z.literal("stop-agent"), name }),
  z.object({ kind: z.literal("start-agent"), name }),
]);
export type LabChange = z.infer<typeof labChangeSchema>;

/** What can be changed in a lab that is up, and what was. */
export interface LiveLab {
  /** How often the lab was changed since it was built. */
  revision: number;
  nodes: LiveNode[];
  faults: LiveFault[];
}

export interface LiveNode {
  name: string;
  address: string;
  /** The underlay network of that address. */
  network: string;
  /** The network plugin's own process on that node (flanneld, calico-node); absent where the lab has no plugin. */
  agent?: "running" | "stopped";
}

/** A named break that can be injected and reverted. */
export interface LiveFault {
  name: string;
  title: Words;
  /** What a learner sees. */
  symptom: Words;
  /** How to find it, with commands. */
  search: Words;
  /** Traffic that arrives without the fault and does not with it. */
  shows: Traffic;
  injected: boolean;
}
