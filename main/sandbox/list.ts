/** Finds and ends the sandboxes of this user on a target. The kernel's process list is the only record. */

import * as z from "zod";
import type { Sandbox } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { run } from "../target/run.ts";
import type { Target } from "../target/target.ts";
import { END_SCRIPT, LIST_SCRIPT } from "./holder.ts";

/** A sandbox's first process: the pid alone could be another process later, with the start time it can't. */
export interface Holder {
  pid: number;
  /** In clock ticks since the target's boot. */
  startTicks: string;
  name: string;
  /** Absent while the sandbox is being built. */
  sandbox?: Sandbox;
}

const infoSchema = z.object({
  name: z.string(),
  lab: z.string(),
  file: z.string().optional(),
  startedAt: z.number(),
  rootless: z.boolean(),
  namespaces: z.array(z.string()),
  revision: z.number().default(0),
});
export type SandboxInfo = z.infer<typeof infoSchema>;

/** All sandboxes of this user on the target, oldest first, also those still being built. */
export async function listHolders(target: Target): Promise<Result<Holder[]>> {
  const listed = await run(target, ["sh", "-c", LIST_SCRIPT]);
  if (!listed.ok) return listed;
  const holders = listed.value.stdout.split("\n").flatMap((line) => parseHolder(line, target.id));
  return ok(holders.sort((a, b) => Number(a.startTicks) - Number(b.startTicks) || a.pid - b.pid));
}

/** The sandboxes that are whole. */
export async function listSandboxes(target: Target): Promise<Result<Sandbox[]>> {
  const holders = await listHolders(target);
  return holders.ok ? ok(holders.value.flatMap((holder) => holder.sandbox ?? [])) : holders;
}

/** The whole sandbox of that name. */
export async function findHolder(target: Target, name: string): Promise<Result<Holder & { sandbox: Sandbox }>> {
  const holders = await listHolders(target);
  if (!holders.ok) return holders;
  for (const holder of holders.value) {
    if (holder.name === name && holder.sandbox) return ok({ ...holder, sandbox: holder.sandbox });
  }
  const building = holders.value.some((holder) => holder.name === name);
  const up = holders.value.map((holder) => holder.name).join(", ");
  return building
    ? fail("not-found", `${name} is still being built`, { fix: "Wait until `hoplab ps` lists it." })
    : fail("not-found", `no lab called ${name} is up on ${target.id}`, {
        fix: up ? `These are up: ${up}.` : "Bring it up with `hoplab up`.",
      });
}

/** Ends a sandbox with everything in it. Answers when its first process is gone; ending one that is gone is no error. */
export async function endHolder(target: Target, holder: Pick<Holder, "pid" | "startTicks">): Promise<Result<null>> {
  const ended = await run(target, ["sh", "-c", END_SCRIPT, "sh", String(holder.pid), holder.startTicks]);
  return ended.ok ? ok(null) : ended;
}

function parseHolder(line: string, target: string): Holder[] {
  const [pid, startTicks, name, json] = line.split("\t");
  if (!pid || !startTicks || !name) return []; // ended while it was being read
  const holder: Holder = { pid: Number(pid), startTicks, name };
  const info = json ? infoSchema.safeParse(parseJson(json)) : undefined;
  if (info?.success) holder.sandbox = { ...info.data, target, pid: holder.pid };
  return [holder];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
