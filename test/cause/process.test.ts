/** A packet that a process takes from a TUN device and sends in UDP: each change is put down to it and its socket. */

import { expect, test } from "vitest";
import { explainCauses } from "../../main/cause/explain-causes.ts";
import type { NamespaceState } from "../../main/cause/state.ts";
import { decodeFrame } from "../../main/decode/decode.ts";
import { LINK_TYPE } from "../../main/decode/payload.ts";
import { explainJourney } from "../../main/journey/explain.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import type { Direction, Layer } from "../../preload/contract/frame.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import { ascii, eth, ipv4, udp } from "../decode/build-frame.ts";
import { bundledLab } from "../netns/labs.ts";

const UDP = 17;
const tunnelPorts = { vxlan: [], ip: [8285] };
const pods = { src: "10.244.0.2", dst: "10.244.1.2" };
const nodes = { src: "192.168.32.127", dst: "192.168.32.128" };

const packet = (ttl: number) => ipv4(UDP, udp(5000, 6000, ascii("hi")), { ...pods, ttl });
const carried = (ttl: number) => eth(0x0800, ipv4(UDP, udp(8285, 8285, packet(ttl)), nodes));

/** Out of node1's device, in UDP over the wire, into node2's device. */
const SEEN: [string, string, Direction, Uint8Array, number][] = [
  ["node/node1", "flannel0", "out", packet(63), LINK_TYPE.raw],
  ["node/node1", "eth0", "out", carried(62), LINK_TYPE.ethernet],
  ["node/node2", "eth0", "in", carried(62), LINK_TYPE.ethernet],
  ["node/node2", "flannel0", "in", packet(61), LINK_TYPE.raw],
];

async function follow(): Promise<{ journey: Journey; layers: Layer[][] }> {
  const layers = SEEN.map(([, , , bytes, linkType]) => decodeFrame(bytes, { tunnelPorts, linkType }));
  const frames = SEEN.map(([netns, name, direction, { length }], index) => ({
    frame: { index, netns, interface: name, direction, at: index * 1000, length, captured: length },
    layers: layers[index]!,
  }));
  const topology = layOutLab(await bundledLab("flannel-udp"));
  return { journey: explainJourney({ id: 0, end: "in flight", delivered: [], frames, topology }), layers };
}

function stateOf(sockets: string[]): NamespaceState {
  const links = [
    "3: flannel0: <POINTOPOINT,UP> mtu 1472 state UP\\    link/none \\    tun type tun pi off vnet_hdr off persist on addrgenmode eui64",
  ];
  return { links, addresses: [], routes: [], neighbours: [], fdb: [], sockets };
}

const socket = (address: string, pid: number) =>
  `UNCONN 0      0      ${address}:8285      0.0.0.0:*    users:(("flanneld",pid=${pid},fd=3))`;

test("what it changes names its socket and its device, on both nodes", async () => {
  const { journey, layers } = await follow();
  const namespaces = {
    "node/node1": stateOf([socket("10.0.0.1", 5), socket("192.168.32.127", 46)]),
    "node/node2": stateOf([socket("0.0.0.0", 47)]),
  };
  const { hops } = explainCauses(journey, layers, { at: 0, namespaces }, new Map());
  const told = hops.map(({ changes }) =>
    changes.map(({ kind, ttl, causes }) => [kind, ttl, causes?.map((cause) => cause.text)]),
  );
  const device = "flannel0: tun type tun pi off vnet_hdr off persist on";
  const first = ['UNCONN 0 0 192.168.32.127:8285 0.0.0.0:* users:(("flanneld",pid=46,fd=3))', device];
  const second = ['UNCONN 0 0 0.0.0.0:8285 0.0.0.0:* users:(("flanneld",pid=47,fd=3))', device];
  expect(told).toEqual([
    [],
    [
      ["routed", [63, 62], first],
      ["wrapped", undefined, first],
    ],
    [],
    [
      ["unwrapped", undefined, second],
      ["routed", [62, 61], second],
    ],
  ]);
  expect(hops[1]?.changes[0]?.causes?.map(({ kind, command }) => [kind, command])).toEqual([
    ["process", "ip netns exec node.node1 ss -Hlunp"],
    ["tunnel", "ip -n node.node1 -d link show dev flannel0"],
  ]);
});

test("a process that has ended since is no cause", async () => {
  const { journey, layers } = await follow();
  const namespaces = { "node/node1": { ...stateOf([]), links: [] }, "node/node2": { ...stateOf([]), links: [] } };
  const { hops } = explainCauses(journey, layers, { at: 0, namespaces }, new Map());
  expect(hops.flatMap(({ changes }) => changes.flatMap(({ causes }) => causes ?? []))).toEqual([]);
});
