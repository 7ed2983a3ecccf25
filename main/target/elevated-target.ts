/** This machine as root, through sudo or pkexec: one long-lived hub, so one authentication. */

import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { Hub } from "./hub.ts";
import { HubTarget } from "./hub-target.ts";
import { spawnHere } from "./local-target.ts";
import { run } from "./run.ts";
import type { Target } from "./target.ts";

export type Elevation = "sudo" | "pkexec";

/**
 * Starts it; sudo asks for a password on the terminal, pkexec in a window of its own.
 * Faults: `missing` (no sudo, no pkexec, no perl), `denied`.
 */
export async function elevate(
  local: Target,
  elevation: Elevation,
  program: readonly string[] = [elevation],
): Promise<Result<Target>> {
  const there = await run(local, [program[0] ?? "", "--version"], { exitCodes: "any" });
  if (!there.ok) {
    return fail("missing", `${elevation} is not installed`, { fix: "Run hoplab as root, or without it (rootless)." });
  }
  const hub = await Hub.start(spawnHere([...program, "perl"]), { name: elevation, patient: true });
  if (hub.ok) return ok(new HubTarget(local.id, hub.value, { remote: false }));
  if (hub.fault.code === "missing") return hub;
  return fail("denied", `${elevation} did not let Hoplab become root: ${hub.fault.message}`, {
    fix: "Run hoplab without it: labs are rootless by default.",
  });
}
