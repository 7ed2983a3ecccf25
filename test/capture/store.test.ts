/** What a capture store makes of frames with and without link headers, live and read from the file again. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { PcapngFile } from "../../main/capture/pcapng-file.ts";
import { CaptureReader } from "../../main/capture/reader.ts";
import { CaptureStore, requireLinkType } from "../../main/capture/store.ts";
import { parseLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { eth, icmpEcho, ipv4 } from "../decode/build-frame.ts";

const folder = mkdtempSync(join(tmpdir(), "hoplab-store-"));
afterAll(() => rmSync(folder, { recursive: true }));

const ETHERNET = 1;
const RAW = 101;
const packet = (ttl: number) => ipv4(1, icmpEcho(7, 1), { src: "192.168.0.1", dst: "192.168.0.65", ttl });
const outer = (bytes: Uint8Array) => eth(0x0800, ipv4(4, bytes, { src: "10.0.0.2", dst: "10.0.0.3", ttl: 63 }));

function calico() {
  const parsed = parseLab(
    `
id: any
title: { en: Any }
underlay: { networks: [{ name: lan, subnet: 10.0.0.0/24 }] }
nodes: [{ name: n1, address: 10.0.0.2 }, { name: n2, address: 10.0.0.3 }]
network: { plugin: calico }
pods: [{ name: a, node: n1 }, { name: c, node: n2 }]
`,
    "any.yaml",
  );
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return layOutLab(parsed.value);
}

test("a packet is followed through an interface without link headers, live and read again", () => {
  const path = join(folder, "live.pcapng");
  const topology = calico();
  const veth = topology.namespaces.find(({ name }) => name === "pod/a")!.interfaces[0]!;
  if (veth.kind !== "veth") throw new Error("eth0 is no veth");
  const live = new CaptureStore({ path, topology, write: { lab: "any", startedAt: 1_000 } });
  const places = [
    { netns: "pod/a", interface: "eth0" },
    veth.peer,
    { netns: "node/n1", interface: "tunl0" },
    { netns: "node/n1", interface: "eth0" },
  ].map((ref) => live.addInterface(ref));
  live.receive(places[0]!, 2, ETHERNET, 1, 100, eth(0x0800, packet(64)), 98);
  live.receive(places[1]!, 1, ETHERNET, 1, 200, eth(0x0800, packet(64)), 98);
  live.receive(places[2]!, 2, RAW, 1, 300, packet(63), 84);
  live.receive(places[3]!, 2, ETHERNET, 1, 400, outer(packet(63)), 118);
  live.finish();

  const again = new CaptureStore({ path, topology });
  expect(again.readAll()).toBeUndefined();
  for (const store of [live, again]) {
    expect(store.packetCount).toBe(1);
    const { journey, at } = store.journey(0)!;
    expect(at).toBe(1000.0001);
    expect(journey.hops.map(({ interface: name, layers }) => `${name} ${layers.join("|")}`)).toEqual([
      "eth0 eth|ipv4|icmp",
      `${veth.peer.interface} eth|ipv4|icmp`,
      "tunl0 ipv4|icmp",
      "eth0 eth|ipv4|ipv4|icmp",
    ]);
    expect(journey.hops.flatMap(({ changes }) => changes)).toEqual([
      { kind: "routed", ttl: [64, 63] },
      { kind: "wrapped", layers: ["eth", "ipv4"] },
    ]);
    expect(store.frame(2)?.layers[0]).toMatchObject({ protocol: "ipv4", offset: 0 });
    expect(store.packets(0, 10).packets[0]).toMatchObject({ protocol: "ICMP", hops: 4 });
    store.close();
  }
});

test("what a stream says of its link type counts, whatever the topology made expect", () => {
  const path = join(folder, "other.pcapng");
  const live = new CaptureStore({ path, write: { lab: "any", startedAt: 1_000 } });
  const tunnel = live.addInterface({ netns: "vpn", interface: "tun0" });
  const card = live.addInterface({ netns: "vpn", interface: "eth0" });
  live.receive(tunnel, 2, RAW, 1, 100, packet(63), 84);
  live.receive(card, 2, ETHERNET, 1, 200, outer(packet(63)), 118);
  live.finish();
  live.close();
  const again = new CaptureStore({ path });
  expect(again.readAll()).toBeUndefined();
  expect(again.interfaces.map((ref) => ref.interface)).toEqual(["tun0", "eth0"]);
  expect([0, 1].map((frame) => again.frame(frame)?.layers[0]?.protocol)).toEqual(["ipv4", "eth"]);
  expect(again.packetCount).toBe(1);
  again.close();
});

test("a capture of another link type is refused with words", () => {
  const path = join(folder, "cooked.pcapng");
  const file = new PcapngFile(path, "any");
  file.addInterface("any/any", 113);
  file.close();
  const store = new CaptureStore({ path });
  expect(store.readAll()).toBe("the capture has link type 113; Hoplab reads Ethernet (1) and raw IP (101)");
  store.close();
  expect(() => requireLinkType(113)).toThrow("link type 113");
});

test("frames that come late are in the file, and followed, in the order of time", () => {
  const path = join(folder, "late.pcapng");
  const live = new CaptureStore({ path, write: { lab: "any", startedAt: 1_000 } });
  const place = live.addInterface({ netns: "node/n1", interface: "eth0" });
  const stamps = [300, 100, 200];
  for (const stamp of stamps) live.receive(place, 1, ETHERNET, 1, stamp, eth(0x0800, packet(stamp % 64)), 98);
  live.finish();
  const written: number[] = [];
  const reader = new CaptureReader({
    onInterface: () => {},
    onPacket: (_index, _direction, _seconds, nanos) => written.push(nanos),
  });
  reader.push(readFileSync(path));
  expect(written).toEqual([100, 200, 300]);
});

test("packets of a file are numbered in the order of time, also where its frames are not", () => {
  const path = join(folder, "unordered.pcapng");
  const file = new PcapngFile(path, "any");
  file.addInterface("node/n1/eth0", ETHERNET);
  const echo = (sequence: number) =>
    eth(0x0800, ipv4(1, icmpEcho(7, sequence), { src: "192.168.0.1", dst: "192.168.0.65", ttl: 64 }));
  for (const sequence of [4, 1, 3, 2]) file.addPacket(0, 2, 1, sequence * 1000, echo(sequence), 98);
  file.close();
  const store = new CaptureStore({ path });
  expect(store.readAll()).toBeUndefined();
  const { packets } = store.packets(0, 10);
  expect(packets.map(({ summary }) => /seq (\d)/.exec(summary)?.[1])).toEqual(["1", "2", "3", "4"]);
  // Their bytes are found where they lie.
  expect(packets.map(({ frame }) => store.frame(frame)?.bytes)).toEqual(
    [1, 2, 3, 4].map((sequence) => Buffer.from(echo(sequence)).toString("hex")),
  );
});
