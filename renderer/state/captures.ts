/** The captures that the server keeps, and which one belongs to a sandbox. Pure. */

import type { Capture, CaptureGap, Events } from "../../preload/contract/calls.ts";
import type { Sandbox } from "../../preload/contract/lab.ts";

/** By id. */
export type Captures = Readonly<Record<string, Capture>>;

export function capturesById(list: readonly Capture[]): Captures {
  return Object.fromEntries(list.map((capture) => [capture.id, capture]));
}

export function withCapture(captures: Captures, capture: Capture): Captures {
  return { ...captures, [capture.id]: capture };
}

/** The counters of a running capture grow with its packets. */
export function withCounters(captures: Captures, changed: Events["packets.changed"]): Captures {
  const capture = captures[changed.capture];
  if (!capture) return captures;
  const { frames, dropped, total } = changed;
  return { ...captures, [capture.id]: { ...capture, frames, dropped, packets: total } };
}

/** A gap on the clock of the packet list: nanoseconds since the start of the capture. */
export interface GapTime {
  from: number;
  to: number;
  why: string;
}

/** The gaps that are over, as the packet list counts time. */
export function gapTimes(startedAt: number, gaps: readonly CaptureGap[]): GapTime[] {
  const since = (ms: number) => (ms - startedAt) * 1_000_000;
  return gaps.flatMap(({ from, to, why }) => (to === undefined ? [] : [{ from: since(from), to: since(to), why }]));
}

/** The gap between two packets that follow each other. */
export function gapBetween(gaps: readonly GapTime[], before: number, after: number): GapTime | undefined {
  return gaps.find(({ from, to }) => before < to && from < after && after >= to);
}

function newestFirst(a: Capture, b: Capture): number {
  return b.startedAt - a.startedAt;
}

/** The newest capture of this very sandbox, not of an earlier one that had its name. */
export function captureOfSandbox(captures: Captures, sandbox: Sandbox): Capture | undefined {
  return Object.values(captures)
    .filter((capture) => capture.target === sandbox.target && capture.sandbox === sandbox.name)
    .filter((capture) => capture.lab === sandbox.lab)
    .filter((capture) => capture.running || capture.startedAt >= sandbox.startedAt)
    .sort(newestFirst)[0];
}

/** Stored captures of a lab, newest first. */
export function capturesOfLab(captures: Captures, lab: string): Capture[] {
  return Object.values(captures)
    .filter((capture) => capture.lab === lab && !capture.running)
    .sort(newestFirst);
}
