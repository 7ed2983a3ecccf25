/**
 * Writes large capture files as Hoplab's own captures of the lab flannel-vxlan look: pings between pods of two nodes,
 * each packet seen at the twelve interfaces of its way, 1 to 30 µs apart. Every checksum is right.
 */

import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { findLab } from "../../main/lab/catalogue.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import type { Interface, Topology } from "../../preload/contract/topology.ts";
import { ROOT } from "./program.ts";

const START_SECONDS = 1_750_000_000n;
const PAYLOAD = 56;
const BARE_LENGTH = 14 + 20 + 8 + PAYLOAD;
const OUTER_LENGTH = 14 + 20 + 8 + 8;
const WRITE_BYTES = 1 << 22;
const [INBOUND, OUTBOUND] = [1, 2];

/** One sighting on a packet's way. */
interface Place {
  interface: number;
  direction: number;
  frame: Buffer;
}

/** The way of one packet, its frames made once and patched for each packet. */
interface Way {
  places: Place[];
  reply: boolean;
}

export async function flannelTopology(): Promise<Topology> {
  const found = await findLab("flannel-vxlan", join(ROOT, "labs"));
  if (!found.ok) throw new Error(found.fault.message);
  return layOutLab(found.value.lab);
}

/** A pcapng of that many frames (a multiple of 12) of all interfaces, with directions. */
export function writePcapng(file: string, topology: Topology, frames: number): void {
  const names = topology.namespaces.flatMap((netns) => netns.interfaces.map((item) => `${netns.name}/${item.name}`));
  const ways = pingWays(topology, names);
  using output = new Output(file);
  writeSection(output, names);
  writeFrames(ways, frames / 12, ({ interface: index, direction, frame }, stamp) => {
    const padded = (frame.length + 3) & ~3;
    const at = output.reserve(44 + padded);
    const { bytes } = output;
    bytes.writeUInt32LE(6, at);
    bytes.writeUInt32LE(44 + padded, at + 4);
    bytes.writeUInt32LE(index, at + 8);
    bytes.writeUInt32LE(Number(stamp >> 32n), at + 12);
    bytes.writeUInt32LE(Number(stamp & 0xffffffffn), at + 16);
    bytes.writeUInt32LE(frame.length, at + 20);
    bytes.writeUInt32LE(frame.length, at + 24);
    frame.copy(bytes, at + 28);
    bytes.fill(0, at + 28 + frame.length, at + 28 + padded);
    bytes.writeUInt32LE(0x00040002, at + 28 + padded); // epb_flags, 4 bytes
    bytes.writeUInt32LE(direction, at + 32 + padded);
    bytes.writeUInt32LE(0, at + 36 + padded);
    bytes.writeUInt32LE(44 + padded, at + 40 + padded);
  });
}

/** A nanosecond pcap of that many wrapped frames, all of the one interface node1/eth0. */
export function writePcap(file: string, topology: Topology, frames: number): void {
  const names = topology.namespaces.flatMap((netns) => netns.interfaces.map((item) => `${netns.name}/${item.name}`));
  const eth0 = names.indexOf("node/node1/eth0");
  using output = new Output(file);
  const header = output.reserve(24);
  output.bytes.writeUInt32LE(0xa1b23c4d, header);
  output.bytes.writeUInt32LE(0x00040002, header + 4);
  output.bytes.fill(0, header + 8, header + 16);
  output.bytes.writeUInt32LE(262_144, header + 16);
  output.bytes.writeUInt32LE(1, header + 20);
  writeFrames(pingWays(topology, names), frames, ({ interface: index, frame }, stamp) => {
    if (index !== eth0) return;
    const at = output.reserve(16 + frame.length);
    output.bytes.writeUInt32LE(Number(stamp / 1_000_000_000n), at);
    output.bytes.writeUInt32LE(Number(stamp % 1_000_000_000n), at + 4);
    output.bytes.writeUInt32LE(frame.length, at + 8);
    output.bytes.writeUInt32LE(frame.length, at + 12);
    frame.copy(output.bytes, at + 16);
  });
}

/** Calls `write` for each frame of `packets` packets, in the order of time; stamps are nanoseconds since 1970. */
function writeFrames(ways: readonly Way[], packets: number, write: (place: Place, stamp: bigint) => void): void {
  const second = START_SECONDS * 1_000_000_000n;
  let since = 0;
  let random = 1;
  for (let packet = 0; packet < packets; packet++) {
    const way = ways[packet % ways.length];
    if (!way) throw new Error("there is no way to send packets");
    const round = Math.floor(packet / ways.length);
    for (const place of way.places) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      since += 1000 + ((random >>> 8) % 29_000);
      patch(place.frame, round);
      write(place, second + BigInt(since));
    }
  }
}

