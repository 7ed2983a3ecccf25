/** What was asked for of a sandbox that is up, as it is kept in it. */

import * as z from "zod";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { runningLabSchema } from "../lab/schema.ts";
import type { Live } from "../live/live.ts";
import { SANDBOX_FOLDER } from "./holder.ts";
import type { OpenSandbox } from "./open-sandbox.ts";

/** A lab as it is asked for, and the topology that it was built as. */
export interface Built {
  live: Live;
  topology: Topology;
}

/** What a sandbox was read as. */
export interface LiveRecord extends Built {
  /** Another one means that another client has changed the lab since. */
  version: string;
  /** What a change that was broken off was about to build; the state may be anything between that and the rest. */
  brokenOff?: Built;
}

const liveSchema = z.object({
  revision: z.int().min(0),
  lab: runningLabSchema,
  faults: z.array(z.string()),
  // Older sandboxes have none.
  asOf: z.record(z.string(), runningLabSchema).default({}),
  stopped: z.record(z.string(), runningLabSchema),
});
// Of Hoplab's own making, and as large as the lab: what it is can be believed as that of any sandbox.
const topologySchema = z.custom<Topology>((value) => typeof value === "object" && value !== null);
const builtSchema = z.object({ live: liveSchema, topology: topologySchema });
const journalSchema = z.object({ before: builtSchema, after: builtSchema });

/** Behind the revision, where a change is under way or was broken off. */
export const UNDER_WAY = "+";

const MARK = "hoplab:next";
const READ = `cd ${SANDBOX_FOLDER} || exit 1
cat version; echo ${MARK}; cat live.json; echo ${MARK}; cat topology.json; echo ${MARK}
! grep -q '[${UNDER_WAY}]' version || cat change.json
`;

/** Faults: `missing` where another version of Hoplab built it, `gone`. */
export async function readLive(sandbox: OpenSandbox): Promise<Result<LiveRecord>> {
  const read = await sandbox.run(["sh", "-c", `{ ${READ} } 2>/dev/null; exit 0`]);
  if (!read.ok) return read;
  const [version = "", live = "", topology = "", journal = ""] = read.value.stdout.split(`${MARK}\n`);
  const built = builtSchema.safeParse({ live: parseJson(live), topology: parseJson(topology) });
  const begun = journalSchema.safeParse(parseJson(journal));
  const mark = version.trim();
  if (mark.includes(UNDER_WAY) && begun.success) {
    return ok({ version: mark, ...begun.data.before, brokenOff: begun.data.after });
  }
  if (mark && built.success) return ok({ version: mark, ...built.data });
  const { name } = sandbox.sandbox;
  return fail("missing", `the lab ${name} was brought up by another version of Hoplab and can't be changed`, {
    fix: `Take it down and bring it up again: \`hoplab down ${name}\`.`,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
