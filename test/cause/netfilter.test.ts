/** Rules as iptables-save and nft print them, walked with a packet: what drops it, what translates it, and where nothing is known. */

import { describe, expect, test } from "vitest";
import { isInSet, passHook } from "../../main/cause/netfilter.ts";
import type { Hook, RulePacket } from "../../main/cause/ruleset.ts";
import type { NamespaceState } from "../../main/cause/state.ts";

const ENTER = "ip netns exec node.node1";

function stateOf(part: Partial<NamespaceState>): NamespaceState {
  return { links: [], addresses: [], routes: [], neighbours: [], fdb: [], ...part };
}

function iptables(table: string, ...rules: string[]): NamespaceState {
  const chains = new Set(rules.map((rule) => /^-A (\S+)/.exec(rule)?.[1] ?? ""));
  const builtIn = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
  const declared = [...new Set([...builtIn, ...chains])].map(
    (chain) => `:${chain} ${builtIn.includes(chain) ? "ACCEPT" : "-"} [0:0]`,
  );
  return stateOf({ rules: [`*${table}`, ...declared, ...rules.map((rule) => `[3:252] ${rule}`), "COMMIT"] });
}

function nft(hook: string, ...rules: string[]): NamespaceState {
  const chain = [
    `\tchain base {`,
    `\t\ttype filter hook ${hook} priority filter; policy accept;`,
    ...rules.map((rule) => `\t\t${rule}`),
    "\t}",
  ];
  return stateOf({ rules: [], nftables: ["table inet guard {", ...chain, "}"] });
}

const packet: RulePacket = {
  source: "10.244.0.2",
  destination: "10.244.1.2",
  protocol: 6,
  sourcePort: 40000,
  destinationPort: 80,
  length: 60,
  in: "cni0",
  out: "flannel.1",
  states: ["NEW"],
  mark: 0,
  isLocal: (address) => address === "192.168.32.127",
  isInSet: (name, address) => (name === "pods" ? address.startsWith("10.244.") : undefined),
};

const verdict = (state: NamespaceState, hook: Hook, more: Partial<RulePacket> = {}) =>
  passHook(state, hook, { ...packet, ...more }, ENTER);

describe("a rule that drops the packet is found by", () => {
  test.each([
    "-s 10.244.0.0/24 -d 10.244.1.0/24",
    "! -s 192.168.0.0/16",
    "-i cni+ ! -o eth0",
    "-p tcp -m tcp --dport 80",
    "-p tcp -m tcp --sport 30000:50000",
    "-p tcp -m multiport --dports 22,80:90",
    "-m conntrack --ctstate NEW,INVALID",
    "-m state --state NEW",
    "-m mark --mark 0x0/0xffff",
    "-m mark ! --mark 0x4000/0x4000",
    "-m set --match-set pods src -m set --match-set pods dst",
    "-m addrtype ! --dst-type LOCAL",
    '-m comment --comment "a word, and -j ACCEPT" -m length --length 40:100',
  ])("%s", (matches) => {
    const rule = `-A FORWARD ${matches} -j DROP`;
    expect(verdict(iptables("filter", rule), "FORWARD")).toMatchObject({
      verdict: "drops",
      decision: { kind: "rule", text: rule, command: `${ENTER} iptables -t filter -S FORWARD -v` },
    });
  });

  test.each([
    "ip saddr 10.244.0.0/24 ip daddr != 10.0.0.0/16 counter drop",
    'iifname "cni*" oifname { "eth0", "flannel.1" } drop',
    "meta l4proto tcp tcp dport { 22, 80-90 } reject with icmp port-unreachable",
    "ct state new,invalid drop",
    "meta mark & 0x00004000 == 0x00000000 drop",
    "ip protocol != udp drop",
  ])("%s", (rule) => {
    expect(verdict(nft("forward", rule), "FORWARD")).toMatchObject({
      verdict: "drops",
      decision: { kind: "rule", text: rule, command: `${ENTER} nft list chain inet guard base` },
    });
  });
});

test.each([
  "-s 10.0.0.0/16",
  "-p udp -m udp --dport 80",
  "-o eth0",
  "-m conntrack --ctstate ESTABLISHED",
  "-m set ! --match-set pods src",
  "-m mark --mark 0x4000/0x4000",
])("a rule with %s lets the packet pass", (matches) => {
  expect(verdict(iptables("filter", `-A FORWARD ${matches} -j DROP`), "FORWARD").verdict).toBe("passes");
});

