/**
 * The packet list of one capture, kept as pages so that a list of any length costs what is looked at.
 * Rows come by page (`packet.list`) and live (`packets.changed`). Unfiltered, a packet's row is its
 * journey number, because journeys are numbered from 0 in the order in which they began. Pure.
 */

import type { Events, Packet, PacketPage } from "../../preload/contract/calls.ts";

export const PAGE = 200;

/** Pages kept; about 100,000 rows. */
const KEPT_PAGES = 500;

type Row = Packet | undefined;

export interface PacketTable {
  capture?: string;
  /** Only packets seen at this `netns/interface`. */
  at?: string;
  /** False until the first answer. */
  known: boolean;
  total: number;
  /** By page number; oldest touched first. */
  pages: ReadonlyMap<number, readonly Row[]>;
  /** Pages that may have changed since they were read: shown, and read again when looked at. */
  old: ReadonlySet<number>;
}

export function emptyTable(capture?: string, at?: string): PacketTable {
  return { capture, at, known: false, total: 0, pages: new Map(), old: new Set() };
}

export function rowAt(table: PacketTable, index: number): Row {
  return table.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
}

/** The row of a journey, where it is known. */
export function rowOf(table: PacketTable, journey: number): number | undefined {
  if (table.at === undefined) return journey < table.total ? journey : undefined;
  for (const [page, rows] of table.pages) {
    const found = rows.findIndex((row) => row?.journey === journey);
    if (found >= 0) return page * PAGE + found;
  }
  return undefined;
}

function withRows(table: PacketTable, placed: readonly [number, Packet][], total: number): PacketTable {
  const touched = new Map<number, Row[]>();
  for (const [index, packet] of placed) {
    const page = Math.floor(index / PAGE);
    const rows = touched.get(page) ?? [...(table.pages.get(page) ?? [])];
    rows[index % PAGE] = packet;
    touched.set(page, rows);
  }
  const pages = new Map(table.pages);
  for (const [page, rows] of touched) {
    pages.delete(page); // set anew, so that the page counts as touched last
    pages.set(page, rows);
  }
  for (const page of pages.keys()) {
    if (pages.size <= KEPT_PAGES) break;
    pages.delete(page);
  }
  return { ...table, known: true, total, pages };
}

/** What a page of `packet.list` adds. */
export function withPage(table: PacketTable, page: PacketPage): PacketTable {
  const placed = page.packets.map((packet, index): [number, Packet] => [page.first + index, packet]);
  const next = withRows(table, placed, page.total);
  const old = new Set(table.old);
  old.delete(Math.floor(page.first / PAGE));
  return { ...next, old };
}

/** What a live event adds. A filtered list can't place the new packets itself: its pages become old. */
export function withChanged(table: PacketTable, changed: Events["packets.changed"]): PacketTable {
  if (table.capture !== changed.capture) return table;
  if (table.at !== undefined) return { ...table, old: new Set([0, ...table.pages.keys()]) };
  const placed = changed.packets.map((packet): [number, Packet] => [packet.journey, packet]);
  return withRows(table, placed, changed.total);
}

/** The pages to read so that the rows `first` to `last` (inclusive) are shown and current. */
export function missingPages(table: PacketTable, first: number, last: number): number[] {
  if (table.total === 0) return table.known && !table.old.has(0) ? [] : [0];
  const missing: number[] = [];
  const end = Math.min(last, table.total - 1);
  for (let page = Math.floor(Math.max(0, first) / PAGE); page * PAGE <= end; page += 1) {
    const rows = table.pages.get(page);
    let complete = rows !== undefined && !table.old.has(page);
    for (
      let index = Math.max(first, page * PAGE);
      complete && index <= Math.min(end, page * PAGE + PAGE - 1);
      index += 1
    ) {
      complete = rows?.[index % PAGE] !== undefined;
    }
    if (!complete) missing.push(page);
  }
  return missing;
}

/** Browsers can't scroll past some 30 million pixels, so a huge list shows its newest rows only. */
const MOST_ROWS = 1_000_000;

/** The first row that the list shows. It moves in big steps, so that the list seldom shifts. */
export function firstShown(total: number): number {
  if (total <= MOST_ROWS) return 0;
  const step = MOST_ROWS / 2;
  return Math.ceil((total - MOST_ROWS) / step) * step;
}
