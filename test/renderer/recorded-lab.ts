/**
 * One ping from pod a to pod c of the flannel-vxlan lab, with its ARP: the frames as the kernel made them,
 * built byte by byte around the recorded topology. For tests and for the developer's page only.
 */

import { decodeFrame } from "../../main/decode/decode.ts";
import type { Packet } from "../../preload/contract/calls.ts";
import type { OpenedFrame } from "../../preload/contract/frame.ts";
import type { Change, Hop, Journey } from "../../preload/contract/journey.ts";

const MAC = {
  a: "02ac40e3e2c9",
  c: "02d2194e83f4",
  cni1: "02f5b10ca1b8",
  cni2: "02a6cd9dbfe0",
  vtep1: "02a2aa5d4c5b",
  vtep2: "027b3b74a728",
  node1: "02b748f7e031",
  node2: "02f5dbd80604",
};

const hex = (number: number, bytes: number) => number.toString(16).padStart(bytes * 2, "0");
const address = (text: string) =>
  text
    .split(".")
    .map((part) => hex(Number(part), 1))
    .join("");

function eth(src: string, dst: string, type: string, payload: string): string {
  return dst + src + type + payload;
}

function ipv4(source: string, destination: string, ttl: number, protocol: number, payload: string): string {
  const length = hex(20 + payload.length / 2, 2);
  const bare = (sum: string) =>
    `4500${length}1f3a0000${hex(ttl, 1)}${hex(protocol, 1)}${sum}${address(source)}${address(destination)}`;
  return bare(checksum(bare("0000"))) + payload;
}

function checksum(header: string): string {
  let sum = 0;
  for (let at = 0; at < header.length; at += 4) sum += Number.parseInt(header.slice(at, at + 4), 16);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return hex(~sum & 0xffff, 2);
}

function vxlan(from: 1 | 2, inner: string): string {
  const udp = `b51c2118${hex(16 + inner.length / 2, 2)}00000800000000000100${inner}`;
  const [source, destination] = from === 1 ? [127, 128] : [128, 127];
  const packet = ipv4(`192.168.32.${source}`, `192.168.32.${destination}`, 64, 17, udp);
  return from === 1 ? eth(MAC.node1, MAC.node2, "0800", packet) : eth(MAC.node2, MAC.node1, "0800", packet);
}

const DATA = Array.from({ length: 48 }, (_, index) => hex(16 + index, 1)).join("");

function echo(kind: "request" | "reply", ttl: number): string {
  const icmp = `${kind === "request" ? "0800" : "0000"}b86c00070001c4a1206900000000${DATA}`;
  return kind === "request"
    ? ipv4("10.244.0.2", "10.244.1.2", ttl, 1, icmp)
    : ipv4("10.244.1.2", "10.244.0.2", ttl, 1, icmp);
}

type Way = [where: string, direction: "in" | "out", at: number, bytes: string, changes?: Change[], parent?: number];

