import { describe, expect, it } from "vitest";
import type { Hop } from "../../preload/contract/journey.ts";
import { placeHops } from "../../renderer/journey/hop-grid.ts";

function hops(...parents: (number | undefined)[]): Hop[] {
  return parents.map((parent, index) => ({
    netns: "node/node1",
    interface: `eth${index}`,
    direction: "in",
    at: index,
    layers: ["eth"],
    titles: ["Ethernet"],
    changes: [],
    frame: index,
    parent,
  }));
}
const cells = (list: Hop[]) => placeHops(list).map(({ index, row, column }) => [index, row, column]);

describe("the hops of a journey", () => {
  it("stand in one row where a packet takes one way", () => {
    expect(cells(hops(undefined, 0, 1))).toEqual([
      [0, 0, 0],
      [1, 0, 1],
      [2, 0, 2],
    ]);
  });

  it("go on in the row of the longest way where a frame is flooded, the other ports below", () => {
    expect(cells(hops(undefined, 0, 1, 1, 3))).toEqual([
      [0, 0, 0],
      [1, 0, 1],
      [3, 0, 2],
      [4, 0, 3],
      [2, 1, 2],
    ]);
    expect(placeHops(hops(undefined, 0, 1, 1, 3)).find(({ index }) => index === 2)?.branchOf).toBe(0);
  });

  it("start a row of their own where no parent is known", () => {
    expect(cells(hops(undefined, 0, undefined))).toEqual([
      [0, 0, 0],
      [1, 0, 1],
      [2, 1, 0],
    ]);
  });

  it("are each shown once, also where a parent names itself or a later hop", () => {
    expect(
      placeHops(hops(0, 2, 1))
        .map(({ index }) => index)
        .sort(),
    ).toEqual([0, 1, 2]);
  });
});
