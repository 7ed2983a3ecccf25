/**
 * A small network that is broken in one way after the other on the real kernel: the packet that does not arrive says why,
 * with the state that stopped it. Each test puts right what it broke.
 *
 *     a eth0 10.0.1.2 --- eth0 10.0.1.1 r1 eth1 10.0.2.1 --- eth0 10.0.2.2 r2 eth1 10.0.3.1 --- eth0 10.0.3.2 b
 *                                       r1 eth2 10.0.4.1 --- eth2 10.0.4.2 r2
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Journey } from "../../preload/contract/journey.ts";
import { inSandbox, until, Workplace } from "./hoplab.ts";

const place = new Workplace();
const name = `${place.prefix}lost`;
const LAB = `id: lost
title: { en: Two routers }
requires: [veth]
namespaces:
  - name: a
    interfaces: [{ name: eth0, addresses: [10.0.1.2/24] }]
    routes: [{ to: default, via: 10.0.1.1 }]
  - name: r1
    interfaces:
      - { name: eth0, addresses: [10.0.1.1/24] }
      - { name: eth1, addresses: [10.0.2.1/24] }
      - { name: eth2, addresses: [10.0.4.1/24] }
    routes: [{ to: 10.0.3.0/24, via: 10.0.2.2 }]
    sysctls: { net.ipv4.ip_forward: 1 }
  - name: r2
    interfaces:
      - { name: eth0, addresses: [10.0.2.2/24] }
      - { name: eth2, addresses: [10.0.4.2/24] }
      - { name: eth1, addresses: [10.0.3.1/24] }
    routes: [{ to: 10.0.1.0/24, via: 10.0.2.1 }]
    sysctls: { net.ipv4.ip_forward: 1 }
  - name: b
    interfaces: [{ name: eth0, addresses: [10.0.3.2/24] }]
    routes: [{ to: default, via: 10.0.3.1 }]
links: [[a/eth0, r1/eth0], [r1/eth1, r2/eth0], [r1/eth2, r2/eth2], [r2/eth1, b/eth0]]
`;
let pid = 0;

beforeAll(async () => {
  mkdirSync(join(place.folder, "lost"));
  writeFileSync(join(place.folder, "lost", "lab.yaml"), LAB);
  ({ pid } = await place.json("up", join(place.folder, "lost", "lab.yaml"), "--name", name));
});

afterAll(async () => {
  await place.downAll();
  place[Symbol.dispose]();
});

/** Runs a shell command in a namespace of the lab. */
function inNetns(netns: string, command: string): string {
  return inSandbox(pid, "ip", "netns", "exec", netns, "sh", "-c", command);
}

interface SentJourneys {
  received: number;
  journeys: Journey[];
  also: Journey[];
}

async function send(...more: string[]): Promise<SentJourneys> {
  const ran = await place.hoplab("send", name, "--from", "a", "--to", "b", ...more, "--json");
  return JSON.parse(ran.stdout);
}

/** Where it was seen last, and what is said of it: kinds and texts. */
function reasonOf({ journeys: [journey] }: SentJourneys): { at: string; causes: string[] } {
  const last = journey?.hops.find((hop) => `${hop.netns}/${hop.interface}` === journey.lastSeen);
  return { at: journey?.lastSeen ?? "", causes: (last?.causes ?? []).map(({ kind, text }) => `${kind}: ${text}`) };
}

/** Every command that is told beside a cause prints what the cause says, where that is a line of the kernel's. */
function expectShown({ journeys: [journey] }: SentJourneys, text: string): void {
  const cause = journey?.hops.flatMap((hop) => hop.causes ?? []).find((each) => each.text === text);
  expect(cause, text).toBeDefined();
  const shown = inSandbox(pid, "sh", "-c", cause?.command ?? "");
  // iptables counts in the middle of a rule.
  expect(shown.replaceAll(/ -c \d+ \d+/g, "").replaceAll(/\s+/g, " ")).toContain(text);
}