describe("nothing is known", () => {
  test.each([
    "-m statistic --mode random --probability 0.5",
    "-m physdev --physdev-is-bridged",
    "-m set --match-set other src",
    "-m connmark --mark 0x1",
    "-m ttl --ttl-lt 5",
  ])("where a rule asks for %s", (matches) => {
    expect(verdict(iptables("filter", `-A FORWARD ${matches} -j DROP`), "FORWARD").verdict).toBe("unknown");
  });

  test("where the connection may be in a state that the rule wants, or not", () => {
    const state = iptables("filter", "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT", "-A FORWARD -j DROP");
    expect(verdict(state, "FORWARD", { states: ["NEW", "ESTABLISHED"] }).verdict).toBe("unknown");
    expect(verdict(state, "FORWARD", { states: ["ESTABLISHED"] }).verdict).toBe("passes");
    expect(verdict(state, "FORWARD", { states: ["NEW"] }).verdict).toBe("drops");
  });

  test("where nobody knows whether the connection's destination was translated", () => {
    const state = iptables(
      "filter",
      "-A FORWARD -m conntrack --ctstate ESTABLISHED,DNAT -j ACCEPT",
      "-A FORWARD -j DROP",
    );
    expect(verdict(state, "FORWARD").verdict).toBe("unknown");
    expect(verdict(state, "FORWARD", { isDnat: true }).verdict).toBe("passes");
    expect(verdict(state, "FORWARD", { isDnat: false }).verdict).toBe("drops");
    expect(verdict(state, "FORWARD", { isDnat: false, states: ["ESTABLISHED"] }).verdict).toBe("passes");
  });

  test("where nft asks for something else", () => {
    expect(verdict(nft("forward", "fib daddr type local drop"), "FORWARD").verdict).toBe("unknown");
    expect(verdict(nft("forward", "ip saddr @banned drop"), "FORWARD").verdict).toBe("unknown");
  });
});

test("a match that fails settles the rule, whatever else it asks", () => {
  expect(verdict(iptables("filter", "-A FORWARD -p udp -m ttl --ttl-lt 5 -j DROP"), "FORWARD").verdict).toBe("passes");
});

test("a policy is the answer where every chain that was jumped to came back", () => {
  const state = stateOf({
    rules: [
      "*filter",
      ":FORWARD DROP [7:588]",
      ":FLANNEL-FWD - [0:0]",
      "-A FORWARD -j FLANNEL-FWD",
      "-A FLANNEL-FWD -s 10.9.0.0/16 -j ACCEPT",
      "-A FLANNEL-FWD -p tcp -j RETURN",
      "-A FLANNEL-FWD -j ACCEPT",
    ],
  });
  expect(verdict(state, "FORWARD")).toMatchObject({
    verdict: "drops",
    decision: { kind: "policy", text: "-P FORWARD DROP", command: `${ENTER} iptables -t filter -S FORWARD -v` },
  });
  expect(verdict(state, "FORWARD", { protocol: 17 }).verdict).toBe("passes");
});

test("kube-proxy's mark that is set before routing is what masquerades after it", () => {
  const state = iptables(
    "nat",
    "-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SVC",
    "-A KUBE-SVC ! -s 10.244.0.0/16 -j KUBE-MARK-MASQ",
    "-A KUBE-SVC -j DNAT --to-destination 10.244.1.3:8080",
    "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    "-A POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "-A POSTROUTING -j MARK --set-xmark 0x4000/0x0",
    "-A POSTROUTING -j MASQUERADE --random-fully",
  );
  const outside = { source: "192.168.32.1", destination: "10.96.0.10", out: undefined };
  const early = verdict(state, "PREROUTING", outside);
  expect(early).toMatchObject({ mark: 0x4000, translation: { target: { kind: "dnat", to: "10.244.1.3:8080" } } });
  const late = verdict(state, "POSTROUTING", { ...outside, mark: early.mark });
  expect(late.translation?.text).toBe("-A POSTROUTING -j MASQUERADE --random-fully");
  expect(verdict(state, "POSTROUTING", { mark: 0 }).translation).toBeUndefined();
});

test("translation is asked for the first packet of a connection only", () => {
  const state = iptables("nat", "-A POSTROUTING -s 10.244.0.0/16 -j MASQUERADE");
  expect(verdict(state, "POSTROUTING", { states: ["ESTABLISHED"] }).translation).toBeUndefined();
});

test("the tables that iptables-nft keeps are not read twice", () => {
  const state = stateOf({
    rules: ["*filter", ":FORWARD ACCEPT [0:0]", "-A FORWARD -j ACCEPT"],
    nftables: [
      "table ip filter {",
      "\tchain FORWARD {",
      "\t\ttype filter hook forward priority filter; policy drop;",
      "\t}",
      "}",
    ],
  });
  expect(verdict(state, "FORWARD").verdict).toBe("passes");
});

test("chains that jump to each other end", () => {
  const state = iptables("filter", "-A FORWARD -j A", "-A A -j B", "-A B -j A");
  expect(verdict(state, "FORWARD").verdict).toBe("unknown");
});

test("an ipset holds addresses and subnets; of other kinds nothing is said", () => {
  const sets = [
    "create nets hash:net family inet hashsize 1024 maxelem 65536",
    "add nets 10.244.0.0/16",
    "create pairs hash:ip,port family inet hashsize 1024 maxelem 65536",
  ];
  expect(isInSet(sets, "nets", "10.244.7.7")).toBe(true);
  expect(isInSet(sets, "nets", "10.245.7.7")).toBe(false);
  expect(isInSet(sets, "pairs", "10.244.7.7")).toBeUndefined();
  expect(isInSet(sets, "none", "10.244.7.7")).toBeUndefined();
});
