/**
 * The main traffic of the layer-2 and layer-3 labs through the product: every hop with its direction and its changes, and
 * the kernel state behind them. Labs that this kernel lacks something for are sent through in the VM.
 */

import { afterAll, describe, expect, test } from "vitest";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { Workplace } from "./hoplab.ts";
import { labsHere } from "./labs.ts";

interface Sent {
  lab: string;
  says: string;
  send: string[];
  /** The start of the journey's summary. */
  packet: string;
  end: Journey["end"];
  /** `netns/interface direction`, its changes and, where the journey branches, `<` and the place that it comes from. */
  hops: string[];
  /** By the hop's place: its first causes, in their order. */
  causes?: Record<string, (string | RegExp)[]>;
}

const ICMP = "ICMP echo request";

const TABLE: Sent[] = [
  {
    lab: "bridge-arp",
    says: "a question is flooded out of every other port",
    send: ["--from", "h1", "--to", "h2"],
    packet: "ARP who-has 10.0.0.2",
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "switch/port1 in",
      "switch/br0 in flooded",
      "switch/port2 out flooded",
      "h2/eth0 in delivered",
      "switch/port3 out flooded",
      "h3/eth0 in",
    ],
    causes: { "switch/port3 out": ["ff:ff:ff:ff:ff:ff is broadcast: bridge br0 sends it to all its ports"] },
  },
  {
    lab: "arp-proxy",
    says: "the router answers for a host of the other half, and routes what comes of it",
    send: ["--from", "h1", "--to", "h2"],
    packet: ICMP,
    end: "arrived",
    hops: ["h1/eth0 out", "router/eth0 in", "router/eth1 out routed", "h2/eth0 in delivered"],
    causes: {
      "h1/eth0 out": ["10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2", /^10\.0\.0\.130 dev eth0 lladdr /],
      "router/eth1 out": ["10.0.0.128/25 dev eth1 proto kernel scope link src 10.0.0.129", /^10\.0\.0\.130 dev eth1 /],
    },
  },
  {
    lab: "arp-proxy",
    says: "the question ends at the router, by its setting and its route",
    send: ["--from", "h1", "--to", "h2"],
    packet: "ARP who-has 10.0.0.130 tell 10.0.0.2",
    end: "arrived",
    hops: ["h1/eth0 out", "router/eth0 in"],
    causes: {
      "router/eth0 in": [
        "net.ipv4.conf.eth0.proxy_arp = 1",
        "10.0.0.128/25 dev eth1 proto kernel scope link src 10.0.0.129",
      ],
    },
  },
  {
    lab: "bridge-learning",
    says: "once it is learned, a ping takes one port at each switch",
    send: ["--from", "h1", "--to", "h3"],
    packet: ICMP,
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "sw1/port1 in",
      "sw1/uplink out bridged",
      "sw2/uplink in",
      "sw2/port1 out bridged",
      "h3/eth0 in delivered",
    ],
    causes: {
      "sw1/uplink out": ["02:00:00:00:00:03 dev uplink master br0"],
      "sw2/port1 out": ["02:00:00:00:00:03 dev port1 master br0"],
    },
  },
  {
    lab: "bridge-learning",
    says: "a question reaches every host behind both switches",
    send: ["--from", "h1", "--to", "h3"],
    packet: "ARP who-has 10.0.0.3",
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "sw1/port1 in",
      "sw1/br0 in flooded",
      "sw1/port2 out flooded",
      "h2/eth0 in",
      "sw1/uplink out flooded",
      "sw2/uplink in",
      "sw2/br0 in flooded",
      "sw2/port1 out flooded",
      "h3/eth0 in delivered",
      "sw2/port2 out flooded",
      "h4/eth0 in",
    ],
  },
  {
    lab: "vlan-trunk",
    says: "within a VLAN the tag is put on for the trunk alone",
    send: ["--from", "h1", "--to", "h3"],
    packet: ICMP,
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "sw1/port1 in",
      "sw1/trunk out bridged wrapped(vlan)",
      "sw2/trunk in",
      "sw2/port1 out bridged unwrapped(vlan)",
      "h3/eth0 in delivered",
    ],
    causes: {
      "sw1/trunk out": [/^02:[0-9a-f:]{14} dev trunk vlan 10 master br0$/, "trunk 10"],
      "sw2/port1 out": [/^02:[0-9a-f:]{14} dev port1 vlan 10 master br0$/, "port1 10 PVID Egress Untagged"],
    },
  },
  {
    lab: "vlan-trunk",
    says: "a question stays in its VLAN, on both switches",
    send: ["--from", "h1", "--to", "h3"],
    packet: "ARP who-has 10.0.10.13",
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "sw1/port1 in",
      "sw1/uplink out flooded wrapped(vlan)",
      "router/eth0 in",
      "router/eth0.10 in unwrapped(vlan)",
      "sw1/trunk out flooded wrapped(vlan)",
      "sw2/trunk in",
      "sw2/port1 out bridged unwrapped(vlan)",
      "h3/eth0 in delivered",
    ],
    causes: {
      "sw1/trunk out": ["ff:ff:ff:ff:ff:ff is broadcast: bridge br0 sends it to all its ports in VLAN 10", "trunk 10"],
    },
  },
  {
    lab: "vlan-trunk",
    says: "between VLANs the router takes one tag off and puts the other on",
    send: ["--from", "h1", "--to", "h4"],
    packet: ICMP,
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "sw1/port1 in",
      "sw1/uplink out bridged wrapped(vlan)",
      "router/eth0 in",
      "router/eth0.10 in unwrapped(vlan)",
      "router/eth0.20 out routed",
      "router/eth0 out wrapped(vlan)",
      "sw1/uplink in",
      "sw1/trunk out bridged",
      "sw2/trunk in",
      "sw2/port2 out bridged unwrapped(vlan)",
      "h4/eth0 in delivered",
    ],
    causes: {
      "router/eth0.10 in": ["eth0.10: vlan protocol 802.1Q id 10 <REORDER_HDR>"],
      "router/eth0 out": ["eth0.20: vlan protocol 802.1Q id 20 <REORDER_HDR>"],
    },
  },
  {
    lab: "vxlan-flood-learn-multicast",
    says: "a question goes to the group once, and the switch below floods it to all tunnel ends",
    send: ["--from", "h1", "--to", "h2"],
    packet: "ARP who-has 10.0.0.2",
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "vtep1/port1 in",
      "vtep1/br0 in flooded",
      "vtep1/vxlan100 out flooded",
      "vtep1/eth0 out wrapped(eth|ipv4|udp|vxlan)",
      "lan/port1 in",
      "lan/br0 in flooded",
      "lan/port2 out flooded",
      "vtep2/eth0 in",
      "vtep2/vxlan100 in unwrapped(eth|ipv4|udp|vxlan)",
      "vtep2/br0 in flooded",
      "vtep2/port1 out flooded",
      "h2/eth0 in delivered",
      "lan/port3 out flooded",
      "vtep3/eth0 in",
      "vtep3/vxlan100 in unwrapped(eth|ipv4|udp|vxlan)",
      "vtep3/br0 in flooded",
      "vtep3/port1 out flooded",
      "h3/eth0 in",
    ],
    causes: {
      "vtep1/eth0 out": ["00:00:00:00:00:00 dev vxlan100 dst 239.1.1.1 via eth0 self permanent"],
      "lan/port3 out": ["01:00:5e:01:01:01 is multicast: bridge br0 sends it to all its ports"],
    },
  },
  {
    lab: "vxlan-flood-learn-multicast",
    says: "the ping goes to one tunnel end alone, by an entry that was learned",
    send: ["--from", "h1", "--to", "h2"],
    packet: ICMP,
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "vtep1/port1 in",
      "vtep1/vxlan100 out bridged",
      "vtep1/eth0 out wrapped(eth|ipv4|udp|vxlan)",
      "lan/port1 in",
      "lan/port2 out bridged",
      "vtep2/eth0 in",
      "vtep2/vxlan100 in unwrapped(eth|ipv4|udp|vxlan)",
      "vtep2/port1 out bridged",
      "h2/eth0 in delivered",
    ],
    causes: {
      "vtep1/vxlan100 out": ["02:00:00:00:00:02 dev vxlan100 master br0"],
      "vtep1/eth0 out": ["02:00:00:00:00:02 dev vxlan100 dst 192.168.1.2 self"],
    },
  },
  {
    lab: "vxlan-flood-learn-headend",
    says: "a question is sent once for each tunnel end of the list: one journey with a branch for each",
    send: ["--from", "h1", "--to", "h2"],
    packet: "ARP who-has 10.0.0.2",
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "vtep1/port1 in",
      "vtep1/br0 in flooded",
      "vtep1/vxlan100 out flooded",
      "vtep1/eth0 out wrapped(eth|ipv4|udp|vxlan)",
      "router/eth1 in",
      "router/eth2 out routed",
      "vtep2/eth0 in",
      "vtep2/vxlan100 in unwrapped(eth|ipv4|udp|vxlan)",
      "vtep2/br0 in flooded",
      "vtep2/port1 out flooded",
      "h2/eth0 in delivered",
      "vtep1/eth0 out wrapped(eth|ipv4|udp|vxlan)",
      "router/eth1 in",
      "router/eth3 out routed",
      "vtep3/eth0 in",
      "vtep3/vxlan100 in unwrapped(eth|ipv4|udp|vxlan)",
      "vtep3/br0 in flooded",
      "vtep3/port1 out flooded",
      "h3/eth0 in",
    ],
  },
  {
    lab: "vxlan-static",
    says: "a question ends at the tunnel device, which has the answer",
    send: ["--from", "h1", "--to", "h2"],
    packet: "ARP who-has 10.0.0.2",
    end: "arrived",
    hops: ["h1/eth0 out", "vtep1/port1 in", "vtep1/br0 in flooded", "vtep1/vxlan100 out flooded"],
    causes: {
      "vtep1/vxlan100 out": [
        "ff:ff:ff:ff:ff:ff is broadcast: bridge br0 sends it to all its ports",
        "10.0.0.2 dev vxlan100 lladdr 02:00:00:00:00:02 PERMANENT",
        /^vxlan100: vxlan id 100 local 192\.168\.1\.2 .* nolearning proxy /,
      ],
    },
  },
  {
    lab: "vxlan-static",
    says: "the ping finds its tunnel end by an entry that was written",
    send: ["--from", "h1", "--to", "h2"],
    packet: ICMP,
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "vtep1/port1 in",
      "vtep1/vxlan100 out bridged",
      "vtep1/eth0 out wrapped(eth|ipv4|udp|vxlan)",
      "router/eth1 in",
      "router/eth2 out routed",
      "vtep2/eth0 in",
      "vtep2/vxlan100 in unwrapped(eth|ipv4|udp|vxlan)",
      "vtep2/port1 out bridged",
      "h2/eth0 in delivered",
    ],
    causes: {
      "vtep1/vxlan100 out": ["02:00:00:00:00:02 dev vxlan100 master br0 static"],
      "vtep1/eth0 out": ["02:00:00:00:00:02 dev vxlan100 dst 192.168.2.2 self permanent"],
    },
  },
  {
    lab: "routing",
    says: "two routers lower the TTL and change the MAC addresses",
    send: ["--from", "h1", "--to", "h2"],
    packet: ICMP,
    end: "arrived",
    hops: [
      "h1/eth0 out",
      "r1/eth0 in",
      "r1/eth1 out routed",
      "r2/eth1 in",
      "r2/eth0 out routed",
      "h2/eth0 in delivered",
    ],
    causes: {
      "h1/eth0 out": ["default via 10.0.1.1 dev eth0", /^10\.0\.1\.1 dev eth0 lladdr /],
      "r1/eth1 out": ["10.0.2.0/24 via 10.0.12.2 dev eth1", /^10\.0\.12\.2 dev eth1 lladdr /],
      "r2/eth0 out": ["10.0.2.0/24 dev eth0 proto kernel scope link src 10.0.2.1", /^10\.0\.2\.2 dev eth0 lladdr /],
    },
  },
  {
    lab: "routing",
    says: "what is for the blackhole ends at the first router, which has a route that says so",
    send: ["--from", "h1", "--to", "10.0.99.1"],
    packet: ICMP,
    end: "lost",
    hops: ["h1/eth0 out", "r1/eth0 in"],
    causes: { "r1/eth0 in": ["blackhole 10.0.99.0/24"] },
  },
  {
    lab: "nat",
    says: "what leaves gets the public address behind the routing decision",
    send: ["--from", "a", "--to", "internet"],
    packet: ICMP,
    end: "arrived",
    hops: [
      "a/eth0 out",
      "lan/porta in",
      "lan/uplink out bridged",
      "router/eth0 in",
      "router/eth1 out snat(10.0.0.2 203.0.113.1) routed",
      "internet/eth0 in delivered",
    ],
  },
  {
    lab: "nat",
    says: "the answer is led back to who asked",
    send: ["--from", "a", "--to", "internet"],
    packet: "ICMP echo reply",
    end: "arrived",
    hops: [
      "internet/eth0 out",
      "router/eth1 in",
      "router/eth0 out dnat(203.0.113.1 10.0.0.2) routed",
      "lan/uplink in",
      "lan/porta out bridged",
      "a/eth0 in delivered",
    ],
  },
  {
    lab: "nat",
    says: "the published port leads to the web server",
    send: ["--from", "internet", "--to", "203.0.113.1", "--protocol", "tcp", "--port", "8080"],
    packet: "TCP 203.0.113.9:",
    end: "arrived",
    hops: [
      "internet/eth0 out",
      "router/eth1 in",
      "router/eth0 out dnat(203.0.113.1:8080 10.0.0.80:80) routed",
      "lan/uplink in",
      "lan/portweb out bridged",
      "web/eth0 in delivered",
    ],
  },
  {
    lab: "mtu",
    says: "what is too big and must not be cut ends before the narrow wire",
    send: ["--from", "h1", "--to", "h2", "--size", "1450", "--dont-fragment"],
    packet: ICMP,
    end: "lost",
    hops: ["h1/eth0 out", "r1/eth0 in"],
  },
  {
    lab: "mtu",
    says: "and its router says how much would fit",
    send: ["--from", "h1", "--to", "h2", "--size", "1450", "--dont-fragment"],
    packet: "ICMP fragmentation needed 10.0.1.1 > 10.0.1.2 mtu 1400",
    end: "arrived",
    hops: ["r1/eth0 out", "h1/eth0 in delivered"],
  },
  {
    lab: "rp-filter",
    says: "there by one router",
    send: ["--from", "client", "--to", "server"],
    packet: ICMP,
    end: "arrived",
    hops: [
      "client/eth0 out",
      "r1/eth0 in",
      "r1/eth1 out routed",
      "gw/eth0 in",
      "gw/eth2 out routed",
      "server/eth0 in delivered",
    ],
    causes: { "client/eth0 out": ["10.0.5.0/24 via 10.0.1.1 dev eth0 src 10.0.1.2", /^10\.0\.1\.1 dev eth0 lladdr /] },
  },
  {
    lab: "rp-filter",
    says: "back by the other",
    send: ["--from", "client", "--to", "server"],
    packet: "ICMP echo reply",
    end: "arrived",
    hops: [
      "server/eth0 out",
      "gw/eth2 in",
      "gw/eth1 out routed",
      "r2/eth1 in",
      "r2/eth0 out routed",
      "client/eth1 in delivered",
    ],
    causes: { "gw/eth1 out": ["10.0.1.0/24 via 10.0.4.1 dev eth1 metric 10", /^10\.0\.4\.1 dev eth1 lladdr /] },
  },
];

