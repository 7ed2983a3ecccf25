/**
 * Calico's pings through the product: captured live, also on tunl0, which has no link header. Needs a kernel with ipip; for
 * proxy ARP alone any kernel does.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { lacksIpip } from "./build.ts";
import { inSandbox, Workplace } from "./hoplab.ts";
import { isRootThere } from "./there.ts";

const place = new Workplace();
const one = `${place.prefix}calico`;

afterEach(async () => {
  await place.downAll();
});

afterAll(() => place[Symbol.dispose]());

const reason = await lacksIpip(isRootThere ? "root" : "user");
if (reason) console.warn(`Calico labs are not sent through: ${reason}`);

const where = (journey?: Journey) => journey?.hops.map((hop: Hop) => `${hop.netns}/${hop.interface} ${hop.direction}`);
const layers = (journey?: Journey) => journey?.hops.map((hop: Hop) => hop.layers.join("|"));

const ROUTER = `
id: proxy
title: { en: Proxy ARP }
namespaces:
  - name: h1
    interfaces: [{ name: eth0, addresses: [10.0.1.2/16] }]
  - name: r
    interfaces: [{ name: eth0, addresses: [10.0.1.1/24] }, { name: eth1, addresses: [10.0.2.1/24] }]
    sysctls:
      net.ipv4.ip_forward: 1
      net.ipv4.conf.eth0.proxy_arp: 1
      net.ipv4.conf.eth1.proxy_arp: 1
      net.ipv4.neigh.eth0.proxy_delay: 0
      net.ipv4.neigh.eth1.proxy_delay: 0
  - name: h2
    interfaces: [{ name: eth0, addresses: [10.0.2.2/16] }]
links: [[h1/eth0, r/eth0], [h2/eth0, r/eth1]]
`;

test("a router that answers ARP for another is told with its setting and its route, also when the capture is read again", async () => {
  const file = join(place.folder, "proxy.yaml");
  writeFileSync(file, ROUTER);
  await place.json("up", file, "--name", one);
  const sent = await place.json("send", one, "--from", "h1", "--to", "h2");
  const capture = join(place.folder, "data", "captures", sent.capture, "capture.pcapng");
  const { journeys }: { journeys: Journey[] } = await place.json("read", capture);
  const causes = [
    {
      kind: "sysctl",
      text: "net.ipv4.conf.eth0.proxy_arp = 1",
      command: "ip netns exec r sysctl net.ipv4.conf.eth0.proxy_arp",
    },
    {
      kind: "route",
      text: "10.0.2.0/24 dev eth1 proto kernel scope link src 10.0.2.1",
      command: "ip -n r route get fibmatch 10.0.2.2 from 10.0.1.2 iif eth0",
    },
  ];
  const question = journeys.find(({ summary }) => summary === "ARP who-has 10.0.2.2 tell 10.0.1.2");
  expect(question?.hops.at(-1)).toMatchObject({ netns: "r", interface: "eth0", direction: "in", causes });
  const answer = journeys.find(({ id }) => id === question?.reply);
  expect(answer?.hops[0]).toMatchObject({ netns: "r", interface: "eth0", direction: "out", causes });
});

interface Way {
  lab: string;
  to: string;
  what: string;
  /** Every sighting, and what changed there with its cause, or else why it was seen there. */
  hops: [place: string, ...changes: (string | RegExp)[]][];
}

/** From pod a, which is 172.26.0.1 on node1. The MAC addresses are made from the names of the nodes. */
const A_LEAVES: Way["hops"] = [
  ["pod/a/eth0 out eth|ipv4|icmp", "default via 169.254.1.1 dev eth0"],
  ["node/node1/caliacd53aa4120 in eth|ipv4|icmp"],
];
const WRAPPED = "eth|ipv4|udp|vxlan|eth|ipv4|icmp";
const bridged = (port: string) => new RegExp(`^bridged [0-9a-f:]+ dev ${port} master br0$`);
const delivered = (address: string) => new RegExp(`^delivered \\d+: \\S+ +inet ${address}/`);

