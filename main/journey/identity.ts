/**
 * What a frame is recognised by at every hop: the innermost packet without TTL, checksums and MACs, and (because of
 * NAT) without addresses and ports. Allocates nothing, never throws, never reads past the captured end.
 */

import type { TunnelPorts } from "../../preload/contract/topology.ts";
import { ARP, ETH, ICMP, ICMPV6, IPV4, IPV6, TCP, UDP } from "../decode/payload.ts";
import type { Walk } from "../decode/walk.ts";

/** Payload bytes that are hashed: from its start and from its end. */
const HEAD = 64;
const TAIL = 16;
const FIN = 0x01;
const SYN = 0x02;
const ACK = 0x10;
const DNS_PORTS = new Set([53, 5353]);

export interface Identity {
  /** Two signed 32-bit hashes of what no hop may change. */
  a: number;
  b: number;
  /** Signed 32-bit hash of the inner addresses and ports: equal on all hops without NAT. */
  flow: number;
  /** Inner addresses as unsigned numbers: the IPv4 address itself, a hash of an IPv6 address; 0 for none. */
  source: number;
  destination: number;
  /** For no one in particular: broadcast, multicast, or a frame without addresses above Ethernet. */
  group: boolean;
  /** No IP header around the innermost packet. */
  bare: boolean;
  /** IPv4's identification and protocol, which a packet keeps when it is cut into pieces; 0 for none. */
  datagram: number;
  /** Where the IPv4 header lies that says that this is a piece of a datagram: the innermost, else the one around it; -1 for none. */
  piece: number;
  /** Where the outermost of several IP headers leads to, as `destination`; 0 for a bare packet. A tunnel sends copies. */
  outer: number;
}

/** The key under which a request is found by its reply: two signed 32-bit hashes. */
interface ExchangeKey {
  set: boolean;
  a: number;
  b: number;
}

/** The exchanges that a frame takes part in. */
export interface Exchange {
  /** As a request: the key of the reply that it waits for. */
  request: ExchangeKey;
  /** As a reply: the key of the request that it answers. */
  reply: ExchangeKey;
  /** The reply says that the request failed (an ICMP error). */
  isError: boolean;
  /** A datagram that answers another one asks nothing itself. */
  isDatagram: boolean;
  /** Sent twice under one request key, it is a retransmission. */
  isSegment: boolean;
}

export function createIdentity(): Identity {
  return { a: 0, b: 0, flow: 0, source: 0, destination: 0, group: false, bare: true, datagram: 0, piece: -1, outer: 0 };
}

export function createExchange(): Exchange {
  return {
    request: { set: false, a: 0, b: 0 },
    reply: { set: false, a: 0, b: 0 },
    isError: false,
    isDatagram: false,
    isSegment: false,
  };
}

// The hash in progress. Murmur3's constants and mixing, in two lanes.
let laneA = 0;
let laneB = 0;

function begin(seed: number): void {
  laneA = seed;
  laneB = ~seed;
}

function mix(word: number): void {
  let a = Math.imul(word, 0xcc9e2d51);
  a = (a << 15) | (a >>> 17);
  laneA ^= Math.imul(a, 0x1b873593);
  laneA = (laneA << 13) | (laneA >>> 19);
  laneA = (Math.imul(laneA, 5) + 0xe6546b64) | 0;
  laneB = Math.imul(laneB ^ word, 0x85ebca6b);
  laneB ^= laneB >>> 15;
}

