/**
 * Reads `nft -s list ruleset`: the chains of the families that IPv4 packets meet, as far as their rules are understood.
 * Never throws.
 */

import {
  allOrNone,
  type Chain,
  HOOKS,
  isInSubnet,
  isNamed,
  isPortIn,
  type Match,
  negated,
  protocolNumber,
  type Rule,
  type RulePacket,
  type Target,
} from "./ruleset.ts";

/** nft(8), "Standard priority names". */
const PRIORITIES: Record<string, number> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

/** `managed`: tables (`ip nat`) that are iptables' own and were read from there. `enter`: what runs a command in the namespace. */
export function readNftables(lines: readonly string[], managed: ReadonlySet<string>, enter: string): Chain[] {
  const all: Chain[] = [];
  let table: { name: string; chains: Map<string, Chain> } | undefined;
  let chain: Chain | undefined;
  let depth = 0;
  for (const line of lines) {
    const text = line.trim();
    const heading = /^table (ip|inet) (\S+) \{$/.exec(text);
    if (depth === 0) {
      const name = heading ? `${heading[1]} ${heading[2]}` : "";
      table = heading && !managed.has(name) ? { name, chains: new Map() } : undefined;
      chain = undefined;
    } else if (depth === 1 && table) {
      const [, name] = /^chain (\S+) \{$/.exec(text) ?? [];
      chain = name === undefined ? undefined : makeChain(table, name, enter);
      if (chain) {
        table.chains.set(chain.name, chain);
        all.push(chain);
      }
    } else if (depth === 2 && chain && text !== "}") {
      if (text.startsWith("type ")) readHook(chain, text);
      else chain.rules.push(readRule(text, chain.policy.command));
    }
    depth += count(text, "{") - count(text, "}");
  }
  return all;
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}

function makeChain(table: { name: string; chains: Map<string, Chain> }, name: string, enter: string): Chain {
  const command = `${enter} nft list chain ${table.name} ${name}`;
  return {
    name,
    priority: 0,
    type: "other",
    policy: { drops: false, text: "policy accept", command },
    rules: [],
    table: table.chains,
  };
}

/** `type nat hook postrouting priority srcnat - 5; policy accept;` */
function readHook(chain: Chain, text: string): void {
  const [, type, hook, priority = "", offset = ""] =
    /^type (\S+) hook (\S+) priority ([\w-]+)(?: ([+-] \d+))?;/.exec(text) ?? [];
  const found = HOOKS.find((each) => each.toLowerCase() === hook);
  if (found) chain.hook = found;
  chain.type = type === "nat" || type === "filter" ? type : "other";
  chain.priority = (PRIORITIES[priority] ?? Number(priority)) + Number(offset.replace(" ", "") || 0);
  const policy = /policy (\w+);/.exec(text)?.[1] ?? "accept";
  chain.policy = { ...chain.policy, drops: policy === "drop", text: `chain ${chain.name}: policy ${policy}` };
}

const UNKNOWN: Match = () => undefined;

function readRule(text: string, command: string): Rule {
  // Braces are one word: `{ 10.0.0.0/8, 10.1.0.0/16 }`.
  const words = [...text.matchAll(/\{[^}]*\}|"[^"]*"|\S+/g)].map(([word]) => word.replace(/^"|"$/g, ""));
  const matches: Match[] = [];
  let target: Target = { kind: "none" };
  for (let at = 0; at < words.length; ) {
    const [first = "", second = ""] = words.slice(at);
    if (first === "counter") at++;
    else if (first === "comment") at += 2;
    else if (first === "log")
      at = words.length; // what follows is its own
    else if (VERDICTS[first]) {
      target = VERDICTS[first](words.slice(at + 1));
      at = words.length;
    } else if (first === "mark" || (first === "meta" && second === "mark")) {
      const rest = words.slice(first === "meta" ? at + 1 : at);
      const read = readMark(rest);
      if (read.target) target = read.target;
      else matches.push(read.match ?? UNKNOWN);
      at += read.words + (first === "meta" ? 1 : 0);
      if (read.target && at < words.length) target = { kind: "unknown" }; // two statements that count
    } else {
      const key = KEYS[`${first} ${second}`] ? `${first} ${second}` : first;
      const fits = KEYS[key];
      if (!fits) {
        matches.push(UNKNOWN);
        // Up to the verdict, whatever it is of this that is not understood.
        at++;
        continue;
      }
      at += key.split(" ").length;
      const isNegated = words[at] === "!=";
      if (isNegated) at++;
      matches.push(negated(anyOf(words[at] ?? "", fits), isNegated));
      at++;
    }
  }
  return { text, command, matches, target };
}

const VERDICTS: Record<string, (rest: readonly string[]) => Target> = {
  accept: () => ({ kind: "accept" }),
  drop: () => ({ kind: "drop" }),
  reject: () => ({ kind: "drop" }),
  return: () => ({ kind: "return" }),
  jump: ([chain = ""]) => ({ kind: "jump", chain }),
  goto: ([chain = ""]) => ({ kind: "goto", chain }),
  masquerade: () => ({ kind: "masquerade" }),
  redirect: () => ({ kind: "dnat" }),
  snat: (rest) => ({ kind: "snat", to: addressAfterTo(rest) }),
  dnat: (rest) => ({ kind: "dnat", to: addressAfterTo(rest) }),
  queue: () => ({ kind: "unknown" }),
};

/** `ip to 10.0.0.1:80` */
function addressAfterTo(rest: readonly string[]): string | undefined {
  return rest[rest.indexOf("to") + 1];
}

type Fits = (packet: RulePacket, value: string) => boolean | undefined;

const KEYS: Record<string, Fits> = {
  "ip saddr": (packet, value) => isInSubnet(packet.source, value),
  "ip daddr": (packet, value) => isInSubnet(packet.destination, value),
  "ip protocol": protocolFits,
  "meta l4proto": protocolFits,
  iifname: inFits,
  oifname: outFits,
  iif: inFits,
  oif: outFits,
  "tcp dport": (packet, value) => (packet.protocol === 6 ? isPortIn(packet.destinationPort, value) : false),
  "tcp sport": (packet, value) => (packet.protocol === 6 ? isPortIn(packet.sourcePort, value) : false),
  "udp dport": (packet, value) => (packet.protocol === 17 ? isPortIn(packet.destinationPort, value) : false),
  "udp sport": (packet, value) => (packet.protocol === 17 ? isPortIn(packet.sourcePort, value) : false),
  "ct state": (packet, value) => {
    const wanted = value.split(",").map((state) => state.toUpperCase());
    return allOrNone(packet.states, (state) => wanted.includes(state));
  },
};

function inFits(packet: RulePacket, value: string): boolean | undefined {
  return packet.in === undefined ? undefined : isNamed(packet.in, value);
}

function outFits(packet: RulePacket, value: string): boolean | undefined {
  return packet.out === undefined ? undefined : isNamed(packet.out, value);
}

function protocolFits(packet: RulePacket, value: string): boolean | undefined {
  const number = protocolNumber(value);
  return number === undefined ? undefined : packet.protocol === number;
}

/** One of a set in braces, or the one value. A set that has a name is not looked up. */
function anyOf(value: string, fits: Fits): Match {
  const values = value.startsWith("{")
    ? value
        .slice(1, -1)
        .split(",")
        .map((each) => each.trim().replace(/^"|"$/g, ""))
    : [value];
  return (packet) => {
    const found = values.map((each) => fits(packet, each));
    return found.includes(true) ? true : found.includes(undefined) ? undefined : false;
  };
}

/** `mark & 0x00004000 == 0x00000000`, `mark 0x4000`, `mark set mark | 0x00004000`, `mark set 0x1`. */
function readMark(words: readonly string[]): { match?: Match; target?: Target; words: number } {
  const [, first = "", second = "", third = "", fourth = ""] = words;
  if (first === "set") {
    // `meta mark set meta mark | 0x4000`
    const rest = words.slice(2).filter((word) => word !== "meta");
    const length = words.length;
    const [left = "", operator = "", right = ""] = rest;
    if (left !== "mark") return { target: markTarget(Number(left), 0xffffffff), words: length };
    const value = Number(right);
    if (operator === "|" || operator === "or") return { target: markTarget(value, value), words: length };
    if (operator === "^" || operator === "xor") return { target: markTarget(value, 0), words: length };
    if (operator === "&" || operator === "and") return { target: markTarget(0, ~value >>> 0), words: length };
    return { target: { kind: "unknown" }, words: length };
  }
  if (first === "&" || first === "and") {
    const isUnequal = third === "!=";
    const wanted = Number(fourth);
    const mask = Number(second);
    return { match: negated(markMatch(wanted, mask), isUnequal), words: 5 };
  }
  const isUnequal = first === "!=";
  const isSigned = isUnequal || first === "==";
  return {
    match: negated(markMatch(Number(isSigned ? second : first), 0xffffffff), isUnequal),
    words: isSigned ? 3 : 2,
  };
}

function markTarget(value: number, mask: number): Target {
  return Number.isNaN(value) ? { kind: "unknown" } : { kind: "mark", value, mask };
}

function markMatch(wanted: number, mask: number): Match {
  if (Number.isNaN(wanted) || Number.isNaN(mask)) return UNKNOWN;
  return ({ mark }) => (mark === undefined ? undefined : (mark & mask) >>> 0 === wanted >>> 0);
}
