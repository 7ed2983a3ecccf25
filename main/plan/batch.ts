/** What a plan is made of: a few batches, each one process that gets its steps as lines on stdin. */

export interface Plan {
  lab: string;
  batches: Batch[];
}

export type Tool = "sh" | "ip" | "bridge" | "ipset" | "iptables-restore" | "nft";

export interface Batch {
  /** What this batch builds, in a sentence. */
  why: string;
  /** Name of the namespace's file in /run/netns; absent for the sandbox itself. */
  netns?: string;
  tool: Tool;
  /** Goes on behind a step that fails, and does not fail itself: what is to be removed may have gone already. */
  tolerant?: boolean;
  /** Of iptables-restore: the tables in it replace those there are, at once. Of ipset: what is there already is no fault. */
  replace?: boolean;
  steps: Step[];
}

export interface Step {
  /** One line as the tool reads it; for `sh` it may be several. */
  command: string;
  /** Empty where the step only frames others, such as COMMIT. */
  why: string;
}