function finished(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function word16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function word32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function mixBytes(bytes: Uint8Array, from: number, to: number): void {
  let at = from;
  for (; at + 4 <= to; at += 4) mix(word32(bytes, at));
  let rest = 1;
  for (; at < to; at++) rest = (rest << 8) | bytes[at]!;
  if (rest !== 1) mix(rest);
}

function mixPayload(bytes: Uint8Array, from: number, to: number): void {
  mix(to - from);
  if (to - from <= HEAD + TAIL) {
    mixBytes(bytes, from, to);
    return;
  }
  mixBytes(bytes, from, from + HEAD);
  mixBytes(bytes, to - TAIL, to);
}

/** An IPv6 address as an unsigned 32-bit number, by which its owner is found. */
export function hashIpv6(bytes: Uint8Array, at: number): number {
  let hash = 0x9747b28c;
  for (let word = 0; word < 16; word += 4) {
    hash = Math.imul(hash ^ word32(bytes, at + word), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return hash >>> 0;
}

/** Reads the identity of a walked frame that starts at `start`. */
export function readIdentity(bytes: Uint8Array, start: number, walk: Walk, identity: Identity): void {
  const { inner, innerEnd: end, protocols, offsets } = walk;
  identity.source = 0;
  identity.destination = 0;
  identity.bare = true;
  identity.group = true;
  identity.datagram = 0;
  identity.piece = -1;
  identity.outer = 0;
  if (inner < 0) {
    readUnknown(bytes, start, end, protocols[0] === ETH ? 12 : 0, identity);
    return;
  }
  const at = offsets[inner]!;
  let groupMac = false;
  for (let layer = inner - 1; layer >= 0; layer--) {
    const protocol = protocols[layer]!;
    if (protocol === IPV4 || protocol === IPV6) {
      identity.bare = false;
      if (protocol === IPV4 && isPiece(bytes, offsets[layer]!)) identity.piece = offsets[layer]!;
      identity.outer = outerDestination(bytes, walk);
      break;
    }
    if (protocol === ETH) groupMac = (bytes[offsets[layer]!]! & 1) === 1;
  }

  begin(protocols[inner]!);
  if (protocols[inner] === ARP) {
    mixBytes(bytes, at, Math.min(end, at + 28));
    identity.source = word32(bytes, at + 14) >>> 0;
    identity.destination = word32(bytes, at + 24) >>> 0;
    // An announcement asks for the sender's own address: it is for everybody.
    identity.group = identity.source === identity.destination;
  } else if (protocols[inner] === IPV4) {
    mix(word32(bytes, at + 2)); // total length, id
    mix((word16(bytes, at + 6) << 8) | bytes[at + 9]!); // fragment, protocol
    identity.datagram = (word16(bytes, at + 4) << 8) | bytes[at + 9]!;
    if (isPiece(bytes, at)) identity.piece = at;
    identity.source = word32(bytes, at + 12) >>> 0;
    identity.destination = word32(bytes, at + 16) >>> 0;
    identity.group = groupMac || identity.destination >>> 28 === 14 || identity.destination === 0xffffffff;
  } else {
    mix((word16(bytes, at + 4) << 8) | bytes[at + 6]!); // payload length, next header
    identity.source = hashIpv6(bytes, at + 8);
    identity.destination = hashIpv6(bytes, at + 24);
    identity.group = groupMac || bytes[at + 24] === 0xff;
  }

  const hasUpper = inner + 1 < walk.count;
  const upper = hasUpper ? offsets[inner + 1]! : end;
  const protocol = hasUpper ? protocols[inner + 1]! : -1;
  let ports = 0;
  if (protocol === TCP) {
    ports = word32(bytes, upper);
    mix(word32(bytes, upper + 4));
    mix(word32(bytes, upper + 8));
    mix(word32(bytes, upper + 12)); // header length, flags, window
    mixPayload(bytes, Math.min(end, upper + (bytes[upper + 12]! >> 4) * 4), end);
  } else if (protocol === UDP) {
    ports = word32(bytes, upper);
    mixPayload(bytes, upper + 8, end);
  } else if (protocol === ICMP) {
    mix(word16(bytes, upper));
    if (isIcmpError(bytes[upper]!)) {
      // NAT rewrites the quoted packet's addresses too.
      mix(word16(bytes, upper + 6));
      if (upper + 18 <= end) mix(word32(bytes, upper + 10));
    } else {
      ports = word16(bytes, upper + 4);
      mix(word16(bytes, upper + 6));
      mixPayload(bytes, upper + 8, end);
    }
  } else if (protocol === ICMPV6) {
    const type = bytes[upper]!;
    mix(word16(bytes, upper));
    mixPayload(bytes, upper + 4, end);
    if (type === 135 && upper + 24 <= end && !isUnspecified(bytes, at + 8)) {
      identity.destination = hashIpv6(bytes, upper + 8);
      identity.group = false;
    }
  } else if (protocol !== -1) {
    mixPayload(bytes, upper, end);
  }
  identity.a = finished(laneA);
  identity.b = finished(laneB);
  begin(ports);
  mix(identity.source);
  mix(identity.destination);
  identity.flow = finished(laneA);
}

/** The destination in the first IP header of a walked frame, which must have one. */
function outerDestination(bytes: Uint8Array, { protocols, offsets }: Walk): number {
  for (let layer = 0; ; layer++) {
    if (protocols[layer] === IPV4) return word32(bytes, offsets[layer]! + 16) >>> 0;
    if (protocols[layer] === IPV6) return hashIpv6(bytes, offsets[layer]! + 24);
  }
}

/** Without an IP or ARP packet: everything behind the MACs (`macBytes`, if there are any), so from the ether type on. */
function readUnknown(bytes: Uint8Array, start: number, end: number, macBytes: number, identity: Identity): void {
  begin(-1);
  const macs = Math.min(end, start + macBytes);
  mixPayload(bytes, macs, end);
  identity.a = finished(laneA);
  identity.b = finished(laneB);
  begin(-2);
  mixBytes(bytes, Math.min(start, macs), macs);
  identity.flow = finished(laneA);
}

/** More fragments follow, or it does not begin at the first byte. */
function isPiece(bytes: Uint8Array, at: number): boolean {
  return (word16(bytes, at + 6) & 0x3fff) !== 0;
}

/** What is common to the pieces of a datagram, also where one of its addresses is translated, and which part this is. */
export interface Piece {
  /** Keyed by the source, and by the destination. */
  bySource: ExchangeKey;
  byDestination: ExchangeKey;
  /** Bytes of the datagram's payload: from, and up to. */
  from: number;
  to: number;
  isLast: boolean;
}

export function createPiece(): Piece {
  const key = () => ({ set: false, a: 0, b: 0 });
  return { bySource: key(), byDestination: key(), from: 0, to: 0, isLast: false };
}

/** Reads the IPv4 header at `at`, whose frame says that it is a piece. */
export function readPiece(bytes: Uint8Array, at: number, piece: Piece): void {
  const id = word16(bytes, at + 4);
  const protocol = bytes[at + 9]!;
  setKey(piece.bySource, -3, word32(bytes, at + 12), 0, id, protocol);
  setKey(piece.byDestination, -3, 0, word32(bytes, at + 16), id, protocol);
  piece.from = (word16(bytes, at + 6) & 0x1fff) * 8;
  piece.to = piece.from + Math.max(0, word16(bytes, at + 2) - (bytes[at]! & 0x0f) * 4);
  piece.isLast = (word16(bytes, at + 6) & 0x2000) === 0;
}

function isIcmpError(type: number): boolean {
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}

function isUnspecified(bytes: Uint8Array, at: number): boolean {
  for (let byte = at; byte < at + 16; byte++) if (bytes[byte] !== 0) return false;
  return true;
}

function setKey(key: ExchangeKey, kind: number, from: number, to: number, ports: number, sequence: number): void {
  begin(kind);
  mix(from);
  mix(to);
  mix(ports);
  mix(sequence);
  key.set = true;
  key.a = finished(laneA);
  key.b = finished(laneB);
}

function swapped(ports: number): number {
  return (ports << 16) | (ports >>> 16);
}

/** Reads what the innermost packet of a walked frame asks and answers. `identity` is that of the same frame. */
export function readExchange(bytes: Uint8Array, walk: Walk, identity: Identity, exchange: Exchange): void {
  const { inner, innerEnd: end, protocols, offsets } = walk;
  exchange.request.set = false;
  exchange.reply.set = false;
  exchange.isError = false;
  exchange.isDatagram = false;
  exchange.isSegment = false;
  if (inner < 0) return;
  const at = offsets[inner]!;
  const { source, destination } = identity;
  if (protocols[inner] === ARP) {
    const operation = word16(bytes, at + 6);
    if (operation === 1) setKey(exchange.request, ARP, source, destination, 0, 0);
    if (operation === 2) setKey(exchange.reply, ARP, destination, source, 0, 0);
    return;
  }
  if (inner + 1 >= walk.count) return;
  const upper = offsets[inner + 1]!;
  const protocol = protocols[inner + 1]!;
  const type = bytes[upper]!;
  if (protocol === TCP || protocol === UDP) {
    const ports = word32(bytes, upper);
    readTransport(exchange.request, bytes, protocol, upper, end, source, destination);
    if (protocol === UDP) {
      exchange.isDatagram = true;
      setKey(exchange.reply, UDP, destination, source, swapped(ports), dnsId(bytes, upper, end));
    } else {
      exchange.isSegment = true;
      if ((bytes[upper + 13]! & ACK) !== 0) {
        setKey(exchange.reply, TCP, destination, source, swapped(ports), word32(bytes, upper + 8));
      }
    }
  } else if (protocol === ICMP) {
    if (type === 8) setKey(exchange.request, ICMP, source, destination, word32(bytes, upper + 4), 0);
    if (type === 0) {
      setKey(exchange.reply, ICMP, destination, source, word32(bytes, upper + 4), 0);
      // It asks nothing, but an error may be about it.
      setKey(exchange.request, ICMP, source, destination, word32(bytes, upper + 4), 1);
    }
    if (isIcmpError(type)) {
      exchange.isError = true;
      readQuotedIpv4(exchange, bytes, upper + 8, end, walk.tunnelPorts);
    }
  } else if (protocol === ICMPV6) {
    if (type === 128) setKey(exchange.request, ICMPV6, source, destination, word32(bytes, upper + 4), 0);
    if (type === 129) setKey(exchange.reply, ICMPV6, destination, source, word32(bytes, upper + 4), 0);
    if (type < 128) {
      exchange.isError = true;
      readQuotedIpv6(exchange, bytes, upper + 8, end);
    }
    if ((type === 135 || type === 136) && upper + 24 <= end) {
      setKey(type === 135 ? exchange.request : exchange.reply, ICMPV6, 0, hashIpv6(bytes, upper + 8), 0, 1);
    }
  }
}

/** `end` is where the packet would end by its own length, which for a quoted one is past what was quoted. */
function readTransport(
  key: ExchangeKey,
  bytes: Uint8Array,
  protocol: number,
  upper: number,
  end: number,
  source: number,
  destination: number,
): void {
  const ports = word32(bytes, upper);
  if (protocol === UDP) {
    setKey(key, UDP, source, destination, ports, dnsId(bytes, upper, Math.min(end, bytes.length)));
    return;
  }
  const flags = bytes[upper + 13]!;
  const payload = Math.max(0, end - upper - (bytes[upper + 12]! >> 4) * 4);
  const advance = payload + ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0);
  if (advance > 0) setKey(key, TCP, source, destination, ports, (word32(bytes, upper + 4) + advance) | 0);
}

/** Two questions from one port are told apart by DNS's own id. */
function dnsId(bytes: Uint8Array, upper: number, end: number): number {
  const isDns = DNS_PORTS.has(word16(bytes, upper)) || DNS_PORTS.has(word16(bytes, upper + 2));
  return isDns && upper + 10 <= end ? word16(bytes, upper + 8) : -1;
}

/** Of a quoted tunnel packet what it carries counts: that is the packet that people sent. */
function readQuotedIpv4(exchange: Exchange, bytes: Uint8Array, at: number, end: number, ports: TunnelPorts): void {
  if (at + 20 > end || bytes[at]! >> 4 !== 4) return;
  const upper = at + (bytes[at]! & 0x0f) * 4;
  const inner = carriedIpv4(bytes, bytes[at + 9]!, upper, end, ports);
  if (inner >= 0) {
    readQuotedIpv4(exchange, bytes, inner, end, ports);
    return;
  }
  const source = word32(bytes, at + 12) >>> 0;
  const destination = word32(bytes, at + 16) >>> 0;
  readQuoted(exchange, bytes, bytes[at + 9]!, upper, end, at + word16(bytes, at + 2), source, destination);
}

/** Where the IPv4 packet begins that another one carries; -1 for none. */
function carriedIpv4(bytes: Uint8Array, protocol: number, upper: number, end: number, ports: TunnelPorts): number {
  if (protocol === 4) return upper;
  if (protocol !== 17 || upper + 30 > end) return -1;
  const port = word16(bytes, upper + 2);
  if (ports.ip.includes(port)) return upper + 8;
  const isVxlan = port === 4789 || port === 8472 || ports.vxlan.includes(port);
  return isVxlan && word16(bytes, upper + 28) === 0x0800 ? upper + 30 : -1;
}

function readQuotedIpv6(exchange: Exchange, bytes: Uint8Array, at: number, end: number): void {
  if (at + 40 > end) return;
  const source = hashIpv6(bytes, at + 8);
  const destination = hashIpv6(bytes, at + 24);
  readQuoted(exchange, bytes, bytes[at + 6]!, at + 40, end, at + 40 + word16(bytes, at + 4), source, destination);
}

/** `end` is where the quotation ends, `packetEnd` where the quoted packet would. Protocol numbers are IANA's. */
function readQuoted(
  exchange: Exchange,
  bytes: Uint8Array,
  protocol: number,
  upper: number,
  end: number,
  packetEnd: number,
  source: number,
  destination: number,
): void {
  if (upper + 8 > end) return;
  if (protocol === 17) readTransport(exchange.reply, bytes, UDP, upper, packetEnd, source, destination);
  if (protocol === 6 && upper + 14 <= end) {
    readTransport(exchange.reply, bytes, TCP, upper, packetEnd, source, destination);
  }
  if (protocol === 1 && bytes[upper] === 8) {
    setKey(exchange.reply, ICMP, source, destination, word32(bytes, upper + 4), 0);
  }
  if (protocol === 1 && bytes[upper] === 0) {
    setKey(exchange.reply, ICMP, source, destination, word32(bytes, upper + 4), 1);
  }
  if (protocol === 58 && bytes[upper] === 128) {
    setKey(exchange.reply, ICMPV6, source, destination, word32(bytes, upper + 4), 0);
  }
}
