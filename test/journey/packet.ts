/** Builds frames byte by byte, for journeys that no recording has. Checksums stay 0, as with offloading. */

import type { Recorded } from "./recording.ts";

export function mac(number: number): Buffer {
  return Buffer.from([2, 0, 0, 0, number >> 8, number & 0xff]);
}

export const BROADCAST = Buffer.alloc(6, 0xff);

export function eth(dst: Buffer, src: Buffer, etherType: number, payload: Buffer): Buffer {
  return Buffer.concat([dst, src, Buffer.from([etherType >> 8, etherType & 0xff]), payload]);
}

function address(text: string): Buffer {
  return Buffer.from(text.split(".").map(Number));
}

export interface Ip {
  src: string;
  dst: string;
  ttl?: number;
  id?: number;
}

export function ipv4({ src, dst, ttl = 64, id = 1 }: Ip, protocol: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(id, 4);
  header[8] = ttl;
  header[9] = protocol;
  return Buffer.concat([header.subarray(0, 12), address(src), address(dst), payload]);
}

export function udp(srcPort: number, dstPort: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(srcPort, 0);
  header.writeUInt16BE(dstPort, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

export interface Segment {
  srcPort: number;
  dstPort: number;
  seq: number;
  ack?: number;
  flags: number;
  payload?: string;
}

export function tcp({ srcPort, dstPort, seq, ack = 0, flags, payload = "" }: Segment): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(srcPort, 0);
  header.writeUInt16BE(dstPort, 2);
  header.writeUInt32BE(seq, 4);
  header.writeUInt32BE(ack, 8);
  header[12] = 0x50;
  header[13] = flags;
  header.writeUInt16BE(64000, 14);
  return Buffer.concat([header, Buffer.from(payload)]);
}

export function echo(type: "request" | "reply", id: number, seq: number, payload = "0123456789abcdef"): Buffer {
  const header = Buffer.alloc(8);
  header[0] = type === "request" ? 8 : 0;
  header.writeUInt16BE(id, 4);
  header.writeUInt16BE(seq, 6);
  return Buffer.concat([header, Buffer.from(payload)]);
}

/** An ICMP error about the packet (IP header on), quoted as Linux does. */
export function icmpError(type: number, code: number, about: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, code, 0, 0, 0, 0, 0, 0]), about.subarray(0, 548)]);
}

export function arp(operation: 1 | 2, sender: [Buffer, string], target: [Buffer, string]): Buffer {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation]);
  return Buffer.concat([head, sender[0], address(sender[1]), target[0], address(target[1])]);
}

export function whoHas(target: string, from: Buffer, tell: string): Buffer {
  return eth(BROADCAST, from, 0x0806, arp(1, [from, tell], [Buffer.alloc(6), target]));
}

export function vxlan(outer: Ip, vni: number, frame: Buffer, srcPort = 46334): Buffer {
  const header = Buffer.from([8, 0, 0, 0, vni >> 16, (vni >> 8) & 0xff, vni & 0xff, 0]);
  return ipv4(outer, 17, udp(srcPort, 8472, Buffer.concat([header, frame])));
}

/** A frame at a place such as `node/node1/flannel.1 out`, so many microseconds after the start. */
export function seen(place: string, microseconds: number, bytes: Buffer): Recorded {
  const [path = "", direction] = place.split(" ");
  const slash = path.lastIndexOf("/");
  if (slash < 0) throw new Error(`not a place: ${place}`);
  return {
    netns: path.slice(0, slash),
    interface: path.slice(slash + 1),
    direction: direction === "in" || direction === "out" ? direction : "unknown",
    at: microseconds * 1000,
    bytes,
  };
}

/** The same bytes at several places, a microsecond apart. */
export function passes(microseconds: number, bytes: Buffer, ...places: string[]): Recorded[] {
  return places.map((place, index) => seen(place, microseconds + index, bytes));
}