test("a router that does not forward", async () => {
  inNetns("r1", "sysctl -qw net.ipv4.ip_forward=0");
  try {
    const sent = await send();
    expect(reasonOf(sent)).toEqual({ at: "r1/eth0", causes: ["forwarding: net.ipv4.ip_forward = 0"] });
    expectShown(sent, "net.ipv4.ip_forward = 0");
  } finally {
    inNetns("r1", "sysctl -qw net.ipv4.ip_forward=1");
  }
});

test("a TTL that the way is too long for", async () => {
  inNetns("a", "sysctl -qw net.ipv4.ip_default_ttl=2");
  try {
    const sent = await send();
    const { at, causes } = reasonOf(sent);
    expect(at).toBe("r2/eth0");
    expect(causes).toEqual([
      "ttl: ttl 1 when it came in, and a router takes one off",
      expect.stringMatching(/^route: /),
    ]);
    expect(sent.journeys[0]?.error?.by).toBe("r2");
    expect(inNetns("r2", "nstat -asz IcmpOutTimeExcds")).toMatch(/IcmpOutTimeExcds +[1-9]/);
  } finally {
    inNetns("a", "sysctl -qw net.ipv4.ip_default_ttl=64");
  }
});

test.each([
  ["the interface alone", "net.ipv4.conf.eth2.rp_filter"],
  ["all interfaces", "net.ipv4.conf.all.rp_filter"],
])("strict reverse path filtering of %s, where the way back is another one", async (_, setting) => {
  inNetns("r1", "ip route replace 10.0.3.0/24 via 10.0.4.2");
  inNetns("r2", `sysctl -qw ${setting}=1`);
  try {
    const sent = await send();
    const { at, causes } = reasonOf(sent);
    expect(at).toBe("r2/eth2");
    expect(causes.slice(0, 2)).toEqual([`rp-filter: ${setting} = 1`, "route: 10.0.1.0/24 via 10.0.2.1 dev eth0"]);
    expect(causes[2]).toMatch(/^rp-filter: TcpExtIPReversePathFilter [1-9]\d*$/);
    expectShown(sent, `${setting} = 1`);
    expectShown(sent, "10.0.1.0/24 via 10.0.2.1 dev eth0");
  } finally {
    inNetns("r2", `sysctl -qw ${setting}=0`);
    inNetns("r1", "ip route replace 10.0.3.0/24 via 10.0.2.2");
  }
});

test("loose reverse path filtering lets the same packet through", async () => {
  inNetns("r1", "ip route replace 10.0.3.0/24 via 10.0.4.2");
  inNetns("r2", "sysctl -qw net.ipv4.conf.all.rp_filter=2");
  try {
    expect((await send()).received).toBe(1);
  } finally {
    inNetns("r2", "sysctl -qw net.ipv4.conf.all.rp_filter=0");
    inNetns("r1", "ip route replace 10.0.3.0/24 via 10.0.2.2");
  }
});

test("a FORWARD chain whose policy is DROP", async () => {
  inNetns("r2", "iptables -P FORWARD DROP");
  try {
    const sent = await send();
    expect(reasonOf(sent)).toEqual({ at: "r2/eth0", causes: ["policy: -P FORWARD DROP"] });
    expectShown(sent, "-P FORWARD DROP");
  } finally {
    inNetns("r2", "iptables -P FORWARD ACCEPT");
  }
});

test.each([
  ["-s 10.0.1.0/24 -p icmp -j DROP", "-A FORWARD -s 10.0.1.0/24 -p icmp -j DROP"],
  [
    "-m conntrack --ctstate NEW -i eth0 -o eth1 -j REJECT",
    "-A FORWARD -i eth0 -o eth1 -m conntrack --ctstate NEW -j REJECT --reject-with icmp-port-unreachable",
  ],
])("a rule in a chain of its own: %s", async (written, printed) => {
  inNetns("r2", `iptables -N BLOCK; iptables -A FORWARD -j BLOCK; iptables -A BLOCK ${written}`);
  try {
    const text = printed.replace("-A FORWARD", "-A BLOCK");
    const sent = await send();
    expect(reasonOf(sent)).toEqual({ at: "r2/eth0", causes: [`rule: ${text}`] });
    expectShown(sent, text);
  } finally {
    inNetns("r2", "iptables -F; iptables -X");
  }
});

