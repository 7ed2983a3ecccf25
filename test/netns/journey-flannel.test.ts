/**
 * Flannel's pings through the product, backend by backend: on the same node, to another one, across a router, to outside. Each
 * journey is written down line by line, with what changed and the kernel state behind it, as ground-truth.md has it.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CaptureReader } from "../../main/capture/reader.ts";
import { decodeFrame } from "../../main/decode/decode.ts";
import { field } from "../../main/decode/field.ts";
import type { Layer } from "../../preload/contract/frame.ts";
import type { Change, Hop, Journey } from "../../preload/contract/journey.ts";
import { inSandbox, Workplace } from "./hoplab.ts";
import { labsHere } from "./labs.ts";

const place = new Workplace();
const one = `${place.prefix}flannel`;
const labs = await labsHere();

afterAll(() => place[Symbol.dispose]());

/** Causes that say no more than the line above them are left out. */
const WITH_CAUSE = new Set(["routed", "wrapped", "unwrapped", "snat"]);

function tellChange({ kind, ttl, address, cause }: Change): string {
  const numbers = ttl ? ` ${ttl.join(">")}` : address ? ` ${address.join(">")}` : "";
  return `${kind}${numbers}${cause && WITH_CAUSE.has(kind) ? ` by ${cause}` : ""}`;
}

/** `node/node1 cni0 in eth|ipv4|icmp: bridged`; what is drawn at random is put for itself. */
function tell({ netns, interface: name, direction, layers, changes }: Hop): string {
  const line = `${netns} ${name} ${direction} ${layers.join("|")}`;
  const all = changes.length > 0 ? `${line}: ${changes.map(tellChange).join("; ")}` : line;
  return all
    .replace(/veth[0-9a-f]{8}/g, "veth")
    .replace(/02(:[0-9a-f]{2}){5}/g, "MAC")
    .replace(/pid=\d+,fd=\d+/g, "…");
}

const PING = "eth|ipv4|icmp";
const IN_VXLAN = "eth|ipv4|udp|vxlan|eth|ipv4|icmp";
const IN_UDP = "eth|ipv4|udp|ipv4|icmp";
const IN_IPIP = "eth|ipv4|ipv4|icmp";
const FLAGS = "nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx";
const MASQUERADE =
  '-A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully';

const OUT_OF_POD = [`pod/a eth0 out ${PING}`, `node/node1 veth in ${PING}`, `node/node1 cni0 in ${PING}: bridged`];

const SAME_NODE = [
  `pod/a eth0 out ${PING}`,
  `node/node1 veth in ${PING}`,
  `node/node1 veth out ${PING}: bridged`,
  `pod/b eth0 in ${PING}: delivered`,
];

/** Into the pod of a node whose subnet is 10.244.N.0/24. */
function intoPod(node: string, pod: string, subnet: number, ttl: string): string[] {
  const route = `10.244.${subnet}.0/24 dev cni0 proto kernel scope link src 10.244.${subnet}.1`;
  return [
    `${node} cni0 out ${PING}: routed ${ttl} by ${route}`,
    `${node} veth out ${PING}: bridged`,
    `${pod} eth0 in ${PING}: delivered`,
  ];
}

/** Out of node1 with its address, to the gateway of a network that has it itself. */
function toOutside(net: string, rule: string, address: string, subnet: string): string[] {
  const route = `${subnet} dev eth0 proto kernel scope link src ${address}`;
  return [
    ...OUT_OF_POD,
    `node/node1 eth0 out ${PING}: snat 10.244.0.2>${address} by ${rule}; routed 64>63 by ${route}`,
    `${net} node1 in ${PING}`,
    `${net} br0 in ${PING}: bridged; delivered`,
  ];
}

const DIRECT = (net: string) => [
  ...OUT_OF_POD,
  `node/node1 eth0 out ${PING}: routed 64>63 by 10.244.1.0/24 via 192.168.32.128 dev eth0`,
  `${net} node1 in ${PING}`,
  `${net} node2 out ${PING}: bridged`,
  `node/node2 eth0 in ${PING}`,
  ...intoPod("node/node2", "pod/c", 1, "63>62"),
];

function throughVxlan(pod: string, card: string, address: string): string[] {
  return [
    ...OUT_OF_POD,
    `node/node1 flannel.1 out ${PING}: routed 64>63 by 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink`,
    `node/node1 ${card} out ${IN_VXLAN}: wrapped by MAC dev flannel.1 dst ${address} self permanent`,
    `net/lan node1 in ${IN_VXLAN}`,
    `net/lan node2 out ${IN_VXLAN}: bridged`,
    `node/node2 ${card} in ${IN_VXLAN}`,
    `node/node2 flannel.1 in ${PING}: unwrapped by flannel.1: vxlan id 1 local ${address} dev ${card} srcport 0 0 dstport 8472 ${FLAGS}`,
    ...intoPod("node/node2", pod, 1, "63>62"),
  ];
}

