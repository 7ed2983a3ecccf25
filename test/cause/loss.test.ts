/**
 * Why a packet was lost, from the state of two routers as the kernel printed it, with one line changed in each test.
 *
 *     a eth0 10.0.1.2 --- eth0 10.0.1.1 r1 eth1 10.0.2.1 --- eth0 10.0.2.2 r2 eth1 10.0.3.1 --- eth0 10.0.3.2 b
 *                                       r1 eth2 10.0.4.1 --- eth2 10.0.4.2 r2
 */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { explainCauses } from "../../main/cause/explain-causes.ts";
import { lookupKey, neededLookups } from "../../main/cause/lookup.ts";
import type { KernelState, NamespaceState } from "../../main/cause/state.ts";
import type { Cause } from "../../preload/contract/journey.ts";
import { echo, eth, ipv4, passes, udp } from "../journey/packet.ts";
import { Followed, type Recorded } from "../journey/recording.ts";

const lines = z.array(z.string());
const namespace = z.object({
  links: lines,
  addresses: lines,
  routes: lines,
  neighbours: lines,
  fdb: lines,
  sysctls: lines,
  rules: lines,
  nftables: lines,
  sets: lines,
  conntrack: lines,
  vlans: lines,
  counters: lines,
});
const recording = z.object({
  at: z.number(),
  namespaces: z.record(z.string(), namespace),
  lookups: z.record(z.string(), z.string()),
});

interface Kernel {
  state: KernelState;
  lookups: Map<string, string>;
}

function kernel(change: (namespaces: Record<string, NamespaceState>) => void = () => {}): Kernel {
  const file = new URL("./fixtures/routers.state.json", import.meta.url);
  const { lookups, ...state } = recording.parse(JSON.parse(readFileSync(file, "utf8")));
  change(state.namespaces);
  return { state, lookups: new Map(Object.entries(lookups)) };
}

/** The MAC that the namespace's interface has in the recording. */
function macOf(netns: string, dev: string): Buffer {
  const link = kernel().state.namespaces[netns]?.links.find((line) => line.includes(`: ${dev}@`)) ?? "";
  return Buffer.from(/link\/ether (\S+)/.exec(link)?.[1]?.replaceAll(":", "") ?? "", "hex");
}

const ping = ipv4({ src: "10.0.1.2", dst: "10.0.3.2" }, 1, echo("request", 7, 1));
/** The packet as r1 gets it, and then r2 by one of its interfaces. */
const toR1 = (packet = ping) =>
  passes(0, eth(macOf("r1", "eth0"), macOf("a", "eth0"), 0x0800, packet), "a/eth0 out", "r1/eth0 in");
const toR2 = (packet: Buffer, way: "eth1" | "eth2") => {
  const [out, into] = way === "eth1" ? ["r1/eth1 out", "r2/eth0 in"] : ["r1/eth2 out", "r2/eth2 in"];
  const mac = macOf("r2", way === "eth1" ? "eth0" : "eth2");
  const routed = Buffer.from(packet);
  routed[8] = 63;
  return [...toR1(packet), ...passes(10, eth(mac, macOf("r1", way), 0x0800, routed), out, into)];
};

/** The causes where the only packet was seen last, and the questions that were asked for them. */
function lose(frames: Recorded[], { state, lookups }: Kernel): { causes: Cause[]; asked: string[] } {
  const followed = new Followed(frames);
  followed.follower.finish();
  const [journey] = followed.journeys();
  if (!journey) throw new Error("no packet");
  const seen = new Map(followed.seen(journey.id).map(({ frame, layers }) => [frame.index, layers]));
  const layers = journey.hops.map(({ frame }) => seen.get(frame) ?? []);
  const explained = explainCauses(journey, layers, state, lookups);
  expect(explained.end).toBe("lost");
  return { causes: explained.hops.at(-1)?.causes ?? [], asked: neededLookups(journey, layers, state).map(lookupKey) };
}

const texts = (frames: Recorded[], given: Kernel) =>
  lose(frames, given).causes.map(({ kind, text }) => `${kind}: ${text}`);
const edit = (list: string[] | undefined, from: RegExp, to: string) => {
  const at = list?.findIndex((line) => from.test(line)) ?? -1;
  if (!list || at < 0) throw new Error(`nothing like ${from}`);
  list[at] = list[at]!.replace(from, to);
};