const route: Change = {
  kind: "routed",
  ttl: [64, 63],
  mac: { src: ["02:ac:40:e3:e2:c9", "02:a2:aa:5d:4c:5b"], dst: ["02:f5:b1:0c:a1:b8", "02:7b:3b:74:a7:28"] },
  cause: "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
  causes: [
    {
      kind: "route",
      text: "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
      command: "ip -n node.node1 route get fibmatch 10.244.1.2",
    },
    {
      kind: "neighbour",
      text: "10.244.1.0 dev flannel.1 lladdr 02:7b:3b:74:a7:28 PERMANENT",
      command: "ip -n node.node1 neigh show 10.244.1.0 dev flannel.1",
    },
  ],
};
const wrap: Change = {
  kind: "wrapped",
  layers: ["eth", "ipv4", "udp", "vxlan"],
  cause: "02:7b:3b:74:a7:28 dev flannel.1 dst 192.168.32.128 self permanent",
  causes: [
    {
      kind: "fdb",
      text: "02:7b:3b:74:a7:28 dev flannel.1 dst 192.168.32.128 self permanent",
      command: "bridge -n node.node1 fdb show dev flannel.1",
    },
  ],
};
const unwrap: Change = {
  kind: "unwrapped",
  layers: ["eth", "ipv4", "udp", "vxlan"],
  cause: "vxlan id 1 local 192.168.32.128 dev eth0 dstport 8472 nolearning",
  causes: [
    {
      kind: "tunnel",
      text: "vxlan id 1 local 192.168.32.128 dev eth0 dstport 8472 nolearning",
      command: "ip -n node.node2 -d link show flannel.1",
    },
  ],
};
const local: Change = {
  kind: "routed",
  ttl: [63, 62],
  cause: "10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1",
  causes: [
    {
      kind: "route",
      text: "10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1",
      command: "ip -n node.node2 route get fibmatch 10.244.1.2",
    },
  ],
};
const bridged: Change = {
  kind: "bridged",
  cause: "02:f5:db:d8:06:04 dev node2 master br0",
  causes: [
    { kind: "fdb", text: "02:f5:db:d8:06:04 dev node2 master br0", command: "bridge -n net.lan fdb show br br0" },
  ],
};
const port: Change = { kind: "bridged", cause: "02:d2:19:4e:83:f4 dev vethee176ba6 master cni0" };
const delivered: Change = {
  kind: "delivered",
  cause: "local 10.244.1.2 dev eth0 table local proto kernel scope host",
  causes: [
    {
      kind: "address",
      text: "local 10.244.1.2 dev eth0 table local proto kernel scope host",
      command: "ip -n pod.c route get 10.244.1.2",
    },
  ],
};

const sent = eth(MAC.a, MAC.cni1, "0800", echo("request", 64));
const tunnelled = eth(MAC.vtep1, MAC.vtep2, "0800", echo("request", 63));
const came = eth(MAC.cni2, MAC.c, "0800", echo("request", 62));
const request: Way[] = [
  ["pod/a eth0", "out", 0, sent],
  ["node/node1 veth9debe759", "in", 1_900, sent],
  ["node/node1 cni0", "in", 4_200, sent],
  ["node/node1 flannel.1", "out", 10_391, tunnelled, [route]],
  ["node/node1 eth0", "out", 14_022, vxlan(1, tunnelled), [wrap]],
  ["net/lan node1", "in", 15_870, vxlan(1, tunnelled)],
  ["net/lan node2", "out", 17_204, vxlan(1, tunnelled), [bridged]],
  ["node/node2 eth0", "in", 18_110, vxlan(1, tunnelled)],
  ["node/node2 flannel.1", "in", 21_377, tunnelled, [unwrap]],
  ["node/node2 cni0", "out", 24_905, came, [local]],
  ["node/node2 vethee176ba6", "out", 26_310, came, [port]],
  ["pod/c eth0", "in", 27_002, came, [delivered]],
];

const answer = eth(MAC.c, MAC.cni2, "0800", echo("reply", 64));
const back = eth(MAC.vtep2, MAC.vtep1, "0800", echo("reply", 63));
const home = eth(MAC.cni1, MAC.a, "0800", echo("reply", 62));
const reply: Way[] = [
  ["pod/c eth0", "out", 0, answer],
  ["node/node2 vethee176ba6", "in", 1_500, answer],
  ["node/node2 cni0", "in", 3_020, answer],
  ["node/node2 flannel.1", "out", 6_800, back, [{ ...route, causes: undefined, cause: undefined, mac: undefined }]],
  ["node/node2 eth0", "out", 8_804, vxlan(2, back), [wrap]],
  ["net/lan node2", "in", 9_760, vxlan(2, back)],
  ["net/lan node1", "out", 11_030, vxlan(2, back), [bridged]],
  ["node/node1 eth0", "in", 12_004, vxlan(2, back)],
  ["node/node1 flannel.1", "in", 14_400, back, [unwrap]],
  ["node/node1 cni0", "out", 17_020, home, [local]],
  ["node/node1 veth9debe759", "out", 18_090, home, [port]],
  ["pod/a eth0", "in", 18_800, home, [delivered]],
];

