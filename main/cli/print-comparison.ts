/**
 * Two journeys beside each other, for people: a row for each place, marked `=` where both sides are alike, `≠` where they
 * are not, `<` and `>` where only one side passed. What differs within a row begins with `*`, so that it reads without
 * colour. Pure but for the colour of `paint`.
 */

import type { Comparison } from "../../preload/contract/calls.ts";
import {
  type ComparedHop,
  type ComparedPacket,
  type ComparedRow,
  type FactName,
  SIDES,
  type Side,
} from "../../preload/contract/comparison.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import { interfaceName } from "../../preload/contract/topology.ts";
import { paint } from "./print.ts";

const NARROWEST = 72;
const WIDEST = 200;
/** The mark and the rule between the sides. */
const MARK = 2;
const RULE = " │ ";

/** A line of one side: what of it is to be painted how is decided after it is cut and padded. */
interface Cell {
  text: string;
  style?: "bold" | "dim" | "yellow";
}

/** `names`: what the sides are called. `columns`: of the terminal. */
export function printComparison(comparison: Comparison, names: Record<Side, string>, columns: number): string {
  const total = Math.min(WIDEST, Math.max(NARROWEST, columns));
  const width = Math.floor((total - MARK - RULE.length) / 2);
  const print = (mark: string, left: Cell, right: Cell) => printLine(mark, left, right, width);
  const packets = comparison.packets.map((packet) =>
    [
      print("", { text: names.left, style: "bold" }, { text: names.right, style: "bold" }),
      print("", headOf(packet.left), headOf(packet.right)),
      print("", endOf(packet.left), endOf(packet.right)),
      paint("dim", `${"─".repeat(MARK + width + 1)}┼${"─".repeat(width + 1)}`),
      ...packet.rows.flatMap((row) => rowLines(row, packet).map(([mark, left, right]) => print(mark, left, right))),
      paint("dim", `${"─".repeat(MARK + width + 1)}┴${"─".repeat(width + 1)}`),
      countRows(packet.rows, names),
    ].join("\n"),
  );
  if (packets.length === 0) packets.push("No packet of this traffic was seen in either lab.");
  if (comparison.more > 0) packets.push(`… and ${comparison.more} more packets, which are in the captures.`);
  const answers = SIDES.map((side) => {
    const { sent, received } = comparison[side];
    return `${names[side]}: ${paint(received < sent ? "red" : "green", `${sent} sent, ${received} answered`)}`;
  });
  // Where nothing was seen of one side, the program that should have sent says why.
  const silent = SIDES.filter((side) => comparison[side].journeys.length === 0 && comparison.packets.length > 0);
  answers.push(...silent.map((side) => paint("dim", `${names[side]} sent nothing:\n${comparison[side].output}`)));
  const legend = `= alike   ≠ not alike in what begins with *   < only in ${names.left}   > only in ${names.right}`;
  return [...packets, [...answers, paint("dim", legend)].join("\n")].join("\n\n");
}

function printLine(mark: string, left: Cell, right: Cell, width: number): string {
  const side = ({ text, style }: Cell) => {
    const plain = cut(text, width).padEnd(width);
    return style ? paint(style, plain) : plain;
  };
  const marked = mark === "≠" ? paint("yellow", mark) : mark;
  return `${marked}${" ".repeat(MARK - mark.length)}${side(left)}${paint("dim", RULE)}${side(right)}`.trimEnd();
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}

function headOf(journey: Journey | undefined): Cell {
  return { text: journey?.summary ?? "no such packet" };
}

function endOf(journey: Journey | undefined): Cell {
  if (!journey) return { text: "" };
  if (journey.end !== "arrived") return { text: `${journey.end}, last seen at ${journey.lastSeen}`, style: "yellow" };
  const last = journey.hops.reduce((latest, hop) => Math.max(latest, hop.at), 0);
  return { text: `arrived in ${(last / 1000).toFixed(1)} µs, ${journey.hops.length} hops`, style: "dim" };
}

function rowLines(row: ComparedRow, packet: ComparedPacket): [mark: string, left: Cell, right: Cell][] {
  const left = row.left ? hopCells(row.left, packet.left, row.differs) : [{ text: "-" }];
  const right = row.right ? hopCells(row.right, packet.right, row.differs) : [{ text: "-" }];
  const mark = !row.right ? "<" : !row.left ? ">" : row.differs.length > 0 ? "≠" : "=";
  return Array.from({ length: Math.max(left.length, right.length) }, (_, line) => [
    line === 0 ? mark : "",
    left[line] ?? { text: "" },
    right[line] ?? { text: "" },
  ]);
}

function hopCells({ hop, facts }: ComparedHop, journey: Journey | undefined, differs: readonly FactName[]): Cell[] {
  const seen = journey?.hops[hop];
  if (!seen) return [{ text: "?" }];
  const marked = (name: FactName, text: string) => (differs.includes(name) ? `*${text}` : text);
  const style = (...names: FactName[]): Pick<Cell, "style"> =>
    names.some((name) => differs.includes(name)) ? { style: "yellow" } : { style: "dim" };
  const direction = seen.direction === "unknown" ? "" : ` ${seen.direction}`;
  const ttl = facts.ttl.length > 0 ? `  ${marked("ttl", `ttl ${facts.ttl.join("|")}`)}` : "";
  const cells: Cell[] = [
    { text: `${interfaceName(seen)}${direction}`, style: "bold" },
    { text: `  ${marked("layers", facts.layers.join("|"))}${ttl}`, ...style("layers", "ttl") },
  ];
  const cause = seen.changes.find((change) => change.cause !== undefined)?.cause ?? seen.causes?.[0]?.text;
  const changes = facts.changes.join(", ") || (differs.includes("changes") ? "unchanged" : "");
  const why = [marked("changes", changes), cause?.replaceAll(/\s+/g, " ")].filter(Boolean).join("  ");
  if (why !== "") cells.push({ text: `  ${why}`, ...style("changes") });
  for (const name of ["kind", "addresses", "macs"] as const) {
    if (differs.includes(name)) cells.push({ text: `  *${facts[name].join(" | ") || "-"}`, style: "yellow" });
  }
  return cells;
}

/** `12 hops against 10: 6 alike, 4 not, 2 only in flannel-vxlan.` */
function countRows(rows: readonly ComparedRow[], names: Record<Side, string>): string {
  const count = (holds: (row: ComparedRow) => boolean) => rows.filter(holds).length;
  const parts: [number, string][] = [
    [count((row) => row.left !== undefined && row.right !== undefined && row.differs.length === 0), "alike"],
    [count((row) => row.differs.length > 0), "not"],
    [count((row) => row.right === undefined), `only in ${names.left}`],
    [count((row) => row.left === undefined), `only in ${names.right}`],
  ];
  const told = parts.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
  const [left, right] = [count((row) => row.left !== undefined), count((row) => row.right !== undefined)];
  return `${left} hops against ${right}${told.length > 0 ? `: ${told.join(", ")}` : ""}.`;
}