const VXLAN_WAYS: Way[] = [
  {
    lab: "calico-vxlan",
    to: "b",
    what: "a pod of the same node, never meets the tunnel",
    hops: [
      ...A_LEAVES,
      ["node/node1/califf6fc35a693 out eth|ipv4|icmp", "routed 172.26.0.2 dev califf6fc35a693 scope link"],
      ["pod/b/eth0 in eth|ipv4|icmp", delivered("172.26.0.2")],
    ],
  },
  {
    lab: "calico-vxlan",
    to: "c",
    what: "a pod of another node, travels as a whole frame in UDP",
    hops: [
      ...A_LEAVES,
      ["node/node1/vxlan.calico out eth|ipv4|icmp", "routed 172.26.0.64/26 via 172.26.0.64 dev vxlan.calico onlink"],
      [
        `node/node1/eth0 out ${WRAPPED}`,
        "wrapped 66:2d:bf:44:a6:8b dev vxlan.calico dst 192.168.32.128 self permanent",
      ],
      [`net/lan/node1 in ${WRAPPED}`],
      [`net/lan/node2 out ${WRAPPED}`, bridged("node2")],
      [`node/node2/eth0 in ${WRAPPED}`],
      [
        "node/node2/vxlan.calico in eth|ipv4|icmp",
        /^unwrapped vxlan.calico: vxlan id 4096 local 192.168.32.128 dev eth0 .*dstport 4789 nolearning/,
      ],
      ["node/node2/calidbc51878acf out eth|ipv4|icmp", "routed 172.26.0.65 dev calidbc51878acf scope link"],
      ["pod/c/eth0 in eth|ipv4|icmp", delivered("172.26.0.65")],
    ],
  },
  {
    lab: "calico-vxlan",
    to: "192.168.32.1",
    what: "outside the cluster, gets the node's address and never meets the tunnel",
    hops: [
      ...A_LEAVES,
      [
        "node/node1/eth0 out eth|ipv4|icmp",
        /^snat -A cali-nat-outgoing .*--match-set cali40masq-ipam-pools src .* -j MASQUERADE --random-fully$/,
        "routed 192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.127",
      ],
      ["net/lan/node1 in eth|ipv4|icmp"],
      ["net/lan/br0 in eth|ipv4|icmp", /^bridged/, delivered("192.168.32.1")],
    ],
  },
  {
    lab: "calico-vxlan-crosssubnet",
    to: "c",
    what: "a pod of a node of the same subnet, goes as it is",
    hops: [
      ...A_LEAVES,
      ["node/node1/eth0 out eth|ipv4|icmp", "routed 172.26.0.64/26 via 192.168.32.128 dev eth0 proto 80 onlink"],
      ["net/lan-a/node1 in eth|ipv4|icmp"],
      ["net/lan-a/node2 out eth|ipv4|icmp", bridged("node2")],
      ["node/node2/eth0 in eth|ipv4|icmp"],
      ["node/node2/calidbc51878acf out eth|ipv4|icmp", "routed 172.26.0.65 dev calidbc51878acf scope link"],
      ["pod/c/eth0 in eth|ipv4|icmp", delivered("172.26.0.65")],
    ],
  },
  {
    lab: "calico-vxlan-crosssubnet",
    to: "d",
    what: "a pod behind the router, travels in UDP, which the router forwards without knowing a pod",
    hops: [
      ...A_LEAVES,
      ["node/node1/vxlan.calico out eth|ipv4|icmp", "routed 172.26.0.128/26 via 172.26.0.128 dev vxlan.calico onlink"],
      [
        `node/node1/eth0 out ${WRAPPED}`,
        "wrapped 66:a4:6f:e0:c4:da dev vxlan.calico dst 192.168.33.129 self permanent",
      ],
      [`net/lan-a/node1 in ${WRAPPED}`],
      [`net/lan-a/router out ${WRAPPED}`, bridged("router")],
      [`router/eth0 in ${WRAPPED}`],
      [`router/eth1 out ${WRAPPED}`, "routed 192.168.33.0/24 dev eth1 proto kernel scope link src 192.168.33.1"],
      [`net/lan-b/router in ${WRAPPED}`],
      [`net/lan-b/node3 out ${WRAPPED}`, bridged("node3")],
      [`node/node3/eth0 in ${WRAPPED}`],
      ["node/node3/vxlan.calico in eth|ipv4|icmp", /^unwrapped vxlan.calico: vxlan id 4096 local 192.168.33.129 /],
      ["node/node3/cali2ca070a7e2d out eth|ipv4|icmp", "routed 172.26.0.129 dev cali2ca070a7e2d scope link"],
      ["pod/d/eth0 in eth|ipv4|icmp", delivered("172.26.0.129")],
    ],
  },
];

const IPIP_WAYS: Way[] = [
  {
    lab: "calico-ipip",
    to: "192.168.32.1",
    what: "outside the cluster, gets the node's address and never meets tunl0",
    hops: [
      ...A_LEAVES,
      [
        "node/node1/eth0 out eth|ipv4|icmp",
        /^snat -A cali-nat-outgoing .* -j MASQUERADE --random-fully$/,
        "routed 192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.127",
      ],
      ["net/lan/node1 in eth|ipv4|icmp"],
      ["net/lan/br0 in eth|ipv4|icmp", /^bridged/, delivered("192.168.32.1")],
    ],
  },
  {
    lab: "calico-ipip-crosssubnet",
    to: "c",
    what: "a pod of a node of the same subnet, goes as it is",
    hops: VXLAN_WAYS.find(({ lab, to }) => lab === "calico-vxlan-crosssubnet" && to === "c")!.hops,
  },
];

