import { describe, expect, it } from "vitest";
import type { Packet } from "../../preload/contract/calls.ts";
import { secondsText, sinceText } from "../../renderer/packets/time.ts";
import {
  emptyTable,
  firstShown,
  missingPages,
  PAGE,
  rowAt,
  rowOf,
  withChanged,
  withPage,
} from "../../renderer/state/packets.ts";

function packet(journey: number, hops = 1): Packet {
  return {
    journey,
    at: journey * 1000,
    protocol: "ICMP",
    source: "10.244.0.2",
    destination: "10.244.1.2",
    summary: `echo ${journey}`,
    hops,
    end: "arrived",
    frame: journey * 12,
  };
}
const some = (first: number, count: number) => Array.from({ length: count }, (_, index) => packet(first + index));
const live = (packets: Packet[], total: number) => ({ capture: "c", total, packets, dropped: 0, frames: total });

describe("the packet list", () => {
  it("asks for the first page of a capture that it knows nothing of", () => {
    expect(missingPages(emptyTable("c"), 0, 20)).toEqual([0]);
  });

  it("asks for nothing once it knows that there are no packets", () => {
    const table = withPage(emptyTable("c"), { total: 0, first: 0, packets: [] });
    expect(missingPages(table, 0, 20)).toEqual([]);
    expect(table.known).toBe(true);
  });

  it("puts live packets into the row of their journey", () => {
    const table = withChanged(emptyTable("c"), live(some(0, 3), 3));
    expect(rowAt(table, 2)?.summary).toBe("echo 2");
    expect(missingPages(table, 0, 2)).toEqual([]);
  });

  it("lets a packet grow while it is seen at more interfaces", () => {
    const before = withChanged(emptyTable("c"), live([packet(0, 1)], 1));
    const after = withChanged(before, live([packet(0, 7)], 1));
    expect(rowAt(after, 0)?.hops).toBe(7);
    expect(after.total).toBe(1);
    expect(rowAt(before, 0)?.hops).toBe(1);
  });

  it("asks for rows that live packets left out, when they are looked at", () => {
    const table = withChanged(emptyTable("c"), live(some(5 * PAGE, 10), 5 * PAGE + 10));
    expect(missingPages(table, 5 * PAGE, 5 * PAGE + 9)).toEqual([]);
    expect(missingPages(table, 2 * PAGE - 1, 2 * PAGE)).toEqual([1, 2]);
  });

  it("pays no attention to another capture's packets", () => {
    const table = emptyTable("c");
    expect(withChanged(table, { ...live(some(0, 3), 3), capture: "other" })).toBe(table);
  });

  it("reads a filtered list again when new packets come, but keeps showing it", () => {
    const filtered = withPage(emptyTable("c", "node/node1/eth0"), {
      total: 2,
      first: 0,
      packets: [packet(4), packet(9)],
    });
    expect(missingPages(filtered, 0, 1)).toEqual([]);
    const changed = withChanged(filtered, live([packet(10)], 11));
    expect(rowAt(changed, 1)?.journey).toBe(9);
    expect(changed.total).toBe(2);
    expect(missingPages(changed, 0, 1)).toEqual([0]);
    const read = withPage(changed, { total: 3, first: 0, packets: [packet(4), packet(9), packet(10)] });
    expect(missingPages(read, 0, 2)).toEqual([]);
    expect(rowOf(read, 10)).toBe(2);
  });

  it("reads an empty filtered list again when new packets come", () => {
    const filtered = withPage(emptyTable("c", "x/eth0"), { total: 0, first: 0, packets: [] });
    expect(missingPages(withChanged(filtered, live([packet(0)], 1)), 0, 20)).toEqual([0]);
  });

  it("keeps 100,000 rows and no more, the ones touched last", () => {
    let table = emptyTable("c");
    for (let first = 0; first < 150_000; first += PAGE) table = withChanged(table, live(some(first, PAGE), 150_000));
    expect(table.pages.size).toBe(100_000 / PAGE);
    expect(rowAt(table, 149_999)?.journey).toBe(149_999);
    expect(rowAt(table, 0)).toBeUndefined();
    expect(missingPages(table, 0, 10)).toEqual([0]);
  });

  it("shows a huge capture from a row that seldom moves", () => {
    expect(firstShown(1_000_000)).toBe(0);
    expect(firstShown(1_000_001)).toBe(500_000);
    expect(firstShown(1_499_999)).toBe(500_000);
    expect(firstShown(10_000_000) + 1_000_000).toBeGreaterThanOrEqual(10_000_000);
  });
});

describe("times", () => {
  it("shows when a packet was seen with microseconds", () => {
    expect(secondsText(12_034_567_891)).toBe("12.034568");
    expect(secondsText(0)).toBe("0.000000");
  });

  it("shows how long after the first hop a packet came in the unit that fits", () => {
    expect(sinceText(14_022)).toBe("+14.0 µs");
    expect(sinceText(1_204_000)).toBe("+1.204 ms");
    expect(sinceText(2_500_000_000)).toBe("+2.500 s");
  });
});
