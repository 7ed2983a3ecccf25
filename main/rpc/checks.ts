/** Runs a lab's checks: each sends its traffic while everything is captured, and is judged by what was seen. */

import type { Checked, Progress } from "../../preload/contract/lab.ts";
import { ok, type Result } from "../../preload/contract/result.ts";
import { interfacesFor, sendAndFollow } from "../capture/send.ts";
import { judge, trafficOf } from "../check/judge.ts";
import type { LabCheck } from "../lab/schema.ts";
import type { OpenSandbox } from "../sandbox/open-sandbox.ts";
import { resolveTraffic } from "../sandbox/traffic.ts";
import type { Captures } from "./captures.ts";

/** One result for each check, in their order. The capture is stopped again where none ran before. */
export async function runChecks(
  captures: Captures,
  sandbox: OpenSandbox,
  checks: readonly LabCheck[],
  { signal, progress }: { signal: AbortSignal; progress: (progress: Progress) => void },
): Promise<Result<Checked[]>> {
  const checked: Checked[] = [];
  const started = new Set<string>();
  try {
    for (const [index, check] of checks.entries()) {
      const traffic = trafficOf(check);
      progress({
        done: index,
        total: checks.length,
        why: `${check.path ? "path" : "ping"} ${traffic.from} to ${traffic.to}`,
      });
      const way = resolveTraffic(sandbox.topology, traffic);
      if (!way.ok) return way;
      const before = (await captures.list()).filter(({ running }) => running).map(({ id }) => id);
      const session = await captures.start(sandbox, interfacesFor(sandbox.topology, way.value).interfaces);
      if (!session.ok) return session;
      const { id } = session.value.capture;
      if (!before.includes(id)) started.add(id);
      const sent = await sendAndFollow(session.value, way.value, traffic, signal);
      if (!sent.ok) return sent;
      const [first] = sent.value.packets;
      const opened = first && (await session.value.store.call("journey", first.journey));
      const capture = await captures.load(id);
      const journey = opened && capture.ok ? await captures.explain(capture.value, opened) : undefined;
      checked.push(judge(check, { received: sent.value.received, ...(journey ? { journey } : {}) }));
    }
  } finally {
    for (const id of started) await captures.stop(id);
  }
  return ok(checked);
}
