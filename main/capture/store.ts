/**
 * Holds one capture: takes frames in, follows them, and opens packets, journeys and frames on demand. The frames'
 * bytes stay in the capture file; only where they lie is kept here.
 */

import { closeSync, openSync, readSync } from "node:fs";
import type { Packet, PacketPage } from "../../preload/contract/calls.ts";
import type { Layer, OpenedFrame } from "../../preload/contract/frame.ts";
import type { Journey, JourneyError } from "../../preload/contract/journey.ts";
import {
  hasLinkHeader,
  type InterfaceRef,
  interfaceName,
  NO_TUNNEL_PORTS,
  type Topology,
  type TunnelPorts,
  tunnelPorts,
} from "../../preload/contract/topology.ts";
import { decodeFrame } from "../decode/decode.ts";
import { LINK_TYPE } from "../decode/payload.ts";
import { summarizeFrame } from "../decode/summary.ts";
import { explainJourney } from "../journey/explain.ts";
import { Follower } from "../journey/follow.ts";
import { Doubles } from "../journey/rows.ts";
import type { DirectionNumber } from "../journey/wiring.ts";
import { PcapngFile } from "./pcapng-file.ts";
import { CaptureReader } from "./reader.ts";

/** A journey with the layers of each of its hops, which causes are found from. */
export interface JourneyWithLayers {
  journey: Journey;
  /** When it was seen first: milliseconds since 1970 by the clock of who captured. */
  at: number;
  layers: Layer[][];
}

/** A live frame waits this long for older frames of other interfaces before it is written and followed. */
const REORDER_MS = 20;
/** So many frames of a file are put in the order of time before the older half of them is followed. */
const REORDER_FRAMES = 1 << 12;
/** The fixed columns of packets that were told before are kept for this many packets. */
const ROWS_KEPT = 20_000;

/** A frame that waits for older ones: its bytes are bytes[start, end). `at`: nanoseconds since the capture's first second. */
interface PendingFrame {
  interface: number;
  direction: DirectionNumber;
  linkType: number;
  at: number;
  bytes: Uint8Array;
  start: number;
  end: number;
  length: number;
}

interface LiveFrame extends PendingFrame {
  seconds: number;
  nanos: number;
  arrived: number;
}

interface FileFrame extends PendingFrame {
  offset: number;
}

type Row = Pick<Packet, "at" | "protocol" | "source" | "destination" | "summary" | "frame">;

export class CaptureStore {
  readonly #follower: Follower;
  #topology: Topology | undefined;
  #tunnelPorts: TunnelPorts;
  readonly #reading: number;
  readonly #file: PcapngFile | undefined;
  /** The number that an interface with that link type has in the file, by `numberInFile`'s key. */
  readonly #blocks = new Map<string, number>();
  /** Nanoseconds are counted from this second. */
  #baseSeconds: number | undefined;
  /** Where each frame's bytes begin in the file. */
  readonly #offsets = new Doubles();
  #pending: LiveFrame[] = [];
  #latest = 0;
  #rows = new Map<number, Row>();

  /** `write` makes a new file at `path` and fills it; without it the file is there and only read. */
  constructor(options: { path: string; topology?: Topology; write?: { lab: string; startedAt: number } }) {
    this.#topology = options.topology;
    this.#tunnelPorts = options.topology ? tunnelPorts(options.topology) : NO_TUNNEL_PORTS;
    this.#follower = new Follower({ interfaces: [], topology: options.topology });
    if (options.write) {
      this.#file = new PcapngFile(options.path, options.write.lab);
      this.#baseSeconds = Math.floor(options.write.startedAt / 1000);
    }
    this.#reading = openSync(options.path, "r");
  }