const LAN: [string, string] = ["192.168.32.127", "192.168.32.0/24"];
const SOCKET = (address: string) => `UNCONN 0 0 ${address}:8285 0.0.0.0:* users:(("flanneld",…))`;

/** Lab, what it shows, from, to, and the way. */
const JOURNEYS: [string, string, string, string, string[]][] = [
  ["flannel-vxlan", "same node", "a", "b", SAME_NODE],
  ["flannel-vxlan", "another node", "a", "c", throughVxlan("pod/c", "eth0", "192.168.32.128")],
  ["flannel-vxlan", "outside", "a", "192.168.32.1", toOutside("net/lan", MASQUERADE, ...LAN)],

  ["flannel-vxlan-directrouting", "same node", "a", "b", SAME_NODE],
  ["flannel-vxlan-directrouting", "a node of the same subnet", "a", "c", DIRECT("net/lan-a")],
  [
    "flannel-vxlan-directrouting",
    "a node behind the router",
    "a",
    "d",
    [
      ...OUT_OF_POD,
      `node/node1 flannel.1 out ${PING}: routed 64>63 by 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink`,
      `node/node1 eth0 out ${IN_VXLAN}: wrapped by MAC dev flannel.1 dst 192.168.33.129 self permanent`,
      `net/lan-a node1 in ${IN_VXLAN}`,
      `net/lan-a router out ${IN_VXLAN}: bridged`,
      `router eth0 in ${IN_VXLAN}`,
      // The router sees, and shortens, the outer TTL alone.
      `router eth1 out ${IN_VXLAN}: routed 64>63 by 192.168.33.0/24 dev eth1 proto kernel scope link src 192.168.33.1`,
      `net/lan-b router in ${IN_VXLAN}`,
      `net/lan-b node3 out ${IN_VXLAN}: bridged`,
      `node/node3 eth0 in ${IN_VXLAN}`,
      `node/node3 flannel.1 in ${PING}: unwrapped by flannel.1: vxlan id 1 local 192.168.33.129 dev eth0 srcport 0 0 dstport 8472 ${FLAGS}`,
      ...intoPod("node/node3", "pod/d", 2, "63>62"),
    ],
  ],
  [
    "flannel-vxlan-directrouting",
    "outside",
    "a",
    "192.168.33.1",
    [
      ...OUT_OF_POD,
      `node/node1 eth0 out ${PING}: snat 10.244.0.2>192.168.32.127 by ${MASQUERADE}; routed 64>63 by default via 192.168.32.1 dev eth0`,
      `net/lan-a node1 in ${PING}`,
      `net/lan-a router out ${PING}: bridged`,
      `router eth0 in ${PING}: delivered`,
    ],
  ],

  ["flannel-host-gw", "same node", "a", "b", SAME_NODE],
  ["flannel-host-gw", "another node", "a", "c", DIRECT("net/lan")],
  ["flannel-host-gw", "outside", "a", "192.168.32.1", toOutside("net/lan", MASQUERADE, ...LAN)],

  ["flannel-udp", "same node", "a", "b", SAME_NODE],
  [
    "flannel-udp",
    "another node",
    "a",
    "c",
    [
      ...OUT_OF_POD,
      "node/node1 flannel0 out ipv4|icmp: routed 64>63 by 10.244.0.0/16 dev flannel0",
      `node/node1 eth0 out ${IN_UDP}: routed 63>62 by ${SOCKET("192.168.32.127")}; wrapped by ${SOCKET("192.168.32.127")}`,
      `net/lan node1 in ${IN_UDP}`,
      `net/lan node2 out ${IN_UDP}: bridged`,
      `node/node2 eth0 in ${IN_UDP}`,
      `node/node2 flannel0 in ipv4|icmp: unwrapped by ${SOCKET("192.168.32.128")}; routed 62>61 by ${SOCKET("192.168.32.128")}`,
      ...intoPod("node/node2", "pod/c", 1, "61>60"),
    ],
  ],
  ["flannel-udp", "outside", "a", "192.168.32.1", toOutside("net/lan", MASQUERADE, ...LAN)],

  ["flannel-ipip", "same node", "a", "b", SAME_NODE],
  [
    "flannel-ipip",
    "another node",
    "a",
    "c",
    [
      ...OUT_OF_POD,
      "node/node1 flannel.ipip out ipv4|icmp: routed 64>63 by 10.244.1.0/24 via 192.168.32.128 dev flannel.ipip onlink",
      `node/node1 eth0 out ${IN_IPIP}: wrapped by flannel.ipip: ipip any remote any local 192.168.32.127 ttl inherit nopmtudisc`,
      `net/lan node1 in ${IN_IPIP}`,
      `net/lan node2 out ${IN_IPIP}: bridged`,
      `node/node2 eth0 in ${IN_IPIP}`,
      "node/node2 flannel.ipip in ipv4|icmp: unwrapped by flannel.ipip: ipip any remote any local 192.168.32.128 ttl inherit nopmtudisc",
      ...intoPod("node/node2", "pod/c", 1, "63>62"),
    ],
  ],
  ["flannel-ipip", "outside", "a", "192.168.32.1", toOutside("net/lan", MASQUERADE, ...LAN)],

  ["flannel-nftables", "another node", "a", "b", throughVxlan("pod/b", "eth0", "192.168.32.128")],
  [
    "flannel-nftables",
    "a pod from outside, whose address stays because of the fourth rule",
    "client",
    "b",
    [
      `client eth0 out ${PING}`,
      `net/lan client in ${PING}`,
      `net/lan node1 out ${PING}: bridged`,
      `node/node1 eth0 in ${PING}`,
      ...throughVxlan("pod/b", "eth0", "192.168.32.128").slice(3),
    ],
  ],
  [
    "flannel-nftables",
    "outside",
    "a",
    "192.168.32.1",
    toOutside("net/lan", "ip saddr 10.244.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random", ...LAN),
  ],

  ["flannel-two-nics", "another node", "a", "b", throughVxlan("pod/b", "eth1", "192.168.56.12")],
  ["flannel-two-nics", "outside", "a", "10.0.2.2", toOutside("net/nat1", MASQUERADE, "10.0.2.15", "10.0.2.0/24")],
];

