/** Builds frames from the outside in, with lengths and checksums filled in. For tests. */

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** `00 01 02`, spaces as one likes. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll(/\s/g, "").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export function mac(text: string): Uint8Array {
  return hex(text.replaceAll(":", ""));
}

export function ip(text: string): Uint8Array {
  return Uint8Array.from(text.split("."), Number);
}

/** All eight groups or one `::`. */
export function ip6(text: string): Uint8Array {
  const [before = "", after] = text.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const head = groups(before);
  const tail = groups(after ?? "");
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return concat(...[...head, ...zeros, ...tail].map((group) => u16(Number.parseInt(group, 16))));
}

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The checksum field at `at` is zero so far. */
function withChecksum(message: Uint8Array, at: number, pseudo: Uint8Array = new Uint8Array()): Uint8Array {
  message.set(u16(checksum(concat(pseudo, message))), at);
  return message;
}

export const SRC_MAC = "02:00:00:00:00:01";
export const DST_MAC = "02:00:00:00:00:02";

export function eth(etherType: number, payload: Uint8Array, src = SRC_MAC, dst = DST_MAC): Uint8Array {
  return concat(mac(dst), mac(src), u16(etherType), payload);
}

/** Goes after `eth(0x8100, …)`. */
export function vlan(id: number, priority: number, etherType: number, payload: Uint8Array): Uint8Array {
  return concat(u16((priority << 13) | id), u16(etherType), payload);
}

interface Ipv4Header {
  src?: string;
  dst?: string;
  ttl?: number;
  tos?: number;
  id?: number;
  /** 3 bits: 2 is DF, 1 is MF. */
  flags?: number;
  /** In bytes. */
  fragmentOffset?: number;
  options?: Uint8Array;
  totalLength?: number;
}

export const SRC = "10.0.0.1";
export const DST = "10.0.0.2";

export function ipv4(protocol: number, payload: Uint8Array, header: Ipv4Header = {}): Uint8Array {
  const { src = SRC, dst = DST, ttl = 64, tos = 0, id = 0x1234, flags = 2, fragmentOffset = 0 } = header;
  const options = header.options ?? new Uint8Array();
  const headerLength = 20 + options.length;
  const totalLength = header.totalLength ?? headerLength + payload.length;
  const bytes = concat(
    Uint8Array.of(0x40 | (headerLength / 4), tos),
    u16(totalLength),
    u16(id),
    u16((flags << 13) | (fragmentOffset / 8)),
    Uint8Array.of(ttl, protocol, 0, 0),
    ip(src),
    ip(dst),
    options,
  );
  return concat(withChecksum(bytes, 10), payload);
}

export const SRC6 = "fd00::1";
export const DST6 = "fd00::2";

export function ipv6(nextHeader: number, payload: Uint8Array, header: { src?: string; dst?: string } = {}): Uint8Array {
  const { src = SRC6, dst = DST6 } = header;
  return concat(hex("6abcdef0"), u16(payload.length), Uint8Array.of(nextHeader, 63), ip6(src), ip6(dst), payload);
}

function pseudo4(protocol: number, length: number): Uint8Array {
  return concat(ip(SRC), ip(DST), Uint8Array.of(0, protocol), u16(length));
}

function pseudo6(protocol: number, length: number, src: string, dst: string): Uint8Array {
  return concat(ip6(src), ip6(dst), u32(length), u32(protocol));
}

/** With a checksum that is right between SRC and DST. */
export function udp(srcPort: number, dstPort: number, payload: Uint8Array): Uint8Array {
  const length = 8 + payload.length;
  const message = concat(u16(srcPort), u16(dstPort), u16(length), u16(0), payload);
  return withChecksum(message, 6, pseudo4(17, length));
}

interface TcpHeader {
  srcPort?: number;
  dstPort?: number;
  seq?: number;
  ack?: number;
  options?: Uint8Array;
}

/** With a checksum that is right between SRC and DST. */
export function tcp(flags: number, payload: Uint8Array, header: TcpHeader = {}): Uint8Array {
  const { srcPort = 40000, dstPort = 80, seq = 123, ack = 0, options = new Uint8Array() } = header;
  const message = concat(
    u16(srcPort),
    u16(dstPort),
    u32(seq),
    u32(ack),
    Uint8Array.of((20 + options.length) << 2, flags),
    u16(64240),
    u16(0),
    u16(0),
    options,
    payload,
  );
  return withChecksum(message, 16, pseudo4(6, message.length));
}

/** `rest`: the four bytes after the checksum, and what follows them. */
export function icmp(type: number, code: number, rest: Uint8Array): Uint8Array {
  return withChecksum(concat(Uint8Array.of(type, code, 0, 0), rest), 2);
}