  /** The lab that is captured has changed. What was captured before is still explained. */
  rewire(topology: Topology): void {
    const ports = tunnelPorts(topology);
    const before = this.#tunnelPorts;
    this.#tunnelPorts = {
      vxlan: [...new Set([...ports.vxlan, ...before.vxlan])],
      ip: [...new Set([...ports.ip, ...before.ip])],
    };
    this.#topology = topology;
    this.#follower.rewire(topology, this.#tunnelPorts);
  }

  /** UDP ports of VXLAN devices that were found on the target: someone may have given a device another one. */
  addVxlanPorts(ports: readonly number[]): void {
    const { vxlan, ip } = this.#tunnelPorts;
    const all = [...new Set([...vxlan, ...ports])];
    if (all.length === vxlan.length) return;
    this.#tunnelPorts = { vxlan: all, ip };
    this.#follower.tunnelPorts = this.#tunnelPorts;
  }

  get frameCount(): number {
    return this.#follower.frameCount;
  }

  get packetCount(): number {
    return this.#follower.journeyCount;
  }

  get interfaces(): readonly InterfaceRef[] {
    return this.#follower.interfaces;
  }

  /** Bytes written so far; 0 for a capture that is only read. */
  get size(): number {
    return this.#file?.size ?? 0;
  }

  /** Names it in the file at once, with the link type that its kind has, so that also a quiet interface is there. */
  addInterface(ref: InterfaceRef): number {
    const index = this.#follower.addInterface(ref);
    const namespace = this.#topology?.namespaces.find(({ name }) => name === ref.netns);
    const known = namespace?.interfaces.find(({ name }) => name === ref.interface);
    this.#numberInFile(index, known && !hasLinkHeader(known) ? LINK_TYPE.raw : LINK_TYPE.ethernet);
    return index;
  }

  /** An interface has a block of its own for each link type: nearly always one. */
  #numberInFile(interfaceIndex: number, linkType: number): number {
    const key = `${interfaceIndex} ${linkType}`;
    let number = this.#blocks.get(key);
    if (number === undefined) {
      number = this.#blocks.size;
      this.#blocks.set(key, number);
      this.#file?.addInterface(interfaceName(this.interfaces[interfaceIndex]!), linkType);
    }
    return number;
  }

  /**
   * Takes a live frame, which is written and followed when older ones can no longer come. `linkType` is what its own
   * stream says.
   */
  receive(
    interfaceIndex: number,
    direction: DirectionNumber,
    linkType: number,
    seconds: number,
    nanos: number,
    bytes: Uint8Array,
    length: number,
  ): void {
    this.#pending.push({
      interface: interfaceIndex,
      direction,
      linkType,
      at: this.#since(seconds, nanos),
      bytes: new Uint8Array(bytes),
      start: 0,
      end: bytes.length,
      length,
      seconds,
      nanos,
      arrived: performance.now(),
    });
  }

  /** Writes and follows what has waited long enough (or all of it), in the order of time. */
  advance(all = false): void {
    const limit = all ? Number.POSITIVE_INFINITY : performance.now() - REORDER_MS;
    let cut = Number.NEGATIVE_INFINITY;
    for (const frame of this.#pending) if (frame.arrived <= limit && frame.at > cut) cut = frame.at;
    if (cut !== Number.NEGATIVE_INFINITY) {
      const due = this.#pending.filter((frame) => frame.at <= cut).sort((one, other) => one.at - other.at);
      this.#pending = this.#pending.filter((frame) => frame.at > cut);
      for (const frame of due) this.#add(frame, this.#write(frame));
    }
    this.#file?.flush();
  }

  /** Answers where the frame's bytes lie in the file. */
  #write({ interface: index, direction, linkType, seconds, nanos, bytes, length }: LiveFrame): number {
    return this.#file?.addPacket(this.#numberInFile(index, linkType), direction, seconds, nanos, bytes, length) ?? 0;
  }

  /**
   * Reads the whole capture file, whose frames may come in the order in which a loaded machine handed them over. Answers
   * with what was wrong with it, if anything.
   */
  readAll(): string | undefined {
    const indexes: number[] = [];
    const linkTypes: number[] = [];
    let pending: FileFrame[] = [];
    let latest = 0;
    let isSorted = true;
    const follow = (count: number) => {
      if (!isSorted) pending.sort((one, other) => one.at - other.at);
      isSorted = true;
      for (let index = 0; index < count; index++) this.#add(pending[index]!, pending[index]!.offset);
      pending = pending.slice(count);
    };
    const reader = new CaptureReader({
      onInterface: (index, name, linkType) => {
        requireLinkType(linkType);
        linkTypes[index] = linkType;
        indexes[index] = this.#follower.addInterface(splitInterfaceName(name));
      },
      onPacket: (interfaceIndex, direction, seconds, nanos, bytes, start, end, length, offset) => {
        this.#baseSeconds ??= seconds;
        const at = this.#since(seconds, nanos);
        if (at < latest) isSorted = false;
        latest = at;
        pending.push({
          interface: indexes[interfaceIndex] ?? 0,
          direction,
          linkType: linkTypes[interfaceIndex] ?? LINK_TYPE.ethernet,
          at,
          bytes,
          start,
          end,
          length,
          offset,
        });
        if (pending.length >= REORDER_FRAMES) follow(REORDER_FRAMES / 2);
      },
    });
    let problem: string | undefined;
    try {
      for (let position = 0; reader.problem === undefined; ) {
        const chunk = Buffer.allocUnsafe(1 << 20); // a new one each time: frames of the one before may wait
        const size = readSync(this.#reading, chunk, 0, chunk.length, position);
        if (size === 0) break;
        reader.push(chunk.subarray(0, size));
        position += size;
      }
      problem = reader.problem;
    } catch (error) {
      if (!(error instanceof UnsupportedLinkType) && !isSystemError(error)) throw error;
      problem = error.message;
    }
    follow(pending.length);
    this.#follower.finish();
    if (problem) return problem;
    return reader.pending > 0 ? "the file was cut short: its last packet is not whole and was left out" : undefined;
  }

  #since(seconds: number, nanos: number): number {
    return (seconds - (this.#baseSeconds ?? seconds)) * 1e9 + nanos;
  }

  /** `offset`: where its bytes lie in the file. */
  #add({ interface: place, direction, at, bytes, start, end, length, linkType }: PendingFrame, offset: number): void {
    const index = this.#follower.add(place, direction, at, bytes, start, end, length, linkType);
    this.#offsets.reserve(index);
    this.#offsets.set(index, offset);
    if (at > this.#latest) this.#latest = at;
  }

  /**
   * Packets that are new, grew or ended since the last call; one without hops was found to be part of another.
   * `now`: milliseconds since 1970.
   */
  changed(now: number): Packet[] {
    const since = this.#baseSeconds === undefined ? this.#latest : now * 1e6 - this.#baseSeconds * 1e9;
    const ids = this.#follower.settle(since).filter((id) => this.#follower.hopCount(id) > 0 || this.#rows.has(id));
    return ids.sort((a, b) => a - b).map((id) => this.#packet(id));
  }

  /**
   * One page of the packet list, in the order in which they began; `at` leaves those seen at one interface. Without it
   * a packet's place is its number, so that one which was found to be part of another keeps its place, without hops.
   */
  packets(first: number, count: number, at?: string): PacketPage {
    if (at === undefined) {
      const total = this.#follower.journeyCount;
      const size = Math.max(0, Math.min(count, total - first));
      return { total, first, packets: Array.from({ length: size }, (_, index) => this.#packet(first + index)) };
    }
    const index = this.interfaces.findIndex((ref) => interfaceName(ref) === at);
    if (index < 0) return { total: 0, first, packets: [] };
    const listed = this.#follower.listJourneys({ first, count, at: index });
    return { total: listed.total, first, packets: listed.ids.map((id) => this.#packet(id)) };
  }

  /** The packets with this number and later ones. */
  packetsFrom(first: number): Packet[] {
    const ids = Array.from({ length: Math.max(0, this.packetCount - first) }, (_, index) => first + index);
    return ids.filter((id) => this.#follower.hopCount(id) > 0).map((id) => this.#packet(id));
  }

  /** How many frames the store knows of, followed or waiting. */
  get received(): number {
    return this.#follower.frameCount + this.#pending.length;
  }

  /**
   * A journey with its hops and their layers; of one that was found to be part of another, that other one. Undefined where
   * there is none of that number.
   */
  journey(asked: number): JourneyWithLayers | undefined {
    if (asked < 0 || asked >= this.#follower.journeyCount) return undefined;
    const id = this.#follower.wholeOf(asked);
    const frames = this.#follower
      .journeyFrames(id)
      .map((index) => ({ frame: this.#follower.frame(index), layers: this.#decode(index, this.bytes(index)) }));
    const facts = this.#follower.facts(id);
    const error = facts.error === undefined ? undefined : this.#error(facts.error);
    const journey = explainJourney({ ...facts, error, frames, topology: this.#topology });
    const layers = new Map(frames.map(({ frame, layers: decoded }) => [frame.index, decoded]));
    const at = (this.#baseSeconds ?? 0) * 1000 + (frames[0]?.frame.at ?? 0) / 1e6;
    return { journey, at, layers: journey.hops.map((hop) => layers.get(hop.frame) ?? []) };
  }

  #error(journey: number): JourneyError {
    const { frame, summary } = this.#packet(journey);
    return { journey, summary, by: this.#follower.frame(frame).netns };
  }

  /** A frame with its layers and bytes; undefined where there is none of that number. */
  frame(index: number): OpenedFrame | undefined {
    if (index < 0 || index >= this.#follower.frameCount) return undefined;
    const bytes = this.bytes(index);
    return {
      ...this.#follower.frame(index),
      layers: this.#decode(index, bytes),
      bytes: Buffer.from(bytes).toString("hex"),
    };
  }

  #decode(frame: number, bytes: Uint8Array): Layer[] {
    return decodeFrame(bytes, { tunnelPorts: this.#tunnelPorts, linkType: this.#follower.linkType(frame) });
  }

  /** A frame's captured bytes, read from the file. */
  bytes(index: number): Uint8Array {
    const bytes = new Uint8Array(this.#follower.frame(index).captured);
    const size = readSync(this.#reading, bytes, 0, bytes.length, this.#offsets.get(index));
    return bytes.subarray(0, size);
  }

  /** Nothing more is captured: follows what waits, ends every journey, and closes the file to writing. */
  finish(): void {
    this.advance(true);
    this.#follower.finish();
    this.#file?.close();
  }

  close(): void {
    closeSync(this.#reading);
  }

  #packet(id: number): Packet {
    const row = this.#rows.get(id) ?? this.#makeRow(id);
    const errorOf = this.#follower.errorOf(id);
    const replyTo = this.#follower.replyTo(id);
    return {
      ...row,
      journey: id,
      hops: this.#follower.hopCount(id),
      end: this.#follower.end(id),
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(errorOf === undefined ? {} : { errorOf }),
    };
  }

  #makeRow(id: number): Row {
    if (this.#follower.hopCount(id) === 0) return EMPTIED;
    const frame = this.#follower.firstFrame(id);
    const { protocol, source, destination, summary } = summarizeFrame(this.#decode(frame, this.bytes(frame)));
    const row = { at: this.#follower.frame(frame).at, protocol, source, destination, summary, frame };
    if (this.#rows.size >= ROWS_KEPT) this.#rows.clear();
    this.#rows.set(id, row);
    return row;
  }
}

/** What is shown of a packet that was found to be part of another. */
const EMPTIED: Row = { at: 0, protocol: "", source: "", destination: "", summary: "", frame: 0 };

class UnsupportedLinkType extends Error {
  constructor(linkType: number) {
    super(
      `the capture has link type ${linkType}; Hoplab reads Ethernet (${LINK_TYPE.ethernet}) and raw IP (${LINK_TYPE.raw})`,
    );
  }
}

/** Throws where frames of that kind can't be read. */
export function requireLinkType(linkType: number): void {
  if (linkType !== LINK_TYPE.ethernet && linkType !== LINK_TYPE.raw) throw new UnsupportedLinkType(linkType);
}

/** The file system's own errors: a folder in place of a file, a disk that fails. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

/** `node/node1/eth0` → netns `node/node1`, interface `eth0`. A name without a slash is an interface of no namespace. */
function splitInterfaceName(name: string): InterfaceRef {
  const slash = name.lastIndexOf("/");
  return slash < 0
    ? { netns: "", interface: name || "interface" }
    : { netns: name.slice(0, slash), interface: name.slice(slash + 1) };
}
