/** The send command: traffic in a lab, and the journey of each packet that it made. */

import type { Sent } from "../../preload/contract/calls.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import type { Traffic } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { findNamespace } from "../sandbox/open-sandbox.ts";
import { bringUp, sandboxName } from "./lab-commands.ts";
import { paint, printJourney } from "./print.ts";
import type { CliSession } from "./session.ts";

export interface SendOptions {
  from?: string;
  to?: string;
  protocol?: Traffic["protocol"];
  port?: number;
  count?: number;
  size?: number;
  dontFragment?: true;
  fragment?: true;
}

/** Sends traffic and prints each packet's journey. A lab that is not up is brought up for it and taken down again. */
export async function runSend(session: CliSession, lab: string, wanted: SendOptions): Promise<void> {
  const found = await findOrBringUp(session, lab);
  if (!found.ok) return session.fault(found.fault);
  if (found.value.broughtUp && !session.json)
    process.stderr.write(`${lab} is not up: it is built for this command only.\n`);
  const sent = await send(session, found.value.sandbox, found.value, wanted);
  if (found.value.broughtUp) {
    const down = await session.call("lab.down", { sandbox: found.value.sandbox });
    if (!down.ok) session.fault(down.fault);
  }
  session.print(sent, printSent, ({ sent: result, journeys, also, lab: id }) => ({
    lab: id,
    sent: result.sent,
    received: result.received,
    capture: result.capture,
    complaints: result.complaints,
    journeys,
    also,
  }));
  if (sent.ok && sent.value.sent.received < sent.value.sent.sent) process.exitCode = 1;
}

interface SentJourneys {
  lab: string;
  sent: Sent;
  journeys: Journey[];
  also: Journey[];
  note?: string;
}

/** The sandbox that is meant; one that is not up is built. */
export async function findOrBringUp(
  session: CliSession,
  ref: string,
): Promise<Result<{ sandbox: string; lab: string; file?: string | undefined; broughtUp: boolean }>> {
  const listed = await session.sandboxes();
  if (!listed.ok) return listed;
  const name = await sandboxName(ref, listed.value);
  const up = listed.value.find((sandbox) => sandbox.name === name);
  if (up) return ok({ sandbox: up.name, lab: up.lab, file: up.file, broughtUp: false });
  const started = await bringUp(session, ref);
  if (!started.ok) return started;
  const { name: sandbox, lab, file } = started.value;
  return ok({ sandbox, lab, file, broughtUp: true });
}

/** Sends in a sandbox that is up; what is not said is taken from what the lab suggests. */
export async function send(
  session: CliSession,
  sandbox: string,
  { lab, file }: { lab: string; file?: string | undefined },
  wanted: SendOptions,
): Promise<Result<SentJourneys>> {
  const topology = await session.call("sandbox.topology", { sandbox });
  if (!topology.ok) return topology;
  const traffic = await completeTraffic(session, file ?? lab, wanted, [topology.value]);
  if (!traffic.ok) return traffic;
  const { count } = traffic.value;
  if (count > MANY && !session.json) process.stderr.write(`Sending ${count} packets; Ctrl-C ends it.\n`);
  const sent = await session.call("traffic.send", { sandbox, traffic: traffic.value });
  if (!sent.ok) return sent;
  const journeys = await openAll(session, sent.value.capture, sent.value.journeys);
  const also = await openAll(session, sent.value.capture, sent.value.others);
  const capture = await session.call("capture.stop", { capture: sent.value.capture });
  const notes: string[] = [];
  if (capture.ok && capture.value.left)
    notes.push(`${capture.value.left.why} Left out: ${capture.value.left.interfaces.length}.`);
  if (capture.ok && capture.value.dropped > 0)
    notes.push(`${capture.value.dropped} frames were dropped; hops may be missing.`);
  if (capture.ok) notes.push(`Captured on ${capture.value.interfaces.length} interfaces into ${capture.value.file}`);
  return ok({ lab, sent: sent.value, journeys, also, note: notes.join("\n") });
}

