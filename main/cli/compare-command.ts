/** The compare command: the same traffic in two labs, and the journeys side by side. */

import type { Comparison, LabDetail } from "../../preload/contract/calls.ts";
import { SIDES, type Side } from "../../preload/contract/comparison.ts";
import type { Sandbox, Traffic } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { findNamespace } from "../sandbox/open-sandbox.ts";
import { bringUp, comparedLabs, sandboxName } from "./lab-commands.ts";
import { printComparison } from "./print-comparison.ts";
import { completeTraffic, runSend, type SendOptions } from "./send-command.ts";
import { type CliOptions, CliSession, EXIT_FAILED } from "./session.ts";

/** Columns of what is no terminal: a pipe or a file. */
const COLUMNS = 100;

/** One of the labs: up already, or to be brought up under a name of its own. */
interface Place {
  lab: string;
  /** The lab by what it can be opened with: its file where it was brought up from one. */
  source: string;
  topology: Topology;
  sandbox: string;
  up: boolean;
}

/**
 * Sends in both at the same time. A lab that is not up is brought up for it and taken down again. `other` is left out
 * where `lab` is a comparison.
 */
export async function runCompare(
  options: CliOptions,
  lab: string,
  other: string | undefined,
  wanted: SendOptions,
): Promise<void> {
  await using session = await CliSession.open(options);
  // Awaited here: the session ends with this function.
  await compareLabs(session, lab, other, wanted);
}

/** A comparison is sent in by comparing. */
export async function runSendOrCompare(options: CliOptions, lab: string, wanted: SendOptions): Promise<void> {
  await using session = await CliSession.open(options);
  if (await comparedLabs(session, lab)) await compareLabs(session, lab, undefined, wanted);
  else await runSend(session, lab, wanted);
}

async function compareLabs(
  session: CliSession,
  lab: string,
  other: string | undefined,
  wanted: SendOptions,
): Promise<void> {
  const asked = await askedFor(session, lab, other, wanted);
  if (!asked.ok) return session.fault(asked.fault);
  const { places, traffic } = asked.value;
  const built = await bringBothUp(session, places);
  const compared = built.ok ? await compare(session, places, traffic) : built;
  for (const { name: sandbox } of built.ok ? built.value : []) {
    const down = await session.call("lab.down", { sandbox });
    if (!down.ok) session.fault(down.fault);
  }
  const names = { left: places[0].sandbox, right: places[1].sandbox };
  session.print(
    compared,
    (comparison) => printComparison(comparison, names, process.stdout.columns ?? COLUMNS),
    (comparison) => ({
      labs: [places[0].lab, places[1].lab],
      sandboxes: [names.left, names.right],
      traffic,
      ...comparison,
    }),
  );
  const unanswered = (side: Side) => compared.ok && compared.value[side].received < compared.value[side].sent;
  if (SIDES.some(unanswered)) process.exitCode = EXIT_FAILED;
}

async function askedFor(
  session: CliSession,
  lab: string,
  other: string | undefined,
  wanted: SendOptions,
): Promise<Result<{ places: [Place, Place]; traffic: Traffic }>> {
  const refs = other === undefined ? await labsOf(session, lab) : ok<[string, string]>([lab, other]);
  if (!refs.ok) return refs;
  const listed = await session.sandboxes();
  if (!listed.ok) return listed;
  const left = await findPlace(session, refs.value[0], listed.value, []);
  if (!left.ok) return left;
  const right = await findPlace(session, refs.value[1], listed.value, [left.value.sandbox]);
  if (!right.ok) return right;
  const traffic = await completeTraffic(session, other === undefined ? lab : left.value.source, wanted, [
    left.value.topology,
    right.value.topology,
  ]);
  if (!traffic.ok) return traffic;
  const known = inBoth(left.value, right.value, traffic.value);
  return known.ok ? ok({ places: [left.value, right.value], traffic: traffic.value }) : known;
}