/** Makes the frame that of the ping's next packet: the IP identification and the ICMP sequence number. */
function patch(frame: Buffer, round: number): void {
  const ip = frame.length === BARE_LENGTH ? 14 : OUTER_LENGTH + 14;
  if (ip !== 14) {
    frame.writeUInt16BE((round * 7) & 0xffff, 14 + 4);
    writeIpChecksum(frame, 14);
  }
  frame.writeUInt16BE(round & 0xffff, ip + 4);
  writeIpChecksum(frame, ip);
  const icmp = ip + 20;
  frame.writeUInt16BE((frame.readUInt16BE(icmp + 4) & 0xff) | ((round >>> 16) << 8), icmp + 4);
  frame.writeUInt16BE(round & 0xffff, icmp + 6);
  frame.writeUInt16BE(0, icmp + 2);
  frame.writeUInt16BE(checksum(frame, icmp, 8 + PAYLOAD), icmp + 2);
}

function pingWays(topology: Topology, names: readonly string[]): Way[] {
  return [
    ["a", "c"],
    ["b", "d"],
    ["a", "d"],
    ["b", "c"],
  ].flatMap(([from = "", to = ""], ident) => [
    wayBetween(topology, names, from, to, ident + 1, false),
    wayBetween(topology, names, to, from, ident + 1, true),
  ]);
}

function wayBetween(
  topology: Topology,
  names: readonly string[],
  from: string,
  to: string,
  ident: number,
  reply: boolean,
): Way {
  const find = (netns: string, name: string): Interface => {
    const found = topology.namespaces
      .find((candidate) => candidate.name === netns)
      ?.interfaces.find((candidate) => candidate.name === name);
    if (!found) throw new Error(`the lab has no ${netns}/${name}`);
    return found;
  };
  const end = (pod: string) => {
    const eth0 = find(`pod/${pod}`, "eth0");
    if (eth0.kind !== "veth") throw new Error(`pod/${pod}/eth0 is no veth`);
    const node = eth0.peer.netns;
    return { pod: `pod/${pod}`, eth0, node, veth: eth0.peer.interface };
  };
  const mac = (netns: string, name: string) => {
    const item = find(netns, name);
    if (!("mac" in item)) throw new Error(`${netns}/${name} has no MAC address`);
    return Buffer.from(item.mac.replaceAll(":", ""), "hex");
  };
  const ip = (item: Interface) => Buffer.from((item.addresses[0] ?? "").replace(/\/.*/, "").split(".").map(Number));
  const [source, target] = [end(from), end(to)];
  const port = (node: string) => node.slice("node/".length);

  const bare = (destination: Buffer, sender: Buffer, ttl: number) => {
    const frame = Buffer.alloc(BARE_LENGTH);
    ethernet(frame, 0, destination, sender);
    ipv4(frame, 14, ip(source.eth0), ip(target.eth0), 1, ttl, BARE_LENGTH - 14);
    frame.writeUInt8(reply ? 0 : 8, 34);
    frame.writeUInt16BE(ident, 38);
    for (let at = 0; at < PAYLOAD; at++) frame.writeUInt8(at, 42 + at);
    return frame;
  };
  const onPod = bare(mac(source.node, "cni0"), mac(source.pod, "eth0"), 64);
  const tunnelled = bare(mac(target.node, "flannel.1"), mac(source.node, "flannel.1"), 63);
  const delivered = bare(mac(target.pod, "eth0"), mac(target.node, "cni0"), 62);
  const outer = Buffer.alloc(OUTER_LENGTH);
  ethernet(outer, 0, mac(target.node, "eth0"), mac(source.node, "eth0"));
  const length = OUTER_LENGTH + BARE_LENGTH;
  ipv4(outer, 14, ip(find(source.node, "eth0")), ip(find(target.node, "eth0")), 17, 64, length - 14);
  outer.writeUInt16BE(40_000 + ident, 34);
  outer.writeUInt16BE(8472, 36);
  outer.writeUInt16BE(length - 34, 38);
  outer.writeUInt8(0x08, 42);
  outer.writeUIntBE(1, 46, 3);
  const wrapped = Buffer.concat([outer, tunnelled]);

  const place = (netns: string, name: string, direction: number, frame: Buffer): Place => ({
    interface: names.indexOf(`${netns}/${name}`),
    direction,
    frame: Buffer.from(frame),
  });
  return {
    reply,
    places: [
      place(source.pod, "eth0", OUTBOUND, onPod),
      place(source.node, source.veth, INBOUND, onPod),
      place(source.node, "cni0", INBOUND, onPod),
      place(source.node, "flannel.1", OUTBOUND, tunnelled),
      place(source.node, "eth0", OUTBOUND, wrapped),
      place("net/lan", port(source.node), INBOUND, wrapped),
      place("net/lan", port(target.node), OUTBOUND, wrapped),
      place(target.node, "eth0", INBOUND, wrapped),
      place(target.node, "flannel.1", INBOUND, tunnelled),
      place(target.node, "cni0", OUTBOUND, delivered),
      place(target.node, target.veth, OUTBOUND, delivered),
      place(target.pod, "eth0", INBOUND, delivered),
    ],
  };
}