test("a rule that matches an ipset", async () => {
  inNetns("r2", "ipset create banned hash:net; ipset add banned 10.0.1.0/24");
  inNetns("r2", "iptables -A FORWARD -m set --match-set banned src -j DROP");
  try {
    const text = "-A FORWARD -m set --match-set banned src -j DROP";
    expect(reasonOf(await send())).toEqual({ at: "r2/eth0", causes: [`rule: ${text}`] });
  } finally {
    inNetns("r2", "iptables -F; ipset destroy banned");
  }
});

test("an nftables rule", async () => {
  inNetns(
    "r2",
    "nft add table ip guard; nft add chain ip guard f '{ type filter hook forward priority 0; policy accept; }'",
  );
  inNetns("r2", "nft add rule ip guard f ip saddr 10.0.1.0/24 ip protocol icmp counter drop");
  try {
    const sent = await send();
    const text = "ip saddr 10.0.1.0/24 ip protocol icmp counter drop";
    expect(reasonOf(sent)).toEqual({ at: "r2/eth0", causes: [`rule: ${text}`] });
    const cause = sent.journeys[0]?.hops.flatMap((hop) => hop.causes ?? []).find((each) => each.text === text);
    expect(cause?.command).toBe("ip netns exec r2 nft list chain ip guard f");
  } finally {
    inNetns("r2", "nft delete table ip guard");
  }
});

test("nothing is said of a drop by a match that is not understood", async () => {
  inNetns("r2", "iptables -A FORWARD -m ttl --ttl-lt 65 -j DROP");
  try {
    expect(reasonOf(await send())).toEqual({ at: "r2/eth0", causes: [] });
  } finally {
    inNetns("r2", "iptables -F");
  }
});

test("the host itself drops what has arrived", async () => {
  inNetns("b", "iptables -A INPUT -p icmp -j DROP");
  try {
    const sent = await send();
    expect(sent.journeys[0]?.end).toBe("arrived");
    expect(reasonOf(sent)).toEqual({ at: "b/eth0", causes: ["rule: -A INPUT -p icmp -j DROP"] });
    const { stdout } = await place.hoplab("send", name, "--from", "a", "--to", "b");
    expect(stdout).toMatch(/^ICMP echo request .* arrived in [\d.]+ µs, and dropped there$/m);
  } finally {
    inNetns("b", "iptables -F");
  }
});

test.each([
  ["no route", "ip route del 10.0.3.0/24", "route: no route to 10.0.3.2", "net unreachable"],
  ["a blackhole", "ip route replace blackhole 10.0.3.0/24", "route: blackhole 10.0.3.0/24", undefined],
  [
    "an unreachable route",
    "ip route replace unreachable 10.0.3.0/24",
    "route: unreachable 10.0.3.0/24",
    "host unreachable",
  ],
])("%s", async (_, command, cause, error) => {
  inNetns("r1", command);
  try {
    const sent = await send();
    expect(reasonOf(sent).at).toBe("r1/eth0");
    expect(reasonOf(sent).causes.map((text) => text.trim())).toEqual([cause]);
    const [request] = sent.journeys;
    if (error) {
      expect(request?.error).toMatchObject({ summary: `ICMP ${error} 10.0.1.1 > 10.0.1.2`, by: "r1" });
      const answer = sent.journeys.find(({ id }) => id === request?.error?.journey);
      expect(answer?.errorOf).toBe(request?.id);
    } else expect(request?.error).toBeUndefined();
  } finally {
    inNetns("r1", "ip route del 10.0.3.0/24 2>/dev/null; ip route add 10.0.3.0/24 via 10.0.2.2");
  }
});

