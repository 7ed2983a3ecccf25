/** Tags put on and taken off, flooding within a VLAN, and copies to several tunnel ends, on frames made for it. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { explainCauses } from "../../main/cause/explain-causes.ts";
import type { KernelState, NamespaceState } from "../../main/cause/state.ts";
import { parseLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { BROADCAST, echo, eth, ipv4, mac, passes, seen, udp, whoHas } from "../journey/packet.ts";
import { Followed, type Recorded } from "../journey/recording.ts";

function topologyOf(lab: string): Topology {
  const file = new URL(`../../labs/${lab}/lab.yaml`, import.meta.url);
  const parsed = parseLab(readFileSync(file, "utf8"), "lab.yaml");
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return layOutLab(parsed.value);
}

const empty: NamespaceState = { links: [], addresses: [], routes: [], neighbours: [], fdb: [] };

/** The first journey, explained; each hop as `place: kind cause; kind cause`. */
function explain(frames: Recorded[], topology: Topology, namespaces: KernelState["namespaces"]): string[] {
  const followed = new Followed(frames, topology);
  followed.follower.finish();
  const journeys = followed.journeys();
  expect(journeys.map(({ summary }) => summary)).toHaveLength(1);
  const journey: Journey = journeys[0]!;
  const layers = new Map(followed.seen(journey.id).map((each) => [each.frame.index, each.layers]));
  const all = journey.hops.map(({ frame }) => layers.get(frame)!);
  return explainCauses(journey, all, { at: 0, namespaces }, new Map()).hops.map(
    ({ netns, interface: name, direction, changes }) =>
      `${netns}/${name} ${direction}: ${changes.map(({ kind, cause }) => `${kind} ${cause ?? ""}`.trim()).join("; ")}`,
  );
}

/** The frame with an 802.1Q tag behind its addresses. */
function tagged(vid: number, frame: Buffer): Buffer {
  const tag = Buffer.from([0x81, 0, vid >> 8, vid & 0xff]);
  return Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]);
}

function bridgeState(vlans: string[], fdb: string[]): NamespaceState {
  const links = [
    "2: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 \\    bridge forward_delay 1500 vlan_filtering 1 vlan_protocol 802.1Q addrgenmode eui64",
    ...["uplink", "port1", "port2", "trunk"].map(
      (name, index) => `${index + 3}: ${name}@if2: <BROADCAST,UP> mtu 1500 qdisc noqueue master br0 state UP`,
    ),
  ];
  return { ...empty, links, vlans: ["port              vlan-id", ...vlans], fdb };
}

const MEMBERS = [
  "uplink            10",
  "                  20",
  "port1             10 PVID Egress Untagged",
  "port2             20 PVID Egress Untagged",
  "trunk             10",
  "                  20",
];

