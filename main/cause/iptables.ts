/** Reads `iptables-save`: the rules of its tables, as far as they are understood. Never throws. */

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
  type Target,
} from "./ruleset.ts";

/** linux/netfilter_ipv4.h, NF_IP_PRI_…; nat translates destinations early and sources late. */
const PRIORITIES: Record<string, number> = { raw: -300, mangle: -150, nat: -100, filter: 0, security: 50 };
const NAT_SRC = 100;
/** They do something beside, and the next rule is looked at. */
const PASSING = new Set([
  "LOG",
  "NFLOG",
  "TRACE",
  "CT",
  "NOTRACK",
  "TCPMSS",
  "CHECKSUM",
  "CONNMARK",
  "SET",
  "TTL",
  "TOS",
  "DSCP",
]);

/** They take the packet elsewhere, or change it. */
const UNKNOWN_TARGETS = new Set(["QUEUE", "NFQUEUE", "NETMAP", "TPROXY", "SYNPROXY", "HMARK", "CLASSIFY", "TEE"]);

export function readIptables(lines: readonly string[], enter: string): Chain[] {
  const all: Chain[] = [];
  let tableName = "";
  let table = new Map<string, Chain>();
  for (const line of lines) {
    if (line.startsWith("*")) {
      tableName = line.slice(1).trim();
      table = new Map();
      continue;
    }
    const declared = /^:(\S+) (\S+)/.exec(line);
    if (declared) {
      const [, name = "", policy = ""] = declared;
      const chain = makeChain(tableName, name, policy, table, enter);
      table.set(name, chain);
      all.push(chain);
      continue;
    }
    const rule = /^(?:\[\d+:\d+\] )?(-A (\S+) ?(.*))$/.exec(line);
    if (!rule) continue;
    const [, text = "", name = "", rest = ""] = rule;
    const command = `${enter} iptables -t ${tableName} -S ${name} -v`;
    table.get(name)?.rules.push({ text, command, ...readRule(splitWords(rest)) });
  }
  return all;
}

function makeChain(tableName: string, name: string, policy: string, table: Map<string, Chain>, enter: string): Chain {
  const hook = HOOKS.find((each) => each === name);
  const isLate = tableName === "nat" && (hook === "POSTROUTING" || hook === "INPUT");
  return {
    name,
    ...(hook ? { hook } : {}),
    priority: isLate ? NAT_SRC : (PRIORITIES[tableName] ?? 0),
    type: tableName === "nat" ? "nat" : tableName === "filter" ? "filter" : "other",
    policy: {
      drops: policy === "DROP",
      text: `-P ${name} ${policy}`,
      command: `${enter} iptables -t ${tableName} -S ${name} -v`,
    },
    rules: [],
    table,
  };
}

/** Words in double quotes are one, as iptables-save writes comments. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

function readRule(words: readonly string[]): Pick<Rule, "matches" | "target"> {
  const matches: Match[] = [];
  let module = "";
  let isNegated = false;
  for (let at = 0; at < words.length; ) {
    const option = words[at++]!;
    if (option === "!") {
      isNegated = true;
      continue;
    }
    const values: string[] = [];
    while (at < words.length && !/^(?:-|!$)/.test(words[at]!)) values.push(words[at++]!);
    const [value = "", second = ""] = values;
    if (option === "-j" || option === "-g") return { matches, target: readTarget(option, value, words.slice(at)) };
    if (option === "-m") module = value;
    else if (option !== "--comment") matches.push(negated(readMatch(module, option, value, second), isNegated));
    isNegated = false;
  }
  return { matches, target: { kind: "none" } };
}

function readMatch(module: string, option: string, value: string, second: string): Match {
  if (option === "--match-set") return setMatch(value, second);
  // connmark's option has the same name.
  if (option === "--mark" && module !== "mark") return () => undefined;
  return MATCHES[option]?.(value) ?? (() => undefined);
}

const MATCHES: Record<string, (value: string) => Match> = {
  "-s": (value) => (packet) => isInSubnet(packet.source, value),
  "-d": (value) => (packet) => isInSubnet(packet.destination, value),
  "-i": (value) => (packet) => (packet.in === undefined ? undefined : isNamed(packet.in, value)),
  "-o": (value) => (packet) => (packet.out === undefined ? undefined : isNamed(packet.out, value)),
  "-p": (value) => (packet) => {
    const number = protocolNumber(value);
    return value === "all" ? true : number === undefined ? undefined : packet.protocol === number;
  },
  "--sport": (value) => (packet) => isPortIn(packet.sourcePort, value),
  "--dport": (value) => (packet) => isPortIn(packet.destinationPort, value),
  "--sports": (value) => (packet) => anyPort(packet.sourcePort, value),
  "--dports": (value) => (packet) => anyPort(packet.destinationPort, value),
  "--icmp-type": (value) => (packet) => (/^\d+$/.test(value) ? packet.icmpType === Number(value) : undefined),
  "--ctstate": stateMatch,
  "--state": stateMatch,
  "--mark": (value) => (packet) => {
    const [wanted = Number.NaN, mask = 0xffffffff] = value.split("/").map(Number);
    return packet.mark === undefined || Number.isNaN(wanted) ? undefined : (packet.mark & mask) >>> 0 === wanted;
  },
  "--dst-type": (value) => (packet) => (value === "LOCAL" ? packet.isLocal(packet.destination) : undefined),
  "--src-type": (value) => (packet) => (value === "LOCAL" ? packet.isLocal(packet.source) : undefined),
  "--length": (value) => (packet) => isPortIn(packet.length, value),
};

function anyPort(port: number | undefined, list: string): boolean | undefined {
  const found = list.split(",").map((range) => isPortIn(port, range));
  return found.includes(true) ? true : found.includes(undefined) ? undefined : false;
}

/** DNAT is no state of its own: it goes beside any of the others. */
function stateMatch(value: string): Match {
  const wanted = value.split(",");
  const states = wanted.filter((state) => state !== "DNAT");
  if (states.some((state) => !["NEW", "ESTABLISHED", "RELATED", "INVALID"].includes(state))) return () => undefined;
  return (packet) => {
    if (states.length < wanted.length && packet.isDnat !== false) return packet.isDnat;
    return allOrNone(packet.states, (state) => states.includes(state));
  };
}

function setMatch(name: string, side: string): Match {
  if (side !== "src" && side !== "dst") return () => undefined;
  return (packet) => packet.isInSet(name, side === "src" ? packet.source : packet.destination);
}

function readTarget(flag: string, name: string, options: readonly string[]): Target {
  const option = (wanted: string) => options[options.indexOf(wanted) + 1];
  switch (name) {
    case "ACCEPT":
      return { kind: "accept" };
    case "DROP":
    case "REJECT":
      return { kind: "drop" };
    case "RETURN":
      return { kind: "return" };
    case "MASQUERADE":
      return { kind: "masquerade" };
    case "SNAT":
      return { kind: "snat", to: option("--to-source") };
    case "DNAT":
      return { kind: "dnat", to: option("--to-destination") };
    case "REDIRECT":
      return { kind: "dnat" };
    case "MARK": {
      const [value = Number.NaN, mask = 0xffffffff] = (option("--set-xmark") ?? "").split("/").map(Number);
      return Number.isNaN(value) ? { kind: "unknown" } : { kind: "mark", value, mask };
    }
    default:
      if (PASSING.has(name)) return { kind: "none" };
      return UNKNOWN_TARGETS.has(name) ? { kind: "unknown" } : { kind: flag === "-g" ? "goto" : "jump", chain: name };
  }
}
