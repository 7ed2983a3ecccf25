/** What docs/bring-up.json has: `scripts/bench labs` writes it, docs/faithfulness.md is made with it. */

import * as z from "zod";

/** Milliseconds, each the least of several rounds. */
const bringUp = z.object({
  lab: z.string(),
  /** `local`, or `vm` where the machine can't host it. */
  target: z.string(),
  /** The `ip` and `bridge` batches alone. */
  floor: z.number(),
  /** The whole printed plan, run by sh. */
  plan: z.number(),
  /** `up`, in a process that is connected. */
  up: z.number(),
});
export type BringUp = z.infer<typeof bringUp>;

export const bringUps = z.object({ machine: z.string(), labs: z.array(bringUp) });
export type BringUps = z.infer<typeof bringUps>;