/** Journeys opened for printing. More than this are counted only. */
const OPENED_JOURNEYS = 1000;

async function openAll(session: CliSession, capture: string, ids: readonly number[]): Promise<Journey[]> {
  const journeys: Journey[] = [];
  for (const journey of ids.slice(0, OPENED_JOURNEYS)) {
    const opened = await session.call("journey.open", { capture, journey });
    if (opened.ok) journeys.push(opened.value);
  }
  return journeys;
}

/** What is not said is taken from the first that the lab suggests of which all `topologies` have both ends. */
export async function completeTraffic(
  session: CliSession,
  lab: string,
  wanted: SendOptions,
  topologies: readonly Topology[],
): Promise<Result<Traffic>> {
  const detail = wanted.from && wanted.to ? undefined : await session.call("lab.open", { lab });
  const suggestions = detail?.ok ? detail.value.traffic : [];
  const isThere = (name: string) => topologies.every((each) => IS_ADDRESS.test(name) || findNamespace(each, name).ok);
  const suggested = suggestions.find(({ from, to }) => isThere(from) && isThere(to)) ?? suggestions[0];
  const from = wanted.from ?? suggested?.from;
  const to = wanted.to ?? suggested?.to;
  if (!from || !to) return fail("bad-input", `the lab ${lab} suggests no traffic`, { fix: "Say --from and --to." });
  const protocol = wanted.protocol ?? (wanted.port ? "tcp" : (suggested?.protocol ?? "icmp"));
  const port = wanted.port ?? suggested?.port;
  const size = wanted.size ?? suggested?.size;
  const dontFragment = wanted.dontFragment ?? (wanted.fragment ? false : suggested?.dontFragment);
  return ok({
    from,
    to,
    protocol,
    count: wanted.count ?? suggested?.count ?? 1,
    ...(port ? { port } : {}),
    ...(size === undefined ? {} : { size }),
    ...(dontFragment === undefined ? {} : { dontFragment }),
  });
}

const IS_ADDRESS = /^[\d.]+$/;

/** Answered, and yet not seen anywhere. */
const OVER_LO = ": what a namespace sends to itself goes over lo, which is not captured.";
/** It takes a while to send more than this. */
const MANY = 100;

/** Journeys beyond this many are not printed hop by hop. */
const PRINTED_JOURNEYS = 8;

export function printSent({ sent, journeys, also, note }: SentJourneys): string {
  const shown = journeys.slice(0, PRINTED_JOURNEYS);
  const more = sent.journeys.length - shown.length;
  const parts = shown.map(printJourney);
  if (shown.length === 0) parts.push(`No packet of this traffic was seen${sent.received > 0 ? OVER_LO : "."}`);
  // Then what was asked before it, and not answered, is why.
  const unanswered = shown.length > 0 ? [] : also.filter(({ end }) => end === "lost").slice(0, 1);
  parts.push(...unanswered.map(printJourney));
  if (more > 0) parts.push(`… and ${more} more packets; --json prints them all.`);
  const others = also
    .slice(0, PRINTED_JOURNEYS)
    .map((journey) => `  ${journey.summary}  ${journey.end}, ${journey.hops.length} hops`);
  if (others.length > 0) parts.push([paint("bold", "Also seen meanwhile"), ...others].join("\n"));
  if (sent.received < sent.sent && sent.complaints.length > 0) {
    parts.push([paint("bold", "What the sender was told"), ...sent.complaints.map((line) => `  ${line}`)].join("\n"));
  }
  const answered = `${sent.sent} sent, ${sent.received} answered`;
  parts.push(
    `${sent.received < sent.sent ? paint("red", answered) : paint("green", answered)}\n${paint("dim", note ?? "")}`,
  );
  return parts.join("\n\n");
}