const BROADCAST = "ffffffffffff";
const whoHas = eth(
  MAC.a,
  BROADCAST,
  "0806",
  `0001080006040001${MAC.a}${address("10.244.0.2")}000000000000${address("10.244.0.1")}`,
);
const flooded: Change = {
  kind: "flooded",
  cause: "ff:ff:ff:ff:ff:ff: no entry, out of every port",
  causes: [
    { kind: "flood", text: "cni0: veth9debe759 veth10ac4d48", command: "bridge -n node.node1 link show master cni0" },
  ],
};
const ask: Way[] = [
  ["pod/a eth0", "out", 0, whoHas],
  ["node/node1 veth9debe759", "in", 1_100, whoHas],
  ["node/node1 cni0", "in", 2_050, whoHas, [{ kind: "delivered" }]],
  ["node/node1 veth10ac4d48", "out", 2_900, whoHas, [flooded], 1],
  ["pod/b eth0", "in", 3_600, whoHas, [], 3],
];
const isAt = eth(
  MAC.cni1,
  MAC.a,
  "0806",
  `0001080006040002${MAC.cni1}${address("10.244.0.1")}${MAC.a}${address("10.244.0.2")}`,
);
const told: Way[] = [
  ["node/node1 cni0", "out", 0, isAt],
  [
    "node/node1 veth9debe759",
    "out",
    700,
    isAt,
    [{ kind: "bridged", cause: "02:ac:40:e3:e2:c9 dev veth9debe759 master cni0" }],
  ],
  ["pod/a eth0", "in", 1_300, isAt, [{ kind: "delivered" }]],
];
const stray = eth(MAC.a, MAC.cni1, "0800", echo("request", 64).slice(0, 70));
const strayed: Way[] = [
  ["pod/a eth0", "out", 0, stray],
  ["node/node1 veth9debe759", "in", 1_200, stray],
];

const ways: {
  way: Way[];
  at: number;
  summary: string;
  ends: Packet["end"];
  protocol: string;
  link?: Partial<Journey>;
}[] = [
  {
    way: ask,
    at: 1_204_511_000,
    summary: "ARP who has 10.244.0.1 tell 10.244.0.2",
    ends: "arrived",
    protocol: "ARP",
    link: { reply: 1 },
  },
  {
    way: told,
    at: 1_204_516_300,
    summary: "ARP 10.244.0.1 is at 02:f5:b1:0c:a1:b8",
    ends: "arrived",
    protocol: "ARP",
    link: { replyTo: 0 },
  },
  {
    way: request,
    at: 1_204_522_000,
    summary: "ICMP echo request 10.244.0.2 > 10.244.1.2 id 7 seq 1",
    ends: "arrived",
    protocol: "ICMP",
    link: { reply: 3 },
  },
  {
    way: reply,
    at: 1_204_561_800,
    summary: "ICMP echo reply 10.244.1.2 > 10.244.0.2 id 7 seq 1",
    ends: "arrived",
    protocol: "ICMP",
    link: { replyTo: 2 },
  },
  {
    way: strayed,
    at: 2_204_561_800,
    summary: "ICMP echo request 10.244.0.2 > 10.244.1.2 cut short",
    ends: "lost",
    protocol: "ICMP",
  },
];

export const frames: OpenedFrame[] = [];
export const journeys: Journey[] = [];
export const packets: Packet[] = [];

ways.forEach(({ way, at, summary, ends, protocol, link }, id) => {
  const first = frames.length;
  const hops = way.map(([where, direction, since, bytes, changes, parent], index): Hop => {
    const [netns = "", name = ""] = where.split(" ");
    const layers = decodeFrame(Uint8Array.from(bytes.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
    const length = bytes.length / 2 + (way === strayed ? 63 : 0);
    frames.push({
      index: first + index,
      netns,
      interface: name,
      direction,
      at: at + since,
      length,
      captured: bytes.length / 2,
      layers,
      bytes,
    });
    return {
      netns,
      interface: name,
      direction,
      at: since,
      layers: layers.map((layer) => layer.protocol),
      titles: layers.map((layer) => layer.title),
      changes: changes ?? [],
      frame: first + index,
      parent: index === 0 ? undefined : (parent ?? index - 1),
    };
  });
  const last = hops.at(-1);
  journeys.push({ id, summary, end: ends, lastSeen: `${last?.netns}/${last?.interface}`, hops, ...link });
  const [, source = "10.244.0.2", destination = "10.244.0.1"] = summary.match(/([\d.]{7,}) > ([\d.]{7,})/) ?? [];
  packets.push({ journey: id, at, protocol, source, destination, summary, hops: hops.length, end: ends, frame: first });
});