const place = new Workplace();

afterAll(async () => {
  await place.downAll();
  place[Symbol.dispose]();
});

const seen = new Map<string, Promise<Journey[]>>();

/** The journeys of what is sent in a lab that was built for it; the same are sent once. */
function journeysOf({ lab, send }: Sent): Promise<Journey[]> {
  const key = [lab, ...send].join(" ");
  const known = seen.get(key) ?? sendOnce(lab, send);
  seen.set(key, known);
  return known;
}

async function sendOnce(lab: string, send: string[]): Promise<Journey[]> {
  const name = `${place.prefix}${lab}`;
  await place.json("up", lab, "--name", name);
  // It exits 1 where nothing answers, which some are to see.
  const { stdout } = await place.hoplab("send", name, ...send, "--json");
  await place.hoplab("down", name);
  const sent = JSON.parse(stdout);
  return [...sent.journeys, ...sent.also];
}

const labs = await labsHere();
for (const { id, lacks } of labs) {
  if (lacks && TABLE.some(({ lab }) => lab === id)) console.warn(`${id} is not sent through here: ${lacks}`);
}

function placeOf(hop: Hop): string {
  return `${hop.netns}/${hop.interface} ${hop.direction}`;
}

/** `bridged wrapped(vlan) snat(10.0.0.2 203.0.113.1)` behind the place. */
function describeHop(hop: Hop): string {
  const changes = hop.changes.map(({ kind, layers, address }) => {
    const detail = layers?.join("|") ?? address?.join(" ");
    return detail ? `${kind}(${detail})` : kind;
  });
  return [placeOf(hop), ...changes].join(" ");
}

