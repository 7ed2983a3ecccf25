/** What a learner is told of each break of Calico VXLAN: where the packet is last seen, and the kernel state that is to blame. */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { faultsOf } from "../../main/fault/faults.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import { Workplace } from "./hoplab.ts";
import { bundledLab } from "./labs.ts";

const place = new Workplace();
const name = `${place.prefix}broken`;
const faults = faultsOf(await bundledLab("calico-vxlan"));

beforeAll(async () => {
  await place.json("up", "calico-vxlan", "--name", name);
});

afterAll(async () => {
  await place.downAll();
  place[Symbol.dispose]();
});

const QUESTION = "ARP who-has 169.254.1.1 tell 172.26.0.1";
const PING = "ICMP echo request 172.26.0.1 > 172.26.0.65";

test.each<[fault: string, packet: string, lastSeen: string, causes: string[]]>([
  [
    "proxy-arp-off",
    QUESTION,
    "node/node1/caliacd53aa4120",
    ["nobody in the lab has 169.254.1.1", "net.ipv4.conf.caliacd53aa4120.proxy_arp = 0"],
  ],
  [
    "default-route-missing",
    QUESTION,
    "node/node1/caliacd53aa4120",
    ["nobody in the lab has 169.254.1.1", "no route to 169.254.1.1 by another interface than caliacd53aa4120"],
  ],
  [
    "vxlan-port-filtered",
    PING,
    "net/lan/node1",
    ["-A FORWARD -p udp -m udp --dport 4789 -j DROP", "net.bridge.bridge-nf-call-iptables = 1"],
  ],
  [
    "tunnel-source-unknown",
    PING,
    "node/node2/eth0",
    [
      '-A cali-INPUT -p udp -m comment --comment "cali:EDCNTTxYfggApx8C" -m comment --comment "Drop IPv4 VXLAN packets from non-allowed hosts" -m multiport --dports 4789 -m addrtype --dst-type LOCAL -j DROP',
    ],
  ],
  [
    "rp-filter-strict",
    PING,
    "node/node2/vxlan.calico",
    ["net.ipv4.conf.all.rp_filter = 1", "172.26.0.0/26 via 192.168.32.127 dev eth0 proto 80 onlink"],
  ],
  [
    "pod-mtu-large",
    PING,
    "node/node1/caliacd53aa4120",
    ["1500 bytes with DF, and vxlan.calico mtu 1450", "172.26.0.64/26 via 172.26.0.64 dev vxlan.calico onlink"],
  ],
  ["switch-mtu-small", PING, "net/lan/node1", ["1478 bytes, and node2 mtu 1400"]],
  [
    "vtep-mac-wrong",
    PING,
    "node/node2/vxlan.calico",
    ["vxlan.calico is 66:2d:bf:44:a6:8b; the frame is for 66:e8:90:2c:31:16"],
  ],
])("%s: %s is last seen at %s, and told why", async (fault, packet, lastSeen, causes) => {
  const { from, to, size } = faults.find((found) => found.name === fault)!.shows;
  await place.json("fault", name, fault);
  try {
    const sizeWords = size === undefined ? [] : ["--size", String(size)];
    // It exits with 1, as nothing is answered.
    const { code, stdout } = await place.hoplab("send", name, "--from", from, "--to", to, ...sizeWords, "--json");
    const sent: { received: number; capture: string } = JSON.parse(stdout);
    expect({ code, received: sent.received }).toEqual({ code: 1, received: 0 });
    const capture = join(place.folder, "data", "captures", sent.capture, "capture.pcapng");
    const { journeys }: { journeys: Journey[] } = await place.json("read", capture);
    const lost = journeys.find(({ summary }) => summary.startsWith(packet));
    expect(lost).toMatchObject({ end: "lost", lastSeen });
    expect(lost?.hops.at(-1)?.causes?.map(({ text }) => text)).toEqual(expect.arrayContaining(causes));
  } finally {
    await place.json("fault", name, fault, "--revert");
  }
});