/** Brings the lab up, sends the ping, and compares what was seen. */
async function expectWay({ lab, to, hops }: Way): Promise<void> {
  await place.json("up", lab, "--name", one);
  const sent = await place.json("send", one, "--from", "a", "--to", to);
  expect(sent).toMatchObject({ sent: 1, received: 1 });
  const journeys: Journey[] = sent.journeys;
  const request = journeys.find(({ summary }) => summary.startsWith("ICMP echo request"));
  expect(request?.end).toBe("arrived");
  const seen = request?.hops.map((hop) => `${hop.netns}/${hop.interface} ${hop.direction} ${hop.layers.join("|")}`);
  expect(seen).toEqual(hops.map(([at]) => at));
  for (const [index, [at, ...changes]] of hops.entries()) {
    const hop = request?.hops[index];
    const changed = hop?.changes.map(({ kind, cause }) => (cause ? `${kind} ${cause}` : kind)) ?? [];
    const found = [...changed, ...(hop?.causes ?? []).slice(0, 1).map(({ text }) => text)];
    expect(found, at).toEqual(
      changes.map((change) => (typeof change === "string" ? change : expect.stringMatching(change))),
    );
  }
}

/** In the VM only the labs that the machine around it can't host are sent through. */
const wanted = process.env.HOPLAB_LABS?.split(",");

test.each(VXLAN_WAYS.filter(({ lab }) => wanted?.includes(lab) ?? true))("in $lab a ping to $to, $what", expectWay);

describe(`Calico IPIP${reason ? ` (skipped: ${reason})` : ""}`, {
  skip: reason !== undefined,
  timeout: 300_000,
}, () => {
  test.each(IPIP_WAYS)("in $lab a ping to $to, $what", expectWay);

  test("a ping between nodes is followed through tunl0, with every change and its cause", async () => {
    const { pid } = await place.json("up", "calico-ipip", "--name", one);
    const sent = await place.json("send", one, "--from", "a", "--to", "c");
    expect(sent).toMatchObject({ lab: "calico-ipip", sent: 1, received: 1 });
    const [request, reply]: Journey[] = sent.journeys;
    expect(request).toMatchObject({ end: "arrived", lastSeen: "pod/c/eth0", reply: reply?.id });
    expect(where(request)).toEqual([
      "pod/a/eth0 out",
      "node/node1/caliacd53aa4120 in",
      "node/node1/tunl0 out",
      "node/node1/eth0 out",
      "net/lan/node1 in",
      "net/lan/node2 out",
      "node/node2/eth0 in",
      "node/node2/tunl0 in",
      "node/node2/calidbc51878acf out",
      "pod/c/eth0 in",
    ]);
    expect(layers(request)).toEqual([
      "eth|ipv4|icmp",
      "eth|ipv4|icmp",
      "ipv4|icmp",
      ...Array<string>(4).fill("eth|ipv4|ipv4|icmp"),
      "ipv4|icmp",
      "eth|ipv4|icmp",
      "eth|ipv4|icmp",
    ]);
    const changes = request?.hops.map((hop) => hop.changes.map(({ kind, cause }) => `${kind} ${cause}`).join());
    const tunnel = /^(un)?wrapped tunl0: ipip .*remote any local any ttl inherit nopmtudisc$/;
    expect(changes?.[2]).toBe("routed 172.26.0.64/26 via 192.168.32.128 dev tunl0 proto 80 onlink");
    expect(changes?.[3]).toMatch(tunnel);
    expect(changes?.[7]).toMatch(tunnel);
    expect(changes?.[8]).toBe("routed 172.26.0.65 dev calidbc51878acf scope link");
    expect(inSandbox(pid, "ip", "-n", "node.node1", "route", "show", "172.26.0.64/26").trim()).toBe(
      "172.26.0.64/26 via 192.168.32.128 dev tunl0 proto 80 onlink",
    );
  });

  test("a ping to the same node never meets tunl0", async () => {
    await place.json("up", "calico-ipip", "--name", one);
    const sent = await place.json("send", one, "--from", "a", "--to", "b");
    const journeys: Journey[] = sent.journeys;
    const all = journeys.flatMap((journey) => where(journey) ?? []);
    expect(all).not.toContain("node/node1/tunl0 out");
    const request = journeys.find(({ summary }) => summary.startsWith("ICMP echo request"));
    expect(where(request)).toEqual([
      "pod/a/eth0 out",
      "node/node1/caliacd53aa4120 in",
      "node/node1/califf6fc35a693 out",
      "pod/b/eth0 in",
    ]);
    expect(request?.hops[2]?.changes).toMatchObject([
      { kind: "routed", ttl: [64, 63], cause: "172.26.0.2 dev califf6fc35a693 scope link" },
    ]);
  });

  test("across two subnets the router sees only the nodes, and lowers the outer TTL alone", async () => {
    await place.json("up", "calico-ipip-crosssubnet", "--name", one);
    const sent = await place.json("send", one, "--from", "a", "--to", "d");
    const [request]: Journey[] = sent.journeys;
    expect(request?.end).toBe("arrived");
    const router = request?.hops.filter(({ netns }) => netns === "router") ?? [];
    expect(router.map((hop) => `${hop.interface} ${hop.direction} ${hop.layers.join("|")}`)).toEqual([
      "eth0 in eth|ipv4|ipv4|icmp",
      "eth1 out eth|ipv4|ipv4|icmp",
    ]);
    expect(router[1]?.changes).toMatchObject([{ kind: "routed", ttl: [63, 62] }]);
    expect(request?.hops.find((hop) => hop.netns === "pod/d")?.titles[1]).toContain("ttl 62");
  });
});
