/** Connections as `/proc/net/nf_conntrack` prints them, and which of them a packet belongs to. Never throws. */

/** One direction of a connection. Ports are 0 where the protocol has none; of ICMP both are the identifier. */
export interface Tuple {
  source: string;
  destination: string;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
}

export interface Connection {
  /** As printed. */
  line: string;
  /** Whether the packet goes the way of the first one, or answers. */
  direction: "original" | "reply";
  /** Nothing has come back yet. */
  isUnreplied: boolean;
  /** Its first packet was for another address or port than the one that answers. */
  isDnat: boolean;
}

const NUMBERS: Record<string, number> = { icmp: 1, tcp: 6, udp: 17 };

/** The connection of a packet as it looks before it is translated. */
export function connectionOf(lines: readonly string[], tuple: Tuple): Connection | undefined {
  for (const line of lines) {
    const [, protocol = ""] = /\b(icmp|tcp|udp|\d+) +(?:\d+) /.exec(line.replace(/^ipv4 +2 +/, "")) ?? [];
    if (NUMBERS[protocol] !== tuple.protocol) continue;
    const [original, reply] = tuplesIn(line, tuple.protocol);
    if (!original || !reply) continue;
    const isReply = isSame(reply, tuple);
    if (!isReply && !isSame(original, tuple)) continue;
    // The identifier of ICMP is the source's, and changes with it.
    const hasPorts = tuple.protocol !== NUMBERS.icmp;
    const isDnat = original.destination !== reply.source || (hasPorts && original.destinationPort !== reply.sourcePort);
    return { line, direction: isReply ? "reply" : "original", isUnreplied: line.includes("[UNREPLIED]"), isDnat };
  }
  return undefined;
}

function tuplesIn(line: string, protocol: number): Tuple[] {
  return line
    .split(/\bsrc=/)
    .slice(1)
    .map((part) => {
      const value = (name: string) => new RegExp(`\\b${name}=(\\S+)`).exec(part)?.[1] ?? "";
      const id = Number(value("id"));
      return {
        source: part.split(" ")[0] ?? "",
        destination: value("dst"),
        protocol,
        sourcePort: protocol === 1 ? id : Number(value("sport")),
        destinationPort: protocol === 1 ? id : Number(value("dport")),
      };
    });
}

function isSame(one: Tuple, other: Tuple): boolean {
  return (
    one.source === other.source &&
    one.destination === other.destination &&
    one.sourcePort === other.sourcePort &&
    one.destinationPort === other.destinationPort
  );
}
