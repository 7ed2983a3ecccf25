/**
 * Writes one pcapng file as packets arrive: one section, an interface block per interface, nanosecond stamps.
 * Blocks reach the file whole and in order, so whatever ends the process, what is in the file stays readable.
 */

import { closeSync, openSync, writeSync } from "node:fs";

/** Blocks are handed to the kernel at this size at the latest, else at `flush`. */
const BUFFER_BYTES = 256 * 1024;

export class PcapngFile {
  /** Bytes handed to the file, and buffered. */
  size = 0;
  readonly #file: number;
  #buffer = Buffer.alloc(BUFFER_BYTES);
  #used = 0;

  /** Creates the file, which must not exist yet. Throws where it can't be written. */
  constructor(path: string, lab: string) {
    this.#file = openSync(path, "wx", 0o600);
    const options = Buffer.concat([option(1, `lab ${lab}`), option(4, "hoplab"), option(0, "")]);
    const section = Buffer.alloc(16);
    section.writeUInt32LE(0x1a2b3c4d, 0);
    section.writeUInt16LE(1, 4);
    section.fill(0xff, 8); // section length: not known
    this.#block(0x0a0d0d0a, [section, options]);
    this.flush();
  }

  /** Describes the next interface; they number from 0. `name` is `netns/interface`, `linkType` pcap's number. */
  addInterface(name: string, linkType: number): void {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(linkType, 0);
    head.writeUInt32LE(262144, 4);
    this.#block(1, [head, option(2, name), option(9, Buffer.from([9])), option(0, "")]);
  }

  /**
   * Writes one packet and answers where its bytes begin in the file. `direction`: 0 unknown, 1 inbound, 2 outbound.
   */
  addPacket(
    interfaceIndex: number,
    direction: number,
    seconds: number,
    nanos: number,
    bytes: Uint8Array,
    length: number,
  ): number {
    const padded = (bytes.length + 3) & ~3;
    const size = 32 + padded + (direction === 0 ? 0 : 12);
    if (this.#used + size > this.#buffer.length) this.flush();
    if (size > this.#buffer.length) this.#buffer = Buffer.alloc(size);
    const buffer = this.#buffer;
    let at = this.#used;
    const stamp = BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
    buffer.writeUInt32LE(6, at);
    buffer.writeUInt32LE(size, at + 4);
    buffer.writeUInt32LE(interfaceIndex, at + 8);
    buffer.writeUInt32LE(Number(stamp >> 32n), at + 12);
    buffer.writeUInt32LE(Number(stamp & 0xffffffffn), at + 16);
    buffer.writeUInt32LE(bytes.length, at + 20);
    buffer.writeUInt32LE(length, at + 24);
    at += 28;
    const offset = this.size + (at - this.#used);
    buffer.set(bytes, at);
    buffer.fill(0, at + bytes.length, at + padded);
    at += padded;
    if (direction !== 0) {
      buffer.writeUInt16LE(2, at);
      buffer.writeUInt16LE(4, at + 2);
      buffer.writeUInt32LE(direction, at + 4);
      buffer.writeUInt32LE(0, at + 8);
      at += 12;
    }
    buffer.writeUInt32LE(size, at);
    this.#used += size;
    this.size += size;
    return offset;
  }

  /** Hands everything to the kernel: from here on it survives the end of this process. */
  flush(): void {
    let at = 0;
    try {
      while (at < this.#used) at += writeSync(this.#file, this.#buffer, at, this.#used - at);
    } finally {
      // Of a disk that is full, what it did not take: it may take that later.
      this.#buffer.copyWithin(0, at, this.#used);
      this.#used -= at;
    }
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }

  #block(type: number, parts: Buffer[]): void {
    const body = Buffer.concat(parts);
    const size = body.length + 12;
    if (this.#used + size > this.#buffer.length) this.flush();
    this.#buffer.writeUInt32LE(type, this.#used);
    this.#buffer.writeUInt32LE(size, this.#used + 4);
    body.copy(this.#buffer, this.#used + 8);
    this.#buffer.writeUInt32LE(size, this.#used + 8 + body.length);
    this.#used += size;
    this.size += size;
  }
}

function option(code: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const padded = Buffer.alloc(4 + ((bytes.length + 3) & ~3));
  padded.writeUInt16LE(code, 0);
  padded.writeUInt16LE(bytes.length, 2);
  bytes.copy(padded, 4);
  return padded;
}
