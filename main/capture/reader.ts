/**
 * Reads pcap and pcapng as a stream of bytes: libpcap's formats, either byte order, micro- or nanoseconds,
 * several interfaces and sections. Never throws on bad bytes: it stops and says in `problem` what was wrong.
 * pcap: draft-ietf-opsawg-pcap; pcapng: draft-ietf-opsawg-pcapng.
 */

import { type DirectionNumber, IN, OUT, UNKNOWN } from "../journey/wiring.ts";

export interface ReaderEvents {
  /** A new interface, numbered from 0 over all sections. */
  onInterface(index: number, name: string, linkType: number): void;
  /**
   * One packet: bytes[start, end) are its captured bytes, valid as long as the chunk is. `offset` is where they lie
   * in the whole stream. `seconds` since 1970 and `nanos` on top; `length` as it was on the wire.
   */
  onPacket(
    interfaceIndex: number,
    direction: DirectionNumber,
    seconds: number,
    nanos: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    length: number,
    offset: number,
  ): void;
}

const PCAP_MICRO = 0xa1b2c3d4;
const PCAP_NANO = 0xa1b23c4d;
const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
const BYTE_ORDER = 0x1a2b3c4d;
/** libpcap's own limit is 256 KiB a packet; a block with options stays well under this. */
const MAX_BLOCK = 1 << 20;
const OPTION_NAME = 2;
const OPTION_FLAGS = 2;
const OPTION_RESOLUTION = 9;

/** By the lowest two bits of a packet's flags. */
const DIRECTIONS: readonly DirectionNumber[] = [UNKNOWN, IN, OUT];

interface SourceInterface {
  index: number;
  /** Time units in a second. */
  units: number;
}

export class CaptureReader {
  /** Set when the stream can't be read further. */
  problem: string | undefined;
  readonly #events: ReaderEvents;
  #format: "unknown" | "pcap" | "pcapng" = "unknown";
  #little = true;
  #nano = false;
  #rest: Uint8Array = new Uint8Array(0);
  /** Position in the stream of the first byte of #rest. */
  #position = 0;
  #interfaces: SourceInterface[] = [];
  #interfaceCount = 0;

  constructor(events: ReaderEvents) {
    this.#events = events;
  }

