/** Whether what was seen is what a lab's check expects. Pure. */

import type { Journey } from "../../preload/contract/journey.ts";
import type { Checked, Traffic } from "../../preload/contract/lab.ts";
import { findReferenced, splitInterface } from "../lab/reference.ts";
import type { LabCheck } from "../lab/schema.ts";

/** What a check sends. Exactly one of its kinds is set in a valid lab. */
export function trafficOf({ ping, path }: LabCheck): Traffic {
  if (path) return { from: path.from, to: path.to, protocol: path.protocol, ...portOf(path), count: 1 };
  return { from: ping!.from, to: ping!.to, protocol: "icmp", count: 1 };
}

function portOf({ port }: { port?: number | undefined }): { port?: number } {
  return port === undefined ? {} : { port };
}

export interface Seen {
  /** How many answers came back. */
  received: number;
  /** The journey of what was sent first, with its causes; absent where nothing was seen. */
  journey?: Journey;
}

/** `check` is the first part of what is printed about it: `ping a to c`. */
export function judge(check: LabCheck, seen: Seen): Checked {
  return check.path ? judgePath(check.path, seen) : judgePing(check.ping!, seen);
}

function judgePing(ping: NonNullable<LabCheck["ping"]>, { received, journey }: Seen): Checked {
  const passed = ping.lost ? received === 0 : received > 0;
  const why = stopWords(journey);
  return {
    check: `ping ${ping.from} to ${ping.to}`,
    passed,
    expected: ping.lost ? "no answer" : "an answer",
    observed: received > 0 ? "answered" : `no answer${why ? `; ${why}` : ""}`,
  };
}

function judgePath(path: NonNullable<LabCheck["path"]>, { journey }: Seen): Checked {
  const check = `path ${path.from} to ${path.to}${path.protocol === "icmp" ? "" : ` by ${path.protocol}`}`;
  const through = path.through.length > 0 ? [`through ${path.through.join(", ")}`] : [];
  const avoids = path.avoids.length > 0 ? [`never by ${path.avoids.join(", ")}`] : [];
  const expected = ["arrives", ...through, ...avoids].join(", ");
  if (!journey) return { check, passed: false, expected, observed: "nothing was seen of it" };
  const visited = wayOf(journey);
  const names = [...new Set(visited.map(({ netns }) => netns))].map((name) => ({
    name,
    label: name.slice(name.indexOf("/") + 1),
  }));
  const isAt = (text: string) => {
    const parts = splitInterface(text);
    const found = parts && findReferenced(parts.reference, names)[0]?.name;
    return (place: Place) => place.netns === found && place.interface === parts?.interface;
  };
  let from = 0;
  const missed = path.through.find((text) => {
    const index = visited.findIndex((place, at) => at >= from && isAt(text)(place));
    from = index + 1;
    return index < 0;
  });
  const met = path.avoids.find((text) => visited.some(isAt(text)));
  const way = visited.map(({ netns, interface: name }) => `${netns}/${name}`).join(", ");
  const arrived = journey.end === "arrived";
  const why = arrived ? "" : `; ${stopWords(journey)}`;
  return { check, passed: missed === undefined && met === undefined && arrived, expected, observed: `${way}${why}` };
}

interface Place {
  netns: string;
  interface: string;
}

/** The interfaces from the first hop to the last on the way to its destination; branches that a flood made are left out. */
function wayOf({ hops }: Journey): Place[] {
  const arrived = hops.findLastIndex(({ changes }) => changes.some(({ kind }) => kind === "delivered"));
  const way: Place[] = [];
  for (let at: number | undefined = arrived < 0 ? hops.length - 1 : arrived; at !== undefined; at = hops[at]?.parent) {
    const hop = hops[at];
    const last = way[0];
    if (hop && (last?.netns !== hop.netns || last.interface !== hop.interface)) way.unshift(hop);
  }
  return way.map(({ netns, interface: name }) => ({ netns, interface: name }));
}

/** Where a packet that did not arrive was last seen, and the kernel state that shows why. */
function stopWords(journey: Journey | undefined): string {
  if (!journey || journey.end === "arrived") return "";
  const cause = journey.hops.findLast(({ causes }) => causes && causes.length > 0)?.causes?.at(-1);
  return `last seen at ${journey.lastSeen}${journey.end === "lost" && cause ? `: ${cause.text}` : ""}`;
}