for (const { id, lacks } of labs) {
  const own = JOURNEYS.filter(([lab]) => lab === id).map(([, ...rest]) => rest);
  if (own.length === 0) continue;
  describe(`${id}${lacks ? ` (skipped: ${lacks})` : ""}`, { skip: lacks !== undefined }, () => {
    beforeAll(async () => {
      await place.json("up", id, "--name", one);
    });

    afterAll(() => place.downAll());

    test.each(own)("a ping to %s is followed, with every change and its cause", async (_, from, to, way) => {
      const sent = await place.json("send", one, "--from", from, "--to", to);
      expect(sent).toMatchObject({ sent: 1, received: 1 });
      const request = sent.journeys.find(({ summary }: Journey) => summary.startsWith("ICMP echo request"));
      expect(request).toMatchObject({ end: "arrived" });
      expect(request.hops.map(tell)).toEqual(way);
    });
  });
}

/** The first frame of an echo request that was captured going out of node1's card. */
function frameOfRequest(capture: string, tunnelPort: { vxlan: number[]; ip: number[] }): Layer[] {
  let found: Layer[] | undefined;
  const names: string[] = [];
  const reader = new CaptureReader({
    onInterface: (_index, name) => names.push(name),
    onPacket: (index, _direction, _seconds, _nanos, bytes, start, end) => {
      const layers = decodeFrame(bytes.slice(start, end), { tunnelPorts: tunnelPort });
      const isRequest = layers.some(({ title }) => title.startsWith("ICMP echo request"));
      if (names[index] === "node/node1/eth0" && isRequest) found ??= layers;
    },
  });
  reader.push(readFileSync(join(place.folder, "data", "captures", capture, "capture.pcapng")));
  expect(reader.problem).toBeUndefined();
  if (!found) throw new Error(`no echo request on node/node1/eth0, only on ${names.join(", ")}`);
  return found;
}

const fields = (layer: Layer | undefined, ...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, layer && field(layer, name)?.number]));

const unable = labs.find(({ id }) => id === "flannel-udp")?.lacks;
const isElsewhere = labs.every(({ id }) => id !== "flannel-udp");