  /** Takes the next bytes of the stream. */
  push(chunk: Uint8Array): void {
    if (this.problem) return;
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.length);
    }
    const used = this.#read(bytes);
    this.#position += used;
    this.#rest = new Uint8Array(bytes.subarray(used)); // a copy: a Buffer's own slice would be a view of the chunk
  }

  /** Bytes of an unfinished record at the end: the file was cut short. */
  get pending(): number {
    return this.#rest.length;
  }

  #read(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    if (this.#format === "unknown") {
      if (bytes.length < 24) return 0;
      at = this.#start(view);
      if (this.problem) return 0;
    }
    return this.#format === "pcap" ? this.#readPcap(bytes, view, at) : this.#readPcapng(bytes, view, at);
  }

  #start(view: DataView): number {
    const magic = view.getUint32(0, true);
    const swapped = view.getUint32(0, false);
    if (magic === SECTION) {
      this.#format = "pcapng";
      return 0;
    }
    for (const [value, little] of [
      [magic, true],
      [swapped, false],
    ] as const) {
      if (value === PCAP_MICRO || value === PCAP_NANO) {
        this.#format = "pcap";
        this.#little = little;
        this.#nano = value === PCAP_NANO;
        this.#interfaceCount = 1;
        this.#events.onInterface(0, "", view.getUint32(20, little) & 0x0fffffff);
        return 24;
      }
    }
    this.problem = "this is neither pcap nor pcapng: it does not begin with their magic number";
    return 0;
  }

  #readPcap(bytes: Uint8Array, view: DataView, from: number): number {
    const little = this.#little;
    const scale = this.#nano ? 1 : 1000;
    let at = from;
    while (at + 16 <= bytes.length) {
      const captured = view.getUint32(at + 8, little);
      if (captured > MAX_BLOCK) {
        this.problem = `the record at byte ${this.#position + at} claims ${captured} bytes`;
        return at;
      }
      const start = at + 16;
      const end = start + captured;
      if (end > bytes.length) break;
      const length = view.getUint32(at + 12, little);
      const nanos = view.getUint32(at + 4, little) * scale;
      const seconds = view.getUint32(at, little);
      this.#events.onPacket(0, UNKNOWN, seconds, nanos, bytes, start, end, length, this.#position + start);
      at = end;
    }
    return at;
  }

  #readPcapng(bytes: Uint8Array, view: DataView, from: number): number {
    let at = from;
    while (at + 12 <= bytes.length) {
      const type = view.getUint32(at, this.#little);
      // The section block's type reads the same in either byte order; its own magic tells which one follows.
      if (type === SECTION) this.#little = view.getUint32(at + 8, true) === BYTE_ORDER;
      const size = view.getUint32(at + 4, this.#little);
      if (size < 12 || size % 4 !== 0 || size > MAX_BLOCK) {
        this.problem = `the block at byte ${this.#position + at} claims ${size} bytes`;
        return at;
      }
      if (at + size > bytes.length) break;
      if (type === ENHANCED_PACKET) this.#enhancedPacket(bytes, view, at, size);
      else if (type === SECTION) this.#interfaces = [];
      else if (type === INTERFACE && size >= 20) this.#interface(bytes, view, at, size);
      else if (type === SIMPLE_PACKET && size >= 16) this.#simplePacket(bytes, view, at, size);
      at += size;
    }
    return at;
  }

  #enhancedPacket(bytes: Uint8Array, view: DataView, at: number, size: number): void {
    const little = this.#little;
    if (size < 32) return;
    const source = this.#interfaces[view.getUint32(at + 8, little)];
    const captured = view.getUint32(at + 20, little);
    const start = at + 28;
    const end = start + captured;
    if (!source || end > at + size - 4) return; // a packet of an interface never described, or longer than its block
    const units = view.getUint32(at + 12, little) * 4294967296 + view.getUint32(at + 16, little);
    let seconds: number;
    let nanos: number;
    if (source.units === 1e9) {
      // 64-bit nanoseconds since 1970 do not fit a double: split them before they are added up.
      const high = view.getUint32(at + 12, little);
      const low = view.getUint32(at + 16, little);
      const upper = (high >>> 16) * 294967296; // 2^32 = 4e9 + 294967296
      const carried = Math.floor(upper / 1e9);
      const rest = (upper % 1e9) * 65536 + (high & 0xffff) * 294967296 + low;
      seconds = high * 4 + carried * 65536 + Math.floor(rest / 1e9);
      nanos = rest % 1e9;
    } else {
      seconds = Math.floor(units / source.units);
      nanos = Math.floor(((units % source.units) * 1e9) / source.units);
    }
    let direction: DirectionNumber = UNKNOWN;
    for (let option = (end + 3) & ~3; option + 4 <= at + size - 4; ) {
      const code = view.getUint16(option, little);
      const length = view.getUint16(option + 2, little);
      if (code === 0) break;
      if (code === OPTION_FLAGS && length === 4)
        direction = DIRECTIONS[view.getUint32(option + 4, little) & 3] ?? UNKNOWN;
      option += 4 + ((length + 3) & ~3);
    }
    const wire = view.getUint32(at + 24, little);
    this.#events.onPacket(source.index, direction, seconds, nanos, bytes, start, end, wire, this.#position + start);
  }

  #simplePacket(bytes: Uint8Array, view: DataView, at: number, size: number): void {
    const source = this.#interfaces[0];
    if (!source) return;
    const length = view.getUint32(at + 8, this.#little);
    const start = at + 12;
    const end = Math.min(start + length, at + size - 4);
    this.#events.onPacket(source.index, UNKNOWN, 0, 0, bytes, start, end, length, this.#position + start);
  }

  #interface(bytes: Uint8Array, view: DataView, at: number, size: number): void {
    const little = this.#little;
    const end = at + size - 4;
    let name = "";
    let units = 1e6;
    for (let option = at + 16; option + 4 <= end; ) {
      const code = view.getUint16(option, little);
      const length = view.getUint16(option + 2, little);
      if (code === 0 || option + 4 + length > end) break;
      const value = bytes.subarray(option + 4, option + 4 + length);
      if (code === OPTION_NAME) name = new TextDecoder().decode(value);
      const resolution = value[0];
      if (code === OPTION_RESOLUTION && resolution !== undefined) {
        units = resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution;
      }
      option += 4 + ((length + 3) & ~3);
    }
    const index = this.#interfaceCount++;
    this.#interfaces.push({ index, units });
    this.#events.onInterface(index, name, view.getUint16(at + 8, little));
  }
}
