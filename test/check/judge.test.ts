import { describe, expect, test } from "vitest";
import { judge, trafficOf } from "../../main/check/judge.ts";
import type { LabCheck } from "../../main/lab/schema.ts";
import type { Hop, Journey } from "../../preload/contract/journey.ts";

function hop(netns: string, name: string, more: Partial<Hop> = {}): Hop {
  return { netns, interface: name, direction: "out", at: 0, layers: [], titles: [], changes: [], frame: 0, ...more };
}

/** A request that goes a -> node1 -> c, and at node1 is also flooded to b. */
const FLOODED: Hop[] = [
  hop("pod/a", "eth0"),
  hop("node/node1", "vetha", { parent: 0 }),
  hop("pod/b", "eth0", { parent: 1 }),
  hop("node/node1", "vethc", { parent: 1 }),
  hop("pod/c", "eth0", { parent: 3, changes: [{ kind: "delivered" }] }),
];

function journey(hops: Hop[], more: Partial<Journey> = {}): Journey {
  return { id: 0, summary: "a ping", end: "arrived", lastSeen: "pod/c/eth0", hops, ...more };
}

function path(more: { through?: string[]; avoids?: string[] }): LabCheck {
  return { path: { from: "a", to: "c", protocol: "icmp", through: [], avoids: [], ...more } };
}

describe("a path", () => {
  test("passes where the packet passed all its interfaces in that order, whatever lies between", () => {
    const { passed } = judge(path({ through: ["a/eth0", "node1/vethc", "node/node1/vethc"] }), { received: 1 });
    expect(passed).toBe(false); // nothing was seen
    for (const through of [["node1/vetha", "node1/vethc"], ["node/node1/vethc"], ["pod/a/eth0", "c/eth0"]]) {
      expect(judge(path({ through }), { received: 1, journey: journey(FLOODED) }).passed, through.join()).toBe(true);
    }
  });

  test("fails where the order is another, an interface is twice, or it was on another branch", () => {
    for (const through of [["node1/vethc", "node1/vetha"], ["node1/vetha", "node1/vetha"], ["b/eth0"]]) {
      const checked = judge(path({ through }), { received: 1, journey: journey(FLOODED) });
      expect(checked.passed, through.join()).toBe(false);
      expect(checked.observed).toBe("pod/a/eth0, node/node1/vetha, node/node1/vethc, pod/c/eth0");
    }
  });

  test("fails where the packet passed what it must avoid, or did not arrive", () => {
    expect(judge(path({ avoids: ["b/eth0"] }), { received: 1, journey: journey(FLOODED) }).passed).toBe(true);
    expect(judge(path({ avoids: ["node1/vetha"] }), { received: 1, journey: journey(FLOODED) }).passed).toBe(false);
    const lost = journey(FLOODED.slice(0, 2), { end: "lost", lastSeen: "node/node1/vetha" });
    const checked = judge(path({ through: ["node1/vetha"] }), { received: 0, journey: lost });
    expect(checked.passed).toBe(false);
    expect(checked.observed).toBe("pod/a/eth0, node/node1/vetha; last seen at node/node1/vetha");
  });
});

test("a ping passes with an answer, one that must be lost without", () => {
  const ping = (lost: boolean): LabCheck => ({ ping: { from: "a", to: "c", lost } });
  expect(judge(ping(false), { received: 1 }).passed).toBe(true);
  expect(judge(ping(false), { received: 0 }).passed).toBe(false);
  expect(judge(ping(true), { received: 1 }).passed).toBe(false);
  expect(judge(ping(true), { received: 0 }).passed).toBe(true);
});

test("a lost ping says where it ended and which kernel state shows why", () => {
  const causes = [{ kind: "neighbour" as const, text: "10.0.0.9 dev eth0 FAILED", command: "ip neigh" }];
  const lost = journey([hop("pod/a", "eth0"), hop("node/node1", "vetha", { parent: 0, causes })], {
    end: "lost",
    lastSeen: "node/node1/vetha",
  });
  const { observed } = judge({ ping: { from: "a", to: "c", lost: false } }, { received: 0, journey: lost });
  expect(observed).toBe("no answer; last seen at node/node1/vetha: 10.0.0.9 dev eth0 FAILED");
});

test("a path by TCP sends TCP to its port", () => {
  expect(
    trafficOf({ path: { from: "a", to: "10.0.0.1", protocol: "tcp", port: 80, through: [], avoids: [] } }),
  ).toEqual({ from: "a", to: "10.0.0.1", protocol: "tcp", port: 80, count: 1 });
});