describe("two switches that keep VLANs apart", () => {
  const topology = topologyOf("vlan-trunk");
  const switches = (fdb: string[]) => ({ sw1: bridgeState(MEMBERS, fdb), sw2: bridgeState(MEMBERS, fdb) });

  test("the tag is put on for the trunk and taken off for the host, each because the port's VLAN says so", () => {
    const frame = eth(mac(3), mac(1), 0x0800, ipv4({ src: "10.0.10.11", dst: "10.0.10.13" }, 1, echo("request", 7, 1)));
    const frames = [
      ...passes(0, frame, "h1/eth0 out", "sw1/port1 in"),
      ...passes(2, tagged(10, frame), "sw1/trunk out", "sw2/trunk in"),
      ...passes(4, frame, "sw2/port1 out", "h3/eth0 in"),
    ];
    const fdb = ["02:00:00:00:00:03 dev trunk vlan 10 master br0", "02:00:00:00:00:03 dev port1 vlan 10 master br0"];
    expect(explain(frames, topology, switches(fdb))).toEqual([
      "h1/eth0 out: ",
      "sw1/port1 in: ",
      "sw1/trunk out: bridged 02:00:00:00:00:03 dev trunk vlan 10 master br0; wrapped trunk 10",
      "sw2/trunk in: ",
      "sw2/port1 out: bridged 02:00:00:00:00:03 dev port1 vlan 10 master br0; unwrapped port1 10 PVID Egress Untagged",
      "h3/eth0 in: delivered",
    ]);
  });

  test("what comes back from the router by the same switch follows the router, not the host", () => {
    const ping = (ttl: number) => ipv4({ src: "10.0.10.11", dst: "10.0.20.12", ttl }, 1, echo("request", 7, 1));
    const [there, back] = [eth(mac(9), mac(1), 0x0800, ping(64)), eth(mac(2), mac(9), 0x0800, ping(63))];
    const frames = [
      ...passes(0, there, "h1/eth0 out", "sw1/port1 in"),
      ...passes(2, tagged(10, there), "sw1/uplink out", "router/eth0 in"),
      seen("router/eth0.10 in", 3, there),
      seen("router/eth0.20 out", 4, back),
      ...passes(5, tagged(20, back), "router/eth0 out", "sw1/uplink in"),
      ...passes(7, back, "sw1/port2 out", "h2/eth0 in"),
    ];
    const followed = new Followed(frames, topology);
    followed.follower.finish();
    const [journey] = followed.journeys();
    const places = journey!.hops.map(({ netns, interface: name, direction }) => `${netns}/${name} ${direction}`);
    const parentOf = (place: string) => places[journey!.hops[places.indexOf(place)]!.parent!];
    expect(parentOf("sw1/uplink out")).toBe("sw1/port1 in");
    expect(parentOf("sw1/port2 out")).toBe("sw1/uplink in");
  });

  test("a broadcast is flooded within its VLAN, and the cause names it", () => {
    const frame = whoHas("10.0.10.13", mac(1), "10.0.10.11");
    const frames = [
      ...passes(0, frame, "h1/eth0 out", "sw1/port1 in"),
      ...passes(2, tagged(10, frame), "sw1/trunk out", "sw2/trunk in"),
      ...passes(4, tagged(10, frame), "sw1/uplink out", "router/eth0 in"),
      // The kernel does not restamp what it takes the tag off.
      seen("router/eth0.10 in", 5, frame),
    ];
    const device =
      "4: eth0.10@eth0: <BROADCAST,UP> mtu 1500 \\    vlan protocol 802.1Q id 10 <REORDER_HDR> addrgenmode none";
    const flooded = "flooded ff:ff:ff:ff:ff:ff is broadcast: bridge br0 sends it to all its ports in VLAN 10";
    expect(explain(frames, topology, { ...switches([]), router: { ...empty, links: [device] } })).toEqual([
      "h1/eth0 out: ",
      "sw1/port1 in: ",
      `sw1/trunk out: ${flooded}; wrapped trunk 10`,
      "sw2/trunk in: ",
      `sw1/uplink out: ${flooded}; wrapped uplink 10`,
      "router/eth0 in: ",
      "router/eth0.10 in: unwrapped eth0.10: vlan protocol 802.1Q id 10 <REORDER_HDR>",
    ]);
  });
});

test("the copies that a tunnel sends to each end of its list are one journey, each by its own entry", () => {
  const topology = topologyOf("vxlan-flood-learn-headend");
  const question = whoHas("10.0.0.2", mac(1), "10.0.0.1");
  const copy = (dst: string) => {
    const vxlan = Buffer.concat([Buffer.from([8, 0, 0, 0, 0, 0, 100, 0]), question]);
    return eth(mac(9), mac(8), 0x0800, ipv4({ src: "192.168.1.2", dst }, 17, udp(40_000, 4789, vxlan)));
  };
  const frames = [
    ...passes(0, question, "h1/eth0 out", "vtep1/port1 in", "vtep1/vxlan100 out"),
    seen("vtep1/eth0 out", 3, copy("192.168.2.2")),
    seen("vtep1/eth0 out", 4, copy("192.168.3.2")),
    seen("router/eth1 in", 5, copy("192.168.2.2")),
    seen("router/eth1 in", 6, copy("192.168.3.2")),
  ];
  const vtep1: NamespaceState = {
    ...empty,
    links: [
      "2: br0: <BROADCAST,UP> mtu 1450 \\    bridge forward_delay 1500 vlan_filtering 0 addrgenmode eui64",
      "3: port1@if2: <BROADCAST,UP> mtu 1500 qdisc noqueue master br0 state UP",
      "5: vxlan100: <BROADCAST,UP> mtu 1450 qdisc noqueue master br0 state UNKNOWN \\    vxlan id 100 local 192.168.1.2 dev eth0 dstport 4789 ttl auto",
    ],
    fdb: [
      "00:00:00:00:00:00 dev vxlan100 dst 192.168.2.2 self permanent",
      "00:00:00:00:00:00 dev vxlan100 dst 192.168.3.2 self permanent",
    ],
  };
  expect(question.subarray(0, 6)).toEqual(BROADCAST);
  expect(explain(frames, topology, { vtep1 })).toEqual([
    "h1/eth0 out: ",
    "vtep1/port1 in: ",
    "vtep1/vxlan100 out: bridged ff:ff:ff:ff:ff:ff is broadcast: bridge br0 sends it to all its ports",
    "vtep1/eth0 out: wrapped 00:00:00:00:00:00 dev vxlan100 dst 192.168.2.2 self permanent",
    "vtep1/eth0 out: wrapped 00:00:00:00:00:00 dev vxlan100 dst 192.168.3.2 self permanent",
    "router/eth1 in: ",
    "router/eth1 in: ",
  ]);
});