test("a packet with DF that is longer than the next link takes", async () => {
  inNetns("r1", "ip link set eth1 mtu 1300");
  try {
    const sent = await send("--size", "1400", "--dont-fragment");
    expect(reasonOf(sent)).toEqual({
      at: "r1/eth0",
      causes: ["mtu: 1428 bytes with DF, and eth1 mtu 1300", "route: 10.0.3.0/24 via 10.0.2.2 dev eth1"],
    });
    expect(sent.journeys[0]?.error?.summary).toBe("ICMP fragmentation needed 10.0.1.1 > 10.0.1.2 mtu 1300");
  } finally {
    inNetns("r1", "ip link set eth1 mtu 1500");
    inNetns("a", "ip route flush cache");
  }
});

test("a packet that may be cut is one journey with its pieces, whole again at the end", async () => {
  inNetns("r1", "ip link set eth1 mtu 1300");
  inNetns("r2", "ip link set eth0 mtu 1300");
  try {
    const sent = await send("--size", "1400", "--fragment");
    expect(sent.received).toBe(1);
    const [request] = sent.journeys;
    expect(request?.end).toBe("arrived");
    const cut = request?.hops.flatMap((hop) => hop.changes.filter(({ kind }) => kind === "fragmented"));
    expect(cut?.map(({ bytes, cause }) => ({ bytes, cause }))).toEqual([
      { bytes: [0, 1280], cause: "eth1 mtu 1300" },
      { bytes: [1280, 1408], cause: "eth1 mtu 1300" },
    ]);
    expect(request?.hops.at(-1)?.changes.map(({ kind }) => kind)).toEqual(["delivered", "reassembled"]);
    // No piece is a packet of its own.
    expect([...sent.journeys, ...sent.also].filter(({ summary }) => summary.includes("fragment at"))).toEqual([]);
  } finally {
    inNetns("r1", "ip link set eth1 mtu 1500");
    inNetns("r2", "ip link set eth0 mtu 1500");
  }
});

test("the other end of a wire with a smaller MTU", async () => {
  inNetns("r2", "ip link set eth0 mtu 1200");
  try {
    expect(reasonOf(await send("--size", "1400"))).toEqual({
      at: "r1/eth1",
      causes: ["mtu: 1428 bytes, and eth0 mtu 1200 at the other end"],
    });
  } finally {
    inNetns("r2", "ip link set eth0 mtu 1500");
  }
});

test("a neighbour that does not answer, and that nobody is", async () => {
  inNetns("r1", "ip route replace 10.0.3.0/24 via 10.0.2.99");
  try {
    const sent = await send();
    const { at, causes } = reasonOf(sent);
    expect(at).toBe("r1/eth0");
    expect(causes[0]).toBe("route: 10.0.3.0/24 via 10.0.2.99 dev eth1");
    expect(causes[1]).toMatch(/^neighbour: 10\.0\.2\.99 dev eth1 .*(FAILED|INCOMPLETE)$/);
    expect(causes[2]).toBe("nobody: nobody in the lab has 10.0.2.99");
  } finally {
    inNetns("r1", "ip route replace 10.0.3.0/24 via 10.0.2.2");
  }
});

test("a neighbour entry with the MAC of a machine that is gone", async () => {
  inNetns("r1", "ip neigh replace 10.0.2.2 lladdr 02:00:00:00:00:99 dev eth1 nud permanent");
  const own = /link\/ether (\S+)/.exec(inNetns("r2", "ip link show dev eth0"))?.[1];
  try {
    expect(reasonOf(await send())).toEqual({
      at: "r2/eth0",
      causes: [
        "neighbour: 10.0.2.2 dev eth1 lladdr 02:00:00:00:00:99 PERMANENT",
        `nobody: eth0 is ${own}; the frame is for 02:00:00:00:00:99`,
      ],
    });
  } finally {
    inNetns("r1", "ip neigh del 10.0.2.2 dev eth1");
  }
});

