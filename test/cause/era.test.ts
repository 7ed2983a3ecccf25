/** What begins an era of a capture, from the state of two routers as the kernel printed it. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { configurationDiffers, eraOf, withState } from "../../main/cause/era.ts";
import type { KernelState, NamespaceState } from "../../main/cause/state.ts";

const recorded: KernelState = JSON.parse(
  readFileSync(new URL("./fixtures/routers.state.json", import.meta.url), "utf8"),
);

/** The state at a later time, with one namespace changed. */
function later(at: number, change: (r1: NamespaceState) => void = () => {}): KernelState {
  const state = { ...structuredClone(recorded), at };
  change(state.namespaces.r1!);
  return state;
}

const BLACKHOLE = "blackhole 10.0.3.0/24";

describe("the lab is another when", () => {
  test.each<[string, (r1: NamespaceState) => void]>([
    ["a route came", (r1) => r1.routes.push(BLACKHOLE)],
    ["a sysctl was set", (r1) => r1.sysctls?.splice(0, 1, "net.ipv4.ip_forward = 0")],
    ["a rule came", (r1) => r1.rules?.push("[0:0] -A FORWARD -j DROP")],
    ["a link went down", (r1) => r1.links.splice(1, 1, r1.links[1]!.replace(",UP", ""))],
    ["an MTU is another", (r1) => r1.links.splice(1, 1, r1.links[1]!.replace(/ mtu \d+/, " mtu 1400"))],
    ["an address went", (r1) => r1.addresses.splice(1, 1)],
    ["somebody wrote a neighbour", (r1) => r1.neighbours.push("10.0.2.9 dev eth1 lladdr 02:00:00:00:00:09 PERMANENT")],
    ["somebody wrote an FDB entry", (r1) => r1.fdb.push("02:00:00:00:00:09 dev eth1 self permanent")],
    ["a VNI is another", (r1) => r1.links.push("9: vx: <UP> mtu 1450 \\    vxlan id 2 dstport 8472 ")],
  ])("%s", (_, change) => {
    expect(configurationDiffers(recorded, later(1, change))).toBe(true);
  });

  test("a namespace has gone", () => {
    const { r1: _, ...left } = recorded.namespaces;
    expect(configurationDiffers(recorded, { at: 1, namespaces: left })).toBe(true);
  });
});

describe("the lab is the same when", () => {
  test.each<[string, (r1: NamespaceState) => void]>([
    ["a neighbour was learned", (r1) => r1.neighbours.push("10.0.2.9 dev eth1 lladdr 02:00:00:00:00:09 REACHABLE")],
    ["a MAC address was learned", (r1) => r1.fdb.push("02:00:00:00:00:09 dev port1 master br0")],
    ["a connection is tracked", (r1) => r1.conntrack?.push("ipv4 2 icmp 1 29 src=10.0.1.2 dst=10.0.3.2")],
    ["rules were counted", (r1) => r1.rules?.splice(0, r1.rules.length, ...counted(r1.rules))],
    ["a route was cached", (r1) => r1.routes.push("10.0.3.2 via 10.0.2.2 dev eth1 cache expires 599sec mtu 1400")],
  ])("%s", (_, change) => {
    expect(configurationDiffers(recorded, later(1, change))).toBe(false);
  });

  test("more of it is captured", () => {
    const { r1: _, ...fewer } = recorded.namespaces;
    expect(configurationDiffers({ at: 0, namespaces: fewer }, recorded)).toBe(false);
  });
});

function counted(rules: readonly string[]): string[] {
  return rules.map((line) => line.replace(/\[\d+:\d+\]/, "[7:588]"));
}

test("a packet is explained by what was read last before the next change", () => {
  const learned = later(2000, (r1) => r1.neighbours.push("10.0.2.9 dev eth1 FAILED"));
  const broken = later(5000, (r1) => r1.routes.push(BLACKHOLE));
  let eras = withState([], later(1000));
  eras[0]?.lookups.set("ip route get 10.0.3.2", "via 10.0.2.2");
  eras = withState(eras, learned);
  eras = withState(eras, broken, 4000);
  expect(eras).toHaveLength(2);
  for (const at of [0, 1500, 3999]) expect(eraOf(eras, at)?.state).toBe(learned);
  for (const at of [4000, 9000]) expect(eraOf(eras, at)?.state).toBe(broken);
  expect(eras.map(({ lookups }) => lookups.size)).toEqual([1, 0]);
});

test("where nobody knows when it changed, that was after the last look", () => {
  const eras = withState(
    withState([], later(1000)),
    later(5000, (r1) => r1.routes.push(BLACKHOLE)),
  );
  expect(eraOf(eras, 999)?.state.at).toBe(1000);
  expect(eraOf(eras, 1001)?.state.at).toBe(5000);
});

test("the oldest eras go, and their packets are explained by the oldest that is left", () => {
  let eras = withState([], later(0));
  for (let at = 1; at < 40; at++)
    eras = withState(
      eras,
      later(at, (r1) => r1.routes.push(`10.9.${at}.0/24 dev eth0`)),
    );
  expect(eras.length).toBeLessThan(20);
  expect(eraOf(eras, 1)).toBe(eras[0]);
  expect(eraOf(eras, 100)).toBe(eras.at(-1));
  expect(eraOf([], 1)).toBeUndefined();
});
