/** Reads what was asked for of a sandbox that is up. */

import * as z from "zod";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { runningLabSchema } from "../lab/schema.ts";
import type { Live } from "../live/live.ts";
import { run } from "../target/run.ts";
import { SANDBOX_FOLDER } from "./holder.ts";
import type { OpenSandbox } from "./open-sandbox.ts";

const liveSchema = z.object({
  revision: z.int().min(0),
  lab: runningLabSchema,
  faults: z.array(z.string()),
  stopped: z.record(z.string(), runningLabSchema),
});

/** Faults: `missing` where another version of Hoplab built it, `gone`. */
export async function readLive({ target, sandbox }: OpenSandbox): Promise<Result<Live>> {
  const read = await run(target, ["cat", `/proc/${sandbox.pid}/root${SANDBOX_FOLDER}/live.json`], {
    exitCodes: [0, 1],
  });
  if (!read.ok) return read;
  return parseLive(read.value.stdout, sandbox.name);
}

function parseLive(text: string, name: string): Result<Live> {
  const parsed = text.trim() ? liveSchema.safeParse(parseJson(text)) : undefined;
  if (parsed?.success) return ok(parsed.data);
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
