/** A decoded packet as rules and the connection table see it. */

import type { Layer } from "../../preload/contract/frame.ts";
import { field } from "../decode/field.ts";
import { textIn } from "../journey/stack.ts";
import { type Connection, connectionOf, type Tuple } from "./conntrack.ts";
import { isInSet } from "./netfilter.ts";
import type { RulePacket } from "./ruleset.ts";
import { addressLine, type NamespaceState } from "./state.ts";

const SYN = 0x02;
const ACK = 0x10;

/** The IPv4 packet whose header is at `at`, as the namespace gets it. Its mark is 0: it came from another namespace. */
export function rulePacket(layers: readonly Layer[], at: number, state: NamespaceState): RulePacket | undefined {
  const ip = layers[at];
  if (ip?.protocol !== "ipv4") return undefined;
  const { source, destination, protocol, sourcePort, destinationPort } = tupleOf(layers, at);
  const upper = layers[at + 1];
  const connection = connectionIn(layers, at, state);
  const icmpType = upper?.protocol === "icmp" ? field(upper, "type")?.number : undefined;
  return {
    source,
    destination,
    protocol,
    ...(hasPorts(upper) ? { sourcePort, destinationPort } : {}),
    ...(icmpType === undefined ? {} : { icmpType }),
    length: field(ip, "totalLength")?.number ?? 0,
    states: statesOf(layers, at, state, connection),
    ...(connection ? { isDnat: connection.isDnat } : {}),
    mark: 0,
    isLocal: (address) => isLocal(state, address),
    isInSet: (name, address) => isInSet(state.sets ?? [], name, address),
  };
}

export function isLocal(state: NamespaceState, address: string): boolean {
  return address.startsWith("127.") || addressLine(state, address) !== undefined;
}

function hasPorts(layer: Layer | undefined): boolean {
  return layer?.protocol === "tcp" || layer?.protocol === "udp";
}

function tupleOf(layers: readonly Layer[], at: number): Tuple {
  const ip = layers[at];
  const upper = layers[at + 1];
  const number = (name: string) => (upper && field(upper, name)?.number) ?? 0;
  const [sourcePort, destinationPort] =
    upper?.protocol === "icmp" ? [number("id"), number("id")] : [number("srcPort"), number("dstPort")];
  const protocol = (ip && field(ip, "protocol")?.number) ?? 0;
  return { source: textIn(ip, "src"), destination: textIn(ip, "dst"), protocol, sourcePort, destinationPort };
}

/** The connection that the packet belongs to in the namespace. */
export function connectionIn(layers: readonly Layer[], at: number, state: NamespaceState): Connection | undefined {
  return connectionOf(state.conntrack ?? [], tupleOf(layers, at));
}

/** The states that its connection may have. One that was dropped as the first of its connection left no entry. */
function statesOf(
  layers: readonly Layer[],
  at: number,
  state: NamespaceState,
  connection: Connection | undefined,
): RulePacket["states"] {
  if (!state.conntrack) return ["NEW", "ESTABLISHED", "RELATED", "INVALID"];
  const upper = layers[at + 1];
  if (connection) {
    return connection.direction === "reply" || !connection.isUnreplied ? ["ESTABLISHED"] : ["NEW"];
  }
  if (upper?.protocol === "tcp") {
    const flags = field(upper, "flags")?.number ?? 0;
    return (flags & SYN) !== 0 && (flags & ACK) === 0 ? ["NEW"] : ["NEW", "INVALID"];
  }
  if (upper?.protocol !== "icmp") return ["NEW"];
  const type = field(upper, "type")?.number;
  return type === 8 ? ["NEW"] : type === 0 ? ["INVALID"] : ["RELATED", "INVALID"];
}