function ethernet(frame: Buffer, at: number, destination: Buffer, source: Buffer): void {
  destination.copy(frame, at);
  source.copy(frame, at + 6);
  frame.writeUInt16BE(0x0800, at + 12);
}

function ipv4(
  frame: Buffer,
  at: number,
  source: Buffer,
  destination: Buffer,
  protocol: number,
  ttl: number,
  length: number,
): void {
  frame.writeUInt8(0x45, at);
  frame.writeUInt16BE(length, at + 2);
  frame.writeUInt16BE(protocol === 1 ? 0x4000 : 0, at + 6);
  frame.writeUInt8(ttl, at + 8);
  frame.writeUInt8(protocol, at + 9);
  source.copy(frame, at + 12);
  destination.copy(frame, at + 16);
}

function writeIpChecksum(frame: Buffer, at: number): void {
  frame.writeUInt16BE(0, at + 10);
  frame.writeUInt16BE(checksum(frame, at, 20), at + 10);
}

/** RFC 1071. */
function checksum(frame: Buffer, at: number, length: number): number {
  let sum = 0;
  for (let offset = at; offset < at + length; offset += 2)
    sum += ((frame[offset] ?? 0) << 8) | (frame[offset + 1] ?? 0);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~(sum + (sum >>> 16)) & 0xffff;
}

function writeSection(output: Output, names: readonly string[]): void {
  const section = output.reserve(28);
  output.bytes.fill(0, section, section + 28);
  output.bytes.writeUInt32LE(0x0a0d0d0a, section);
  output.bytes.writeUInt32LE(28, section + 4);
  output.bytes.writeUInt32LE(0x1a2b3c4d, section + 8);
  output.bytes.writeUInt16LE(1, section + 12);
  output.bytes.fill(0xff, section + 16, section + 24); // length unknown
  output.bytes.writeUInt32LE(28, section + 24);
  for (const name of names) {
    const padded = (name.length + 3) & ~3;
    const length = 20 + 4 + padded + 8 + 4;
    const at = output.reserve(length);
    const { bytes } = output;
    bytes.fill(0, at, at + length);
    bytes.writeUInt32LE(1, at);
    bytes.writeUInt32LE(length, at + 4);
    bytes.writeUInt16LE(1, at + 8); // Ethernet
    bytes.writeUInt32LE(262_144, at + 12);
    bytes.writeUInt16LE(2, at + 16); // if_name
    bytes.writeUInt16LE(name.length, at + 18);
    bytes.write(name, at + 20, "latin1");
    bytes.writeUInt16LE(9, at + 20 + padded); // if_tsresol
    bytes.writeUInt16LE(1, at + 22 + padded);
    bytes.writeUInt8(9, at + 24 + padded); // nanoseconds
    bytes.writeUInt32LE(length, at + length - 4);
  }
}

/** A file that is written in large pieces. */
class Output implements Disposable {
  readonly bytes = Buffer.alloc(WRITE_BYTES);
  readonly #file: number;
  #used = 0;

  constructor(path: string) {
    this.#file = openSync(path, "w");
  }

  /** Room for a record in `bytes`, to be filled before the next call. */
  reserve(length: number): number {
    if (this.#used + length > this.bytes.length) this.#flush();
    const at = this.#used;
    this.#used += length;
    return at;
  }

  #flush(): void {
    writeSync(this.#file, this.bytes, 0, this.#used);
    this.#used = 0;
  }

  [Symbol.dispose](): void {
    this.#flush();
    closeSync(this.#file);
  }
}