describe("a packet that a router took in and did not send on", () => {
  test("of which nothing in the state says why, has no cause", () => {
    expect(texts(toR1(), kernel())).toEqual([]);
  });

  test("was lost because the router does not forward", () => {
    const off = kernel(({ r1 }) => edit(r1?.sysctls, /ip_forward = 1/, "ip_forward = 0"));
    expect(lose(toR1(), off).causes).toEqual([
      { kind: "forwarding", text: "net.ipv4.ip_forward = 0", command: "ip netns exec r1 sysctl net.ipv4.ip_forward" },
    ]);
  });

  test("or does not forward what comes by that interface", () => {
    const off = kernel(({ r1 }) => edit(r1?.sysctls, /eth0\.forwarding = 1/, "eth0.forwarding = 0"));
    expect(texts(toR1(), off)).toEqual(["forwarding: net.ipv4.conf.eth0.forwarding = 0"]);
  });

  test("is not said to be filtered by its source where the kernel has counted nothing", () => {
    const strict = kernel(({ r2 }) => edit(r2?.sysctls, /eth2\.rp_filter = 0/, "eth2.rp_filter = 1"));
    strict.lookups.set("ip -n r2 route get fibmatch 10.0.1.2", "10.0.1.0/24 via 10.0.2.1 dev eth0");
    expect(texts(toR2(ping, "eth2"), strict)).toEqual([]);
  });

  test("was filtered by its source, whose way back is another interface", () => {
    const strict = kernel(({ r2 }) => {
      edit(r2?.sysctls, /eth2\.rp_filter = 0/, "eth2.rp_filter = 1");
      edit(r2?.counters, /IPReversePathFilter +0/, "IPReversePathFilter       3");
    });
    expect(lose(toR2(ping, "eth2"), strict).asked).toContain("ip -n r2 route get fibmatch 10.0.1.2");
    strict.lookups.set("ip -n r2 route get fibmatch 10.0.1.2", "10.0.1.0/24 via 10.0.2.1 dev eth0");
    expect(texts(toR2(ping, "eth2"), strict)).toEqual([
      "rp-filter: net.ipv4.conf.eth2.rp_filter = 1",
      "route: 10.0.1.0/24 via 10.0.2.1 dev eth0",
      "rp-filter: TcpExtIPReversePathFilter 3",
    ]);
    expect(texts(toR2(ping, "eth1"), strict)).toEqual([]);
  });

  test("passes a loose filter as long as there is any way back", () => {
    const loose = kernel(({ r2 }) => {
      edit(r2?.sysctls, /all\.rp_filter = 0/, "all.rp_filter = 2");
      edit(r2?.sysctls, /eth2\.rp_filter = 0/, "eth2.rp_filter = 1");
      edit(r2?.counters, /IPReversePathFilter +0/, "IPReversePathFilter       3");
    });
    loose.lookups.set("ip -n r2 route get fibmatch 10.0.1.2", "10.0.1.0/24 via 10.0.2.1 dev eth0");
    expect(texts(toR2(ping, "eth2"), loose)).toEqual([]);
  });

  test("has no route where the kernel was asked and had none", () => {
    const none = kernel(({ r1 }) => {
      if (r1) r1.routes = r1.routes.filter((line) => !line.startsWith("10.0.3.0/24"));
    });
    const key = "ip -n r1 route get fibmatch 10.0.3.2 from 10.0.1.2 iif eth0";
    none.lookups.delete(key);
    expect(texts(toR1(), none)).toEqual([]);
    none.lookups.set(key, "");
    expect(texts(toR1(), none)).toEqual(["route: no route to 10.0.3.2"]);
  });

  test("is too long for the next interface, and may not be cut", () => {
    const narrow = kernel(({ r1 }) => edit(r1?.links, /^(\d+: eth1@.*) mtu 1500/, "$1 mtu 1300"));
    const long = ipv4({ src: "10.0.1.2", dst: "10.0.3.2" }, 17, udp(5000, 8080, Buffer.alloc(1372)));
    expect(texts(toR1(long), narrow)).toEqual([]);
    long[6] = 0x40;
    expect(texts(toR1(long), narrow)).toEqual([
      "mtu: 1400 bytes with DF, and eth1 mtu 1300",
      "route: 10.0.3.0/24 via 10.0.2.2 dev eth1",
    ]);
  });

  test("was for a MAC that the router has not, which the sender's neighbour entry names", () => {
    const stray = passes(
      0,
      eth(Buffer.from("020000000099", "hex"), macOf("a", "eth0"), 0x0800, ping),
      "a/eth0 out",
      "r1/eth0 in",
    );
    const stale = kernel(({ a }) => a?.neighbours.splice(0, 9, "10.0.1.1 dev eth0 lladdr 02:00:00:00:00:99 STALE"));
    const own = macOf("r1", "eth0").toString("hex").match(/../g)?.join(":");
    expect(texts(stray, stale)).toEqual([
      "neighbour: 10.0.1.1 dev eth0 lladdr 02:00:00:00:00:99 STALE",
      `nobody: eth0 is ${own}; the frame is for 02:00:00:00:00:99`,
    ]);
  });

  test("is not said to be dropped where its destination is translated first", () => {
    const translated = kernel(({ r1 }) =>
      r1?.rules?.push(
        "*nat",
        ":PREROUTING ACCEPT [0:0]",
        "-A PREROUTING -d 10.0.3.2/32 -j DNAT --to-destination 10.0.9.9",
        "*filter",
        ":FORWARD DROP [0:0]",
      ),
    );
    expect(texts(toR1(), translated)).toEqual([]);
  });
});