/** Depth first, branches by name: which copy was seen first is up to the kernel. */
function walk(hops: readonly Hop[]): string[] {
  const below = (parent: number | undefined): Hop[] => hops.filter((hop) => hop.parent === parent);
  const visit = (hop: Hop): string[] => {
    const branches = below(hops.indexOf(hop)).map(visit);
    return [describeHop(hop), ...branches.sort((a, b) => order(a) - order(b) || compare(a, b)).flat()];
  };
  // A bridge's own copy first, since nothing follows from it.
  const order = (branch: string[]) => branch.length;
  const compare = (a: string[], b: string[]) => a.join().localeCompare(b.join());
  return below(undefined).flatMap(visit);
}

for (const lab of new Set(TABLE.map((row) => row.lab))) {
  const here = labs.find(({ id }) => id === lab);
  // In the VM only the labs that the machine around it can't host are looked at.
  if (!here) continue;
  describe(`${lab}${here.lacks ? ` (skipped: ${here.lacks})` : ""}`, { skip: here.lacks !== undefined }, () => {
    test.each(TABLE.filter((row) => row.lab === lab))("$says", async (row) => {
      const journeys = await journeysOf(row);
      const journey = journeys.find(({ summary }) => summary.startsWith(row.packet));
      expect(journey?.end, journeys.map(({ summary }) => summary).join("\n")).toBe(row.end);
      const hops = journey?.hops ?? [];
      expect(walk(hops)).toEqual(row.hops);
      for (const [at, causes] of Object.entries(row.causes ?? {})) {
        const hop = hops.find((each) => placeOf(each) === at);
        const found = [...(hop?.changes.flatMap((change) => change.causes ?? []) ?? []), ...(hop?.causes ?? [])];
        expect(found.slice(0, causes.length).map(({ text }) => text)).toEqual(
          causes.map((cause) => (typeof cause === "string" ? cause : expect.stringMatching(cause))),
        );
      }
    });
  });
}
