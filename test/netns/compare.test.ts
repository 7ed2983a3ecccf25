/** Comparing labs on the real kernel: the same traffic in both at the same time, and the journeys aligned. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Comparison } from "../../preload/contract/calls.ts";
import type { ComparedPacket } from "../../preload/contract/comparison.ts";
import { Workplace } from "./hoplab.ts";

const place = new Workplace();
const [vxlan, hostGw] = [`${place.prefix}vxlan`, `${place.prefix}host-gw`];
afterAll(async () => {
  await place.downAll();
  place[Symbol.dispose]();
});

async function bringUp(): Promise<void> {
  for (const [lab, name] of [
    ["flannel-vxlan", vxlan],
    ["flannel-host-gw", hostGw],
  ] as const)
    await place.json("up", lab, "--name", name);
}

function marks({ rows }: ComparedPacket): string {
  return rows.map(({ left, right, differs }) => (!left ? ">" : !right ? "<" : differs.length > 0 ? "!" : "=")).join("");
}

/** Where a row's right or left hop was. */
function whereOf({ left, rows }: ComparedPacket, mark: string): (string | undefined)[] {
  return rows.flatMap((row, index) => {
    const hop = row.left && left?.hops[row.left.hop];
    return marks({ left, rows })[index] === mark ? [hop && `${hop.netns}/${hop.interface}`] : [];
  });
}

test("VXLAN against host-gw: alike on a node; between nodes the tunnel is on one side only", async () => {
  await bringUp();
  const near: Comparison = await place.json("compare", vxlan, hostGw, "--from", "a", "--to", "b");
  expect(near.packets.map(marks)).toEqual(["====", "===="]);

  const far: Comparison = await place.json("compare", vxlan, hostGw, "--from", "a", "--to", "c");
  expect(far.packets.map(marks)).toEqual(["===<!!!!<===", "===<!!!!<==="]);
  const [request] = far.packets;
  expect(whereOf(request!, "<")).toEqual(["node/node1/flannel.1", "node/node2/flannel.1"]);
  // On the wire the two nodes' MACs are on both frames: the layers differ, and what was done to get there.
  expect(request!.rows.filter(({ differs }) => differs.length > 0).map(({ differs }) => differs.join())).toEqual([
    "layers,changes",
    "layers",
    "layers",
    "layers",
  ]);
  expect(request!.rows.find(({ differs }) => differs.length > 0)).toMatchObject({
    left: { facts: { macs: ["node/node1/eth0 > node/node2/eth0", "node/node1/flannel.1 > node/node2/flannel.1"] } },
    right: { facts: { macs: ["node/node1/eth0 > node/node2/eth0"] } },
  });
});

test("a TCP connection is compared packet by packet", async () => {
  const compared: Comparison = await place.json(
    "compare",
    vxlan,
    hostGw,
    ...["--from", "a", "--to", "c", "--protocol", "tcp"],
  );
  expect(compared.packets.length).toBeGreaterThan(5);
  expect(
    compared.packets
      .slice(0, 2)
      .map(({ left, right }) => [left, right].map((one) => /TCP \S+ > \S+ ([A-Z ]+)$/.exec(one?.summary ?? "")?.[1])),
  ).toEqual([
    ["SYN", "SYN"],
    ["SYN ACK", "SYN ACK"],
  ]);
});

test("for people it is two columns, which say what differs without colour", async () => {
  const { code, stdout } = await place.hoplab("compare", vxlan, hostGw, "--from", "a", "--to", "c");
  expect(code).toBe(0);
  const lines = stdout.split("\n");
  expect(Math.max(...lines.slice(0, 40).map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(lines.find((line) => line.startsWith("<"))).toMatch(/^< node\/node1\/flannel\.1 out +│ -$/);
  expect(lines.find((line) => line.startsWith("≠"))).toMatch(/^≠ node\/node1\/eth0 out +│ node\/node1\/eth0 out$/);
  expect(stdout).toMatch(/\*Eth\|IP\|UDP\|VXLAN\|Eth\|IP\|ICMP {2}ttl 64\|63 +│ {3}\*Eth\|IP\|ICMP {2}ttl 63/);
  expect(stdout).toContain("12 hops against 10: 6 alike, 4 not, 2 only in");
});

test("a name that one of the labs lacks is told before anything is built, with the names there are", async () => {
  const ran = await place.hoplab("compare", vxlan, "bridge-arp", "--from", "a", "--to", "c");
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain('bridge-arp has no "a", so there is nothing to compare');
  expect(ran.stderr).toContain("It has switch, h1, h2, h3");
});

test("a lab of one's own against a copy of it: both are built for the comparison, and both are gone after it", async () => {
  const id = `${place.prefix}own`;
  const file = join(place.folder, "own.yaml");
  writeFileSync(
    file,
    `id: ${id}
title: { en: Own }
namespaces:
  - { name: x, interfaces: [{ name: eth0, addresses: [10.9.0.1/24] }] }
  - { name: y, interfaces: [{ name: eth0, addresses: [10.9.0.2/24] }] }
links: [[x/eth0, y/eth0]]
`,
  );
  const compared: Comparison & { sandboxes: string[] } = await place.json("compare", file, file);
  expect(compared.sandboxes).toEqual([id, `${id}-2`]);
  expect(compared.packets.map(marks)).toEqual(["==", "=="]);
  const up: { name: string }[] = await place.json("ps");
  expect(up.filter(({ name }) => name.startsWith(id))).toEqual([]);
});

test("labs that were brought up from a file are compared as it suggests, and with a copy that is built from it", async () => {
  const id = `${place.prefix}file`;
  const file = join(place.folder, "file.yaml");
  writeFileSync(
    file,
    `id: file-of-its-own
title: { en: Own }
namespaces:
  - { name: x, interfaces: [{ name: eth0, addresses: [10.9.0.1/24] }] }
  - { name: y, interfaces: [{ name: eth0, addresses: [10.9.0.2/24] }] }
links: [[x/eth0, y/eth0]]
`,
  );
  await place.json("up", file, "--name", id);
  const compared: Comparison & { sandboxes: string[]; traffic: unknown } = await place.json("compare", id, id);
  expect(compared.sandboxes).toEqual([id, "file-of-its-own"]);
  expect(compared.traffic).toMatchObject({ from: "x", to: "y" });
  expect(compared.packets.map(marks)).toEqual(["==", "=="]);
});

test("a lab that can't be built takes down the one that was", async () => {
  const file = join(place.folder, "lacking.yaml");
  const id = `${place.prefix}lacking`;
  writeFileSync(
    file,
    `id: ${id}
title: { en: Lacking }
requires: [no-kernel-has-this]
namespaces:
  - { name: h1, interfaces: [{ name: eth0, addresses: [10.9.0.1/24] }] }
  - { name: h2, interfaces: [{ name: eth0, addresses: [10.9.0.2/24] }] }
links: [[h1/eth0, h2/eth0]]
`,
  );
  const ran = await place.hoplab("compare", "bridge-arp", file, "--from", "h1", "--to", "h2");
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain("no-kernel-has-this");
  const up: { name: string }[] = await place.json("ps");
  expect(up.map(({ name }) => name)).not.toContain("bridge-arp");
});
