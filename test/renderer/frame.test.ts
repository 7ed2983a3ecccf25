import { describe, expect, it } from "vitest";
import { byteRows } from "../../renderer/frame/bytes.ts";
import { fieldAt, rangeOf, treeRows } from "../../renderer/frame/field-tree.ts";
import { frames } from "./recorded-lab.ts";

const wrapped = frames.find((frame) => frame.interface === "eth0" && frame.netns === "node/node1");
if (!wrapped) throw new Error("the recording has no frame at node/node1/eth0");
const { layers } = wrapped;

describe("the field tree", () => {
  it("shows a wrapped packet as its layers, outermost first, until one is opened", () => {
    const closed = treeRows(layers, new Set());
    expect(closed.map((row) => row.path)).toEqual(["eth#0", "ipv4#0", "udp#0", "vxlan#0", "eth#1", "ipv4#1", "icmp#0"]);
    const open = treeRows(layers, new Set(["vxlan#0"]));
    const vni = open.find((row) => row.path === "vxlan#0/vni");
    expect(vni).toMatchObject({ value: "1", level: 2, parent: "vxlan#0" });
  });

  it("finds the inner time to live by its byte, not the outer one", () => {
    const inner = rangeOf(layers, "ipv4#1/ttl");
    expect(inner?.length).toBe(1);
    expect(fieldAt(layers, inner?.offset ?? -1)).toEqual({ path: "ipv4#1/ttl", ancestors: ["ipv4#1"] });
    expect(rangeOf(layers, "ipv4#0/ttl")?.offset).toBe(22);
  });

  it("gives every byte that a field has back to a field that covers it", () => {
    for (let byte = 0; byte < wrapped.bytes.length / 2; byte += 1) {
      const found = fieldAt(layers, byte);
      if (!found) continue;
      const range = rangeOf(layers, found.path);
      expect(byte).toBeGreaterThanOrEqual(range?.offset ?? Number.NaN);
      expect(byte).toBeLessThan((range?.offset ?? 0) + (range?.length ?? 0));
    }
  });

  it("finds nothing past the end of a frame", () => {
    expect(fieldAt(layers, 100_000)).toBeUndefined();
    expect(rangeOf(layers, "ipv4#7/ttl")).toBeUndefined();
  });

  it("says what is wrong with a frame that was cut short", () => {
    const cut = frames.at(-1);
    expect(treeRows(cut?.layers ?? [], new Set()).some((row) => row.broken || row.problem !== undefined)).toBe(true);
  });
});

describe("the hex dump", () => {
  it("shows rows of bytes with their text, the last row short", () => {
    const rows = byteRows("48692000ff7e7f41", 3);
    expect(rows.map((row) => row.offset)).toEqual([0, 3, 6]);
    expect(rows.map((row) => row.bytes.map((byte) => byte.ascii).join(""))).toEqual(["Hi ", "··~", "·A"]);
    expect(rows[2]?.bytes.map((byte) => byte.index)).toEqual([6, 7]);
  });
});
