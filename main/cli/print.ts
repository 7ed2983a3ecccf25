/** What the command line prints for people: journeys, tables, faults. Colour only on a terminal. */

import { styleText } from "node:util";
import { LAYER_LABELS } from "../../preload/contract/frame.ts";
import {
  type Cause,
  type CauseKind,
  type Change,
  type Hop,
  isDroppedAt,
  type Journey,
} from "../../preload/contract/journey.ts";
import type { Fault } from "../../preload/contract/result.ts";

type Style = Parameters<typeof styleText>[0];

const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";

export function paint(style: Style, text: string): string {
  return coloured ? styleText(style, text) : text;
}

/** A journey as a table: one line per hop, with where, what is on the wire, what changed and why. */
export function printJourney(journey: Journey): string {
  const depths = branchDepths(journey.hops);
  const rows = journey.hops.map((hop, index) => ({
    at: `+${(hop.at / 1000).toFixed(1)}`,
    where: `${"  ".repeat(depths[index] ?? 0)}${hop.netns}`,
    name: hop.interface,
    direction: hop.direction === "unknown" ? "" : hop.direction,
    layers: hop.layers.map((layer) => LAYER_LABELS[layer]).join("|"),
    changes: hopChanges(hop, journey),
  }));
  const width = (pick: (row: (typeof rows)[number]) => string) => Math.max(...rows.map((row) => pick(row).length), 0);
  const widths = {
    at: width((row) => row.at),
    where: width((row) => row.where),
    name: width((row) => row.name),
    layers: width((row) => row.layers),
  };
  const duration = journey.hops.reduce((latest, hop) => Math.max(latest, hop.at), 0);
  const end = { arrived: "green", lost: "red", "in flight": "yellow", "out of sight": "yellow" } as const;
  const head = `${paint("bold", journey.summary)}  ${paint(end[journey.end], journey.end)}${
    journey.end === "arrived" ? ` in ${(duration / 1000).toFixed(1)} µs` : `, last seen at ${journey.lastSeen}`
  }${journey.end === "arrived" && journey.hops.some(isDroppedAt) ? paint("red", ", and dropped there") : ""}`;
  const lines = rows.map((row) => {
    const layers = paint(/VXLAN|\bIP\|IP\b/.test(row.layers) ? "cyan" : "dim", row.layers.padEnd(widths.layers));
    const left = `${paint("dim", row.at.padStart(widths.at))}  ${row.where.padEnd(widths.where)}  ${row.name.padEnd(widths.name)}  ${row.direction.padEnd(3)}  ${layers}`;
    const indent = widths.at + widths.where + widths.name + widths.layers + 11;
    const changes = row.changes;
    return [
      `  ${left}  ${changes[0] ?? ""}`.trimEnd(),
      ...changes.slice(1).map((text) => `  ${" ".repeat(indent)}  ${text}`),
    ].join("\n");
  });
  const { error } = journey;
  const answer = error ? [`  ${paint("bold", "answered with")} ${error.summary}, by ${error.by}`] : [];
  return [head, ...answer, paint("dim", `  ${"µs".padStart(widths.at)}  where`), ...lines].join("\n");
}

/** What changed at a hop, why the first one went out where it did, and why a lost one went no further. */
function hopChanges(hop: Hop, journey: Journey): string[] {
  const changes = hop.changes.map((change) => withCause(changeWords(change), change.cause));
  const isLast = `${hop.netns}/${hop.interface}` === journey.lastSeen;
  const causes = hop.causes ?? [];
  if (journey.end === "lost" && isLast)
    return [...changes, withCause("not seen any further", undefined), ...reasons(causes)];
  if (journey.end === "out of sight" && isLast)
    return [...changes, withCause("where it goes on nothing is captured", undefined)];
  if (isDroppedAt(hop)) {
    return [...changes, withCause("dropped there", undefined), ...reasons(causes)];
  }
  const [cause] = causes;
  // Only what begins here was sent here; elsewhere the hop says why its namespace answers.
  return cause ? [...changes, withCause(hop.parent === undefined ? "sent" : "answered", cause.text)] : changes;
}

/** What was in the way of a lost packet, by the kind of state that says so. */
const REASONS: Partial<Record<CauseKind, string>> = {
  rule: "a rule drops it",
  policy: "the chain's policy drops it",
  forwarding: "this namespace does not forward",
  "rp-filter": "reverse path filter",
  ttl: "too many hops",
  mtu: "too long",
  vlan: "VLAN",
  socket: "nothing here takes it in",
  nobody: "not there",
  down: "the link is down",
};

/** One line for each cause with what shows it: a person wants to see it, and to look at it again after a change. */
function reasons(causes: readonly Cause[]): string[] {
  return causes.flatMap(({ kind, text, command }) => [
    `  ${REASONS[kind] ?? kind}: ${cut(text)}`,
    paint("dim", `    ${command}`),
  ]);
}

/** Longer causes are cut on the line; the JSON and the page have them whole. */
const CAUSE_COLUMNS = 76;

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > CAUSE_COLUMNS ? `${line.slice(0, CAUSE_COLUMNS)}…` : line;
}

function withCause(words: string, cause: string | undefined): string {
  return cause ? `${paint("bold", words)}  ${paint("dim", cut(cause))}` : paint("bold", words);
}

function changeWords(change: Change): string {
  if (change.kind === "routed" && change.ttl) return `routed, ttl ${change.ttl[0]}→${change.ttl[1]}`;
  if (change.layers) return `${change.kind} ${change.layers.map((layer) => LAYER_LABELS[layer]).join("|")}`;
  if (change.bytes) return `${change.kind}, bytes ${change.bytes[0]} to ${change.bytes[1]}`;
  if (change.address) return `${change.kind} ${change.address[0]}→${change.address[1]}`;
  return change.kind;
}

/** How far each hop is indented: one step more after each place where its journey branches. */
function branchDepths(hops: readonly Hop[]): number[] {
  const children = new Map<number, number>();
  for (const hop of hops) if (hop.parent !== undefined) children.set(hop.parent, (children.get(hop.parent) ?? 0) + 1);
  const depths: number[] = [];
  for (const hop of hops) {
    const parent = hop.parent;
    depths.push(parent === undefined ? 0 : (depths[parent] ?? 0) + ((children.get(parent) ?? 0) > 1 ? 1 : 0));
  }
  return depths;
}

/** Rows in columns, the first row as the heading. */
export function printTable(heading: string[], rows: string[][]): string {
  const widths = heading.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [paint("dim", line(heading)), ...rows.map(line)].join("\n");
}

/** A fault in full: what happened, the problems or the failed command, and what to try. */
export function printFault(fault: Fault): string {
  const lines = [`${paint("red", "hoplab:")} ${fault.message}`];
  for (const problem of fault.problems ?? []) {
    lines.push(`  ${problem.file}:${problem.line}:${problem.column}: ${problem.message}`);
  }
  if (fault.command) {
    const { argv, exitCode, signal, stderr, why } = fault.command;
    if (why) lines.push(`  step:    ${why}`);
    lines.push(`  command: ${argv.join(" ")}`);
    lines.push(`  ended:   ${signal ? `by ${signal}` : `exit code ${exitCode}`}`);
    if (stderr)
      lines.push(
        ...stderr
          .split("\n")
          .slice(-12)
          .map((line) => `  stderr:  ${line}`),
      );
  }
  if (fault.fix) lines.push(...fault.fix.split("\n").map((line) => `  try:     ${line}`));
  return lines.join("\n");
}

/** `3 s`, `5 min`, `2 h`, `4 d`. */
export function printAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