export function icmpEcho(id: number, seq: number, data: Uint8Array = ascii("abcdefgh")): Uint8Array {
  return icmp(8, 0, concat(u16(id), u16(seq), data));
}

export function icmpv6(type: number, code: number, rest: Uint8Array, src = SRC6, dst = DST6): Uint8Array {
  const message = concat(Uint8Array.of(type, code, 0, 0), rest);
  return withChecksum(message, 2, pseudo6(58, message.length, src, dst));
}

export function arp(
  operation: number,
  senderMac: string,
  senderIp: string,
  targetMac: string,
  targetIp: string,
): Uint8Array {
  return concat(hex("0001 0800 06 04"), u16(operation), mac(senderMac), ip(senderIp), mac(targetMac), ip(targetIp));
}

export function vxlan(vni: number, frame: Uint8Array, flags = 0x08): Uint8Array {
  return concat(Uint8Array.of(flags, 0, 0, 0), u32(vni << 8), frame);
}

interface GreHeader {
  checksum?: boolean;
  key?: number;
  seq?: number;
}

export function gre(protocolType: number, payload: Uint8Array, header: GreHeader = {}): Uint8Array {
  const flags =
    (header.checksum ? 0x80 : 0) | (header.key === undefined ? 0 : 0x20) | (header.seq === undefined ? 0 : 0x10);
  const message = concat(
    Uint8Array.of(flags, 0),
    u16(protocolType),
    header.checksum ? u32(0) : new Uint8Array(),
    header.key === undefined ? new Uint8Array() : u32(header.key),
    header.seq === undefined ? new Uint8Array() : u32(header.seq),
    payload,
  );
  return header.checksum ? withChecksum(message, 4) : message;
}

export function geneve(
  vni: number,
  protocolType: number,
  payload: Uint8Array,
  options: Uint8Array = new Uint8Array(),
): Uint8Array {
  return concat(Uint8Array.of(options.length / 4, 0), u16(protocolType), u32(vni << 8), options, payload);
}

/** Labels with their lengths and the root at the end. */
export function dnsName(text: string): Uint8Array {
  return concat(...text.split(".").map((label) => concat(u8(label.length), ascii(label))), u8(0));
}

/** `counts`: questions, answers, authorities, additionals. */
export function dns(id: number, flags: number, counts: readonly number[], records: Uint8Array): Uint8Array {
  return concat(u16(id), u16(flags), ...counts.map(u16), records);
}

interface Dhcp {
  op: 1 | 2;
  xid: number;
  yiaddr?: string;
  chaddr: string;
}

/** `options`: code, length, value each, with 255 at the end. */
export function dhcp({ op, xid, yiaddr = "0.0.0.0", chaddr }: Dhcp, options: Uint8Array): Uint8Array {
  const zeros = (count: number) => new Uint8Array(count);
  return concat(
    Uint8Array.of(op, 1, 6, 0),
    u32(xid),
    u16(3),
    u16(0x8000),
    zeros(4),
    ip(yiaddr),
    zeros(8),
    mac(chaddr),
    zeros(10),
    zeros(64),
    zeros(128),
    hex("63825363"),
    options,
  );
}

export function dhcpOption(code: number, value: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(code, value.length), value);
}

/** A BGP message with its marker and length. */
export function bgp(type: number, body: Uint8Array, length = 19 + body.length): Uint8Array {
  return concat(new Uint8Array(16).fill(0xff), u16(length), u8(type), body);
}

/** `capabilities`: code, length, value each. */
export function bgpOpen(as: number, id: string, capabilities: Uint8Array): Uint8Array {
  const parameters = capabilities.length === 0 ? capabilities : concat(u8(2), u8(capabilities.length), capabilities);
  return bgp(1, concat(u8(4), u16(as), u16(240), ip(id), u8(parameters.length), parameters));
}

export function bgpUpdate(withdrawn: Uint8Array, attributes: Uint8Array, nlri: Uint8Array): Uint8Array {
  return bgp(2, concat(u16(withdrawn.length), withdrawn, u16(attributes.length), attributes, nlri));
}

export function bgpAttribute(flags: number, type: number, value: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(flags, type, value.length), value);
}

/** Only the bytes that the length needs; with a path identifier where one is given. */
export function bgpPrefix(address: string, bits: number, pathId?: number): Uint8Array {
  const id = pathId === undefined ? new Uint8Array() : u32(pathId);
  return concat(id, u8(bits), ip(address).subarray(0, Math.ceil(bits / 8)));
}