describe(`what is on the wire${unable ? ` (skipped: ${unable})` : ""}`, {
  skip: unable !== undefined || isElsewhere,
}, () => {
  afterEach(() => place.downAll());

  test("VXLAN's outer packet has a TTL of its own, no DF, and 50 bytes more than the inner one", async () => {
    await place.json("up", "flannel-vxlan", "--name", one);
    const sent = await place.json("send", one, "--from", "a", "--to", "c");
    const [, outer, udp, vxlan, , inner] = frameOfRequest(sent.capture, { vxlan: [], ip: [] });
    expect(fields(outer, "ttl", "totalLength")).toEqual({ ttl: 64, totalLength: 134 });
    expect(field(outer!, "flags")?.value).not.toContain("DF");
    expect(fields(udp, "dstPort")).toEqual({ dstPort: 8472 });
    expect(fields(vxlan, "vni")).toEqual({ vni: 1 });
    expect(fields(inner, "ttl", "totalLength")).toEqual({ ttl: 63, totalLength: 84 });
  });

  test("the UDP backend's packet is the pod's, behind nothing but IP and UDP from port 8285 to port 8285", async () => {
    await place.json("up", "flannel-udp", "--name", one);
    const sent = await place.json("send", one, "--from", "a", "--to", "c");
    const layers = frameOfRequest(sent.capture, { vxlan: [], ip: [8285] });
    expect(layers.map(({ protocol }) => protocol)).toEqual(
      ["eth", "ipv4", "udp", "ipv4", "icmp", "data"].slice(0, layers.length),
    );
    const [, outer, udp, inner] = layers;
    expect(fields(outer, "ttl", "totalLength")).toEqual({ ttl: 64, totalLength: 84 + 28 });
    expect(fields(udp, "srcPort", "dstPort", "length")).toEqual({ srcPort: 8285, dstPort: 8285, length: 84 + 8 });
    expect(fields(inner, "ttl", "totalLength")).toEqual({ ttl: 62, totalLength: 84 });
    for (const layer of layers) expect(layer.problem).toBeUndefined();
  });

  test.each([
    ["flannel-vxlan", "c"],
    ["flannel-udp", "c"],
    ["flannel-vxlan", "node/node1"],
  ])(
    "in %s a ping to %s that is cut at once is two journeys, which the bridge puts together for iptables",
    async (id, to) => {
      await place.json("up", id, "--name", one);
      const sent = await place.json("send", one, "--from", "a", "--to", to, "--size", "3000");
      const [request, reply, ...others]: Journey[] = sent.journeys;
      expect(others).toEqual([]);
      expect(request).toMatchObject({ end: "arrived", reply: reply?.id });
      expect(reply).toMatchObject({ end: "arrived", replyTo: request?.id });
      const bridge = request?.hops.find((hop) => hop.netns === "node/node1" && hop.interface === "cni0");
      expect(bridge?.changes.map(({ kind }) => kind)).toEqual(
        to === "c" ? ["bridged", "reassembled"] : ["bridged", "reassembled", "delivered"],
      );
      if (to === "c") expect(request?.hops.filter(({ netns }) => netns === "pod/c")).toHaveLength(3);
    },
  );

  test("the process answers for a subnet that no node has, from the device's address with a TTL of 8, and the kernel drops that", async () => {
    await place.json("up", "flannel-udp", "--name", one);
    const ran = await place.hoplab(
      "send",
      one,
      "--from",
      "a",
      "--to",
      "10.244.77.7",
      "--protocol",
      "udp",
      "--port",
      "99",
      "--json",
    );
    expect(ran.code).toBe(1);
    const sent = JSON.parse(ran.stdout);
    expect(sent.journeys[0]).toMatchObject({ end: "lost", lastSeen: "node/node1/flannel0" });
    const all: Journey[] = [...sent.journeys, ...sent.also];
    const answer = all.find(({ summary }) => summary === "ICMP net unreachable 10.244.0.0 > 10.244.0.2");
    expect(answer).toMatchObject({ end: "lost", lastSeen: "node/node1/flannel0" });
    expect(answer?.hops[0]).toMatchObject({ direction: "in", layers: ["ipv4", "icmp"] });
    expect(answer?.hops[0]?.titles[0]).toBe("IPv4 10.244.0.0 > 10.244.0.2 ttl 8");
  });

  test("where the process has ended, its packets are refused by the node, and nothing is left of it with the lab", async () => {
    const { pid } = await place.json("up", "flannel-udp", "--name", one);
    inSandbox(pid, "sh", "-c", "kill $(cat /run/hoplab/daemons/node.node2.flanneld.pid)");
    const ran = await place.hoplab("send", one, "--from", "a", "--to", "c", "--json");
    expect(ran.code).toBe(1);
    const sent = JSON.parse(ran.stdout);
    expect(sent.journeys[0]).toMatchObject({ end: "lost", lastSeen: "node/node2/eth0" });
    const all: Journey[] = [...sent.journeys, ...sent.also];
    expect(all.map(({ summary }) => summary)).toContain("ICMP port unreachable 192.168.32.128 > 192.168.32.127");
  });
});