test("an ARP question for what nobody has", async () => {
  const sent = await send("--to", "10.0.1.77");
  expect(sent.journeys).toEqual([]);
  const lost = sent.also.find(({ summary }) => summary === "ARP who-has 10.0.1.77 tell 10.0.1.2");
  expect(lost).toMatchObject({ end: "lost", lastSeen: "r1/eth0" });
  expect(lost?.hops.at(-1)?.causes?.map(({ text }) => text)).toEqual([
    "nobody in the lab has 10.0.1.77",
    "net.ipv4.conf.eth0.proxy_arp = 0",
  ]);
});

test("a router that should answer ARP for others, and has no route to what is asked for", async () => {
  inNetns("r1", "sysctl -qw net.ipv4.conf.eth0.proxy_arp=1");
  try {
    const sent = await send("--to", "10.0.1.78");
    const lost = sent.also.find(({ summary }) => summary === "ARP who-has 10.0.1.78 tell 10.0.1.2");
    expect(lost?.hops.at(-1)?.causes?.map(({ text }) => text.trim())).toEqual([
      "nobody in the lab has 10.0.1.78",
      "10.0.1.0/24 dev eth0 proto kernel scope link src 10.0.1.1",
    ]);
  } finally {
    inNetns("r1", "sysctl -qw net.ipv4.conf.eth0.proxy_arp=0");
  }
});

test("a wire whose other end is down", async () => {
  inNetns("r1", "ip neigh replace 10.0.2.2 lladdr 02:00:00:00:00:01 dev eth1 nud permanent");
  inNetns("r2", "ip link set eth0 down");
  try {
    const sent = await send();
    expect(sent.received).toBe(0);
    expect(reasonOf(sent)).toEqual({ at: "r1/eth0", causes: ["down: eth1 state DOWN", expect.any(String)] });
  } finally {
    inNetns("r2", "ip link set eth0 up; ip route replace 10.0.1.0/24 via 10.0.2.1");
    inNetns("r1", "ip neigh del 10.0.2.2 dev eth1; ip route replace 10.0.3.0/24 via 10.0.2.2");
  }
});

test("what is translated names the rule, and what comes back the connection", async () => {
  inNetns("r1", "iptables -t nat -A POSTROUTING -s 10.0.1.0/24 ! -d 10.0.1.0/24 -j MASQUERADE");
  try {
    const sent = await send();
    const changes = sent.journeys.flatMap((journey) => journey.hops.flatMap((hop) => hop.changes));
    const snat = changes.find(({ kind }) => kind === "snat");
    expect(snat).toMatchObject({
      address: ["10.0.1.2", "10.0.2.1"],
      cause: "-A POSTROUTING -s 10.0.1.0/24 ! -d 10.0.1.0/24 -j MASQUERADE",
    });
    const dnat = changes.find(({ kind }) => kind === "dnat");
    expect(dnat?.address).toEqual(["10.0.2.1", "10.0.1.2"]);
    expect(dnat?.cause).toMatch(
      /^conntrack entry \(reply direction\): .*src=10\.0\.1\.2 dst=10\.0\.3\.2 .*src=10\.0\.3\.2 dst=10\.0\.2\.1 /,
    );
  } finally {
    inNetns("r1", "iptables -t nat -F");
  }
});

test("a destination that is translated names the rule that does it", async () => {
  inNetns(
    "r1",
    "iptables -t nat -A PREROUTING -d 10.9.0.1/32 -p tcp --dport 80 -j DNAT --to-destination 10.0.3.2:8080",
  );
  try {
    const sent = await send("--to", "10.9.0.1", "--protocol", "tcp", "--port", "80");
    const dnat = sent.journeys[0]?.hops.flatMap((hop) => hop.changes).find(({ kind }) => kind === "dnat");
    expect(dnat).toMatchObject({
      address: ["10.9.0.1:80", "10.0.3.2:8080"],
      cause: "-A PREROUTING -d 10.9.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.3.2:8080",
    });
  } finally {
    inNetns("r1", "iptables -t nat -F");
  }
});

test("everything is put right again", async () => {
  await until(
    () => send(),
    ({ received }) => received === 1,
    20,
  );
});
