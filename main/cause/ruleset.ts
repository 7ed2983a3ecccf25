/**
 * Packet rules in one form, whether iptables or nft wrote them, and what their matches have in common. What is not known
 * of a match or of a target stays unknown, so that whoever walks the rules can stop there.
 */

export const HOOKS = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] as const;
export type Hook = (typeof HOOKS)[number];

type ConnectionState = "NEW" | "ESTABLISHED" | "RELATED" | "INVALID";

/** What rules can ask of a packet. */
export interface RulePacket {
  source: string;
  destination: string;
  /** IANA's number. */
  protocol: number;
  sourcePort?: number;
  destinationPort?: number;
  icmpType?: number;
  /** Bytes, the IP header included. */
  length: number;
  in?: string | undefined;
  out?: string | undefined;
  /** The states that its connection may have. */
  states: readonly ConnectionState[];
  /** Whether its connection's destination was translated. Absent: not known. */
  isDnat?: boolean;
  /** Undefined where a rule that is not understood may have changed it. */
  mark: number | undefined;
  isLocal: (address: string) => boolean;
  /** Undefined for a set that is not known, or not of plain addresses. */
  isInSet: (name: string, address: string) => boolean | undefined;
}

/** Undefined: not known. */
export type Match = (packet: RulePacket) => boolean | undefined;

export type Target =
  | { kind: "accept" | "drop" | "return" | "masquerade" | "none" | "unknown" }
  /** `to`: `10.0.0.1`, `10.0.0.1:80`; absent for a redirection to the namespace itself. */
  | { kind: "snat" | "dnat"; to?: string | undefined }
  | { kind: "mark"; value: number; mask: number }
  | { kind: "jump" | "goto"; chain: string };

export interface Rule {
  /** As printed, without counters. */
  text: string;
  /** What a person would type to see its chain. */
  command: string;
  matches: Match[];
  target: Target;
}

export interface Chain {
  name: string;
  hook?: Hook;
  /** Of chains of one hook, the lowest is first. */
  priority: number;
  type: "filter" | "nat" | "other";
  policy: { drops: boolean; text: string; command: string };
  rules: Rule[];
  /** The chains that its rules can jump to. */
  table: Map<string, Chain>;
}

/** The other way round where the rule says `!`. */
export function negated(match: Match, isNegated: boolean): Match {
  if (!isNegated) return match;
  return (packet) => {
    const holds = match(packet);
    return holds === undefined ? undefined : !holds;
  };
}

/** Whether every one of several possible values fits, or none; undefined where only some do. */
export function allOrNone<T>(values: readonly T[], fits: (value: T) => boolean): boolean | undefined {
  const count = values.filter(fits).length;
  return count === values.length ? true : count === 0 ? false : undefined;
}

/** `10.0.0.0/8`, `10.0.0.1`, `10.0.0.0/255.0.0.0`: whether the address is in it. Undefined for IPv6 and what is no subnet. */
export function isInSubnet(address: string, subnet: string): boolean | undefined {
  const [base = "", prefix = "32"] = subnet.split("/");
  const network = ipv4Number(base);
  const number = ipv4Number(address);
  const mask = prefix.includes(".") ? ipv4Number(prefix) : prefixMask(Number(prefix));
  if (network === undefined || number === undefined || mask === undefined) return undefined;
  return (number & mask) >>> 0 === (network & mask) >>> 0;
}

function prefixMask(length: number): number | undefined {
  if (!(length >= 0 && length <= 32)) return undefined;
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

function ipv4Number(address: string): number | undefined {
  const parts = address.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return parts.reduce((whole, part) => whole * 256 + part, 0);
}

const PROTOCOL_NUMBERS: Record<string, number> = {
  icmp: 1,
  igmp: 2,
  ipencap: 4,
  ipip: 4,
  "4": 4,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ospf: 89,
  sctp: 132,
};

export function protocolNumber(name: string): number | undefined {
  return /^\d+$/.test(name) ? Number(name) : PROTOCOL_NUMBERS[name];
}

/** `80`, `80:90`, `80-90`: undefined for a name. */
export function isPortIn(port: number | undefined, range: string): boolean | undefined {
  const [first = "", last = first] = range.split(/[:-]/);
  if (port === undefined || !/^\d+$/.test(first) || !/^\d+$/.test(last)) return undefined;
  return port >= Number(first) && port <= Number(last);
}

/** `eth0`, and `eth+` or `eth*` for all that begin so. */
export function isNamed(name: string, pattern: string): boolean {
  const start = /^(.*)[+*]$/.exec(pattern)?.[1];
  return start === undefined ? name === pattern : name.startsWith(start);
}
