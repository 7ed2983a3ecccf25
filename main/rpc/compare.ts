/** Sends the same traffic in two sandboxes at the same time and aligns what became of it. */

import type { CallArgument, CallOutput, Comparison, Sent } from "../../preload/contract/calls.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import type { Sandbox, Traffic } from "../../preload/contract/lab.ts";
import { type Fault, fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { comparePackets } from "../journey/compare.ts";
import { findNamespace, type OpenSandbox } from "../sandbox/open-sandbox.ts";

/** Packets of each side that are compared; of more they are counted. */
const COMPARED_PACKETS = 50;

/** The calls that it is made of. */
interface Calls {
  send(input: CallArgument<"traffic.send">): Promise<Result<CallOutput<"traffic.send">>>;
  open(input: CallArgument<"journey.open">): Promise<Result<Journey>>;
}

/** Faults: those of sending, and `not-found` where a name is in one of the labs only. */
export async function compareTraffic(
  left: OpenSandbox,
  right: OpenSandbox,
  traffic: Traffic,
  calls: Calls,
): Promise<Result<Comparison>> {
  const { name, target, pid } = left.sandbox;
  if (right.sandbox.target === target && right.sandbox.pid === pid) {
    return fail("bad-input", `${name} can't be compared with itself`, {
      fix: "Bring a second copy up under another name.",
    });
  }
  const known = inBoth(left, right, traffic);
  if (!known.ok) return known;
  const send = ({ sandbox: { name, target } }: OpenSandbox) => calls.send({ sandbox: name, target, traffic });
  const [ours, theirs] = await Promise.all([send(left), send(right)]);
  if (!ours.ok) return named(ours, left.sandbox);
  if (!theirs.ok) return named(theirs, right.sandbox);
  const [leftMade, rightMade] = [await openAll(calls, ours.value), await openAll(calls, theirs.value)];
  const packets = comparePackets(
    { made: leftMade, topology: left.topology },
    { made: rightMade, topology: right.topology },
  );
  const more = ours.value.journeys.length - leftMade.length + theirs.value.journeys.length - rightMade.length;
  return ok({ left: ours.value, right: theirs.value, packets, more });
}

async function openAll(calls: Calls, { capture, journeys }: Sent): Promise<Journey[]> {
  const opened: Journey[] = [];
  for (const journey of journeys.slice(0, COMPARED_PACKETS)) {
    const result = await calls.open({ capture, journey });
    if (result.ok) opened.push(result.value);
  }
  return opened;
}

/** A name that only one lab knows can't be compared; one that neither knows is told by the sending itself. */
function inBoth(left: OpenSandbox, right: OpenSandbox, { from, to }: Traffic): Result<null> {
  for (const name of [from, ...(/^[\d.]+$/.test(to) ? [] : [to])]) {
    const inLeft = findNamespace(left.topology, name).ok;
    if (inLeft === findNamespace(right.topology, name).ok) continue;
    const [has, lacks] = inLeft ? [left, right] : [right, left];
    return fail("not-found", `${has.sandbox.name} has ${JSON.stringify(name)}, but ${lacks.sandbox.name} has not`, {
      fix: `Both have ${sharedEnds(left.topology, right.topology).join(", ") || "no name in common"}.`,
    });
  }
  return ok(null);
}

function sharedEnds(left: Topology, right: Topology): string[] {
  const ends = (topology: Topology) => topology.namespaces.filter(({ kind }) => kind !== "net").map(({ name }) => name);
  const others = new Set(ends(right));
  return ends(left)
    .filter((name) => others.has(name))
    .slice(0, 30);
}

/** The fault of one side, which says of which. */
function named({ fault }: { fault: Fault }, { name }: Sandbox): Result<never> {
  return { ok: false, fault: { ...fault, message: `in ${name}: ${fault.message}` } };
}