/** The two labs of a comparison. */
async function labsOf(session: CliSession, ref: string): Promise<Result<[string, string]>> {
  const detail = await session.call("lab.open", { lab: ref });
  if (!detail.ok) return detail;
  const { compares, id } = detail.value.lab;
  if (compares) return ok(compares);
  return fail("bad-input", `${id} is one lab; a comparison needs two`, {
    fix: `Name the other one: \`hoplab compare ${ref} LAB\`.`,
  });
}

/** A sandbox of that name; else a name for one. Not one of those in `taken`. */
async function findPlace(
  session: CliSession,
  ref: string,
  sandboxes: readonly Sandbox[],
  taken: readonly string[],
): Promise<Result<Place>> {
  const free = sandboxes.filter((sandbox) => !taken.includes(sandbox.name));
  const name = await sandboxName(ref, free);
  const up = free.find((sandbox) => sandbox.name === name);
  if (up) {
    const topology = await session.call("sandbox.topology", { sandbox: up.name });
    if (!topology.ok) return topology;
    return ok({ lab: up.lab, source: sourceOf(up), topology: topology.value, sandbox: up.name, up: true });
  }
  // The name of a sandbox that is the other side already: another copy of its lab.
  const same = sandboxes.find((sandbox) => sandbox.name === ref);
  const source = same ? sourceOf(same) : ref;
  const detail: Result<LabDetail> = await session.call("lab.open", { lab: source });
  if (!detail.ok) return detail;
  const { id, compares } = detail.value.lab;
  if (compares) return fail("bad-input", `${id} is a comparison itself`, { fix: `Run \`hoplab compare ${ref}\`.` });
  const isTaken = (one: string) => taken.includes(one) || sandboxes.some((sandbox) => sandbox.name === one);
  let sandbox = id;
  for (let number = 2; isTaken(sandbox); number++) sandbox = `${id}-${number}`;
  return ok({ lab: same ? id : ref, source, topology: detail.value.topology, sandbox, up: false });
}

function sourceOf({ lab, file }: Sandbox): string {
  return file ?? lab;
}

/** Told before anything is built. A name that neither knows is told by the sending itself. */
function inBoth(left: Place, right: Place, { from, to }: Traffic): Result<null> {
  for (const name of [from, ...(/^[\d.]+$/.test(to) ? [] : [to])]) {
    for (const { sandbox, topology } of [left, right]) {
      const found = findNamespace(topology, name);
      if (!found.ok)
        return fail("not-found", `${sandbox} has no ${JSON.stringify(name)}, so there is nothing to compare`, {
          fix: found.fault.fix,
        });
    }
  }
  return ok(null);
}

/** Both at once. Where one fails, the other is taken down again. Answers with those that were brought up. */
async function bringBothUp(session: CliSession, places: readonly Place[]): Promise<Result<Sandbox[]>> {
  const missing = places.filter(({ up }) => !up);
  if (missing.length > 0 && !session.json)
    process.stderr.write(
      `Not up, so built for this command only: ${missing.map(({ sandbox }) => sandbox).join(", ")}.\n`,
    );
  const started = await Promise.all(missing.map(({ source, sandbox }) => bringUp(session, source, sandbox)));
  const up = started.flatMap((result) => (result.ok ? [result.value] : []));
  const failed = started.find((result) => !result.ok);
  if (!failed || failed.ok) return ok(up);
  for (const { name } of up) await session.call("lab.down", { sandbox: name });
  return failed;
}

async function compare(
  session: CliSession,
  places: readonly [Place, Place],
  traffic: Traffic,
): Promise<Result<Comparison>> {
  const [left, right] = places;
  const compared = await session.call("traffic.compare", {
    left: { sandbox: left.sandbox },
    right: { sandbox: right.sandbox },
    traffic,
  });
  if (compared.ok)
    for (const side of SIDES) await session.call("capture.stop", { capture: compared.value[side].capture });
  return compared;
}