describe("a packet that was put on a wire and not seen at the other end", () => {
  const sent = [...toR1(), ...toR2(ping, "eth1").slice(2, 3)];

  test("found that end down", () => {
    const down = kernel(({ r2 }) =>
      edit(r2?.links, /^(\d+: eth0@\S+) <[^>]*> (.*) state UP/, "$1 <BROADCAST,MULTICAST> $2 state DOWN"),
    );
    expect(texts(sent, down)).toEqual(["down: eth0 state DOWN"]);
  });

  test("was longer than that end takes", () => {
    const narrow = kernel(({ r2 }) => edit(r2?.links, /^(\d+: eth0@.*) mtu 1500/, "$1 mtu 1300"));
    const long = ipv4({ src: "10.0.1.2", dst: "10.0.3.2" }, 17, udp(5000, 8080, Buffer.alloc(1372)));
    expect(texts([...toR1(long), ...toR2(long, "eth1").slice(2, 3)], narrow)).toEqual([
      "mtu: 1400 bytes, and eth0 mtu 1300 at the other end",
    ]);
    expect(texts(sent, narrow)).toEqual([]);
  });
});

describe("a frame that a switch with VLANs took in and passed on to no port", () => {
  const host = Buffer.from("020000000011", "hex");
  const other = Buffer.from("020000000012", "hex");
  /** As `bridge vlan show` prints them. */
  const vlans = [
    "trunk             10",
    "                  20",
    "port1             10 PVID Egress Untagged",
    "port2             20 PVID Egress Untagged",
  ];

  /** A switch with these VLANs on its ports. */
  function withSwitch(lines: string[]): Kernel {
    const port = (index: number, dev: string) =>
      `${index}: ${dev}@if2: <UP,LOWER_UP> mtu 1500 master br0 state UP\\    link/ether 02:00:00:00:01:0${index} `;
    return kernel((namespaces) => {
      namespaces.sw = {
        links: [
          "2: br0: <UP,LOWER_UP> mtu 1500 state UP\\    link/ether 02:00:00:00:01:02 \\    bridge forward_delay 1500 vlan_filtering 1 vlan_protocol 802.1Q ",
          port(3, "trunk"),
          port(4, "port1"),
          port(5, "port2"),
        ],
        addresses: [],
        routes: [],
        neighbours: [],
        fdb: [],
        vlans: lines,
      };
    });
  }

  const untagged = (place: string) => [
    ...passes(0, eth(other, host, 0x0800, ping), "h/eth0 out"),
    ...passes(1, eth(other, host, 0x0800, ping), place),
  ];

  test("came by a port that is not in its VLAN", () => {
    const tagged = Buffer.concat([Buffer.from([0, 30, 8, 0]), ping]);
    const frames = passes(0, eth(other, host, 0x8100, tagged), "h/eth0 out", "sw/trunk in");
    expect(lose(frames, withSwitch(vlans)).causes).toEqual([
      { kind: "vlan", text: "VLAN 30 is not allowed on trunk (10, 20)", command: "bridge -n sw vlan show dev trunk" },
    ]);
  });

  test("came by a port that has no VLAN for frames without a tag", () => {
    expect(texts(untagged("sw/trunk in"), withSwitch(vlans))).toEqual([
      "vlan: trunk has no VLAN for frames without a tag (10, 20)",
    ]);
  });

  test("is in a VLAN that no other port is in", () => {
    expect(texts(untagged("sw/port1 in"), withSwitch(vlans.filter((line) => !line.startsWith("trunk"))))).toEqual([
      "vlan: no other port of br0 is in VLAN 10",
    ]);
    expect(texts(untagged("sw/port1 in"), withSwitch(vlans))).toEqual([]);
  });
});

test("state that older captures lack gives no cause and no error", () => {
  const old = kernel((namespaces) => {
    for (const state of Object.values(namespaces)) {
      for (const part of ["sysctls", "rules", "nftables", "sets", "conntrack", "vlans", "counters"] as const)
        delete state[part];
    }
  });
  expect(texts(toR1(), old)).toEqual([]);
});
