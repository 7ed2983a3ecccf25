import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { PcapngFile } from "../../main/capture/pcapng-file.ts";
import { CaptureReader } from "../../main/capture/reader.ts";

const folder = mkdtempSync(join(tmpdir(), "hoplab-pcapng-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

interface Packet {
  index: number;
  direction: 0 | 1 | 2;
  seconds: number;
  nanos: number;
  bytes: Uint8Array;
  length: number;
}

/** Ethernet and raw IP. */
const INTERFACES = [
  ["pod/a/eth0", 1],
  ["node/node1/tunl0", 101],
  ["net/名/br0", 1],
] as const;

const packet: fc.Arbitrary<Packet> = fc.record({
  index: fc.integer({ min: 0, max: 2 }),
  direction: fc.constantFrom(0, 1, 2),
  seconds: fc.integer({ min: 0, max: 0xffffffff }),
  nanos: fc.integer({ min: 0, max: 999_999_999 }),
  bytes: fc.uint8Array({ maxLength: 300 }),
  length: fc.integer({ min: 0, max: 70_000 }),
});

function write(packets: readonly Packet[]): { path: string; offsets: number[] } {
  const path = join(folder, `${files++}.pcapng`);
  const file = new PcapngFile(path, "flannel-vxlan");
  for (const [name, linkType] of INTERFACES) file.addInterface(name, linkType);
  const offsets = packets.map((one) =>
    file.addPacket(one.index, one.direction, one.seconds, one.nanos, one.bytes, one.length),
  );
  file.close();
  return { path, offsets };
}

/** Reads bytes in chunks of the given size. */
function read(bytes: Uint8Array, chunk: number) {
  const interfaces: [name: string, linkType: number][] = [];
  const packets: (Packet & { offset: number })[] = [];
  const reader = new CaptureReader({
    onInterface: (_index, name, linkType) => interfaces.push([name, linkType]),
    onPacket: (index, direction, seconds, nanos, buffer, start, end, length, offset) =>
      packets.push({
        index,
        direction,
        seconds,
        nanos,
        bytes: new Uint8Array(buffer.subarray(start, end)),
        length,
        offset,
      }),
  });
  // One buffer for all pieces, as a file is read: what the reader keeps of a piece must be its own.
  const piece = Buffer.alloc(chunk);
  for (let at = 0; at < bytes.length; at += chunk) {
    const size = Buffer.from(bytes.subarray(at, at + chunk)).copy(piece);
    reader.push(piece.subarray(0, size));
  }
  return { interfaces, packets, problem: reader.problem, pending: reader.pending };
}

test("what is written is read again, to the nanosecond, whatever pieces it comes in", () => {
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 20 }), fc.integer({ min: 1, max: 500 }), (packets, chunk) => {
      const { path, offsets } = write(packets);
      const bytes = new Uint8Array(readFileSync(path));
      const got = read(bytes, chunk);
      expect(got.problem).toBeUndefined();
      expect(got.pending).toBe(0);
      expect(got.interfaces).toEqual(INTERFACES);
      expect(got.packets).toEqual(packets.map((one, index) => ({ ...one, offset: offsets[index] })));
      for (const { offset, bytes: captured } of got.packets) {
        expect(bytes.slice(offset, offset + captured.length)).toEqual(captured);
      }
    }),
    { numRuns: 60 },
  );
});

test("a file that is cut short anywhere still gives every whole packet before the cut", () => {
  const packets: Packet[] = Array.from({ length: 5 }, (_, index) => ({
    index: 0,
    direction: 1,
    seconds: 1_795_263_264,
    nanos: index,
    bytes: new Uint8Array(60).fill(index),
    length: 60,
  }));
  const { path } = write(packets);
  const whole = readFileSync(path).length;
  for (let size = whole - 1; size >= 0; size -= 7) {
    truncateSync(path, size);
    const got = read(new Uint8Array(readFileSync(path)), 64);
    expect(got.problem).toBeUndefined();
    expect(got.packets.length).toBeLessThan(5);
    expect(got.packets.map((one) => one.nanos)).toEqual(got.packets.map((_, index) => index));
  }
});

test("what is no capture is refused with words, and random bytes never throw", () => {
  expect(read(new TextEncoder().encode("this is a text file, and no capture"), 10).problem).toContain(
    "neither pcap nor pcapng",
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void read(bytes, 50)));
});

test("a capture with flipped bits never throws", () => {
  const { path } = write([{ index: 1, direction: 2, seconds: 1, nanos: 2, bytes: new Uint8Array(40), length: 40 }]);
  const bytes = new Uint8Array(readFileSync(path));
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length * 8 - 1), { minLength: 1, maxLength: 8 }), (bits) => {
      const broken = bytes.slice();
      for (const bit of bits) broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      read(broken, 33);
    }),
  );
});

/** A pcap of one packet, as libpcap writes it. */
function pcap(magic: number, little: boolean, fraction: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(24 + 16 + 4));
  view.setUint32(0, magic, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, 65535, little);
  view.setUint32(20, 1, little);
  view.setUint32(24, 1_700_000_000, little);
  view.setUint32(28, fraction, little);
  view.setUint32(32, 4, little);
  view.setUint32(36, 60, little);
  view.setUint32(40, 0xdeadbeef, false);
  return new Uint8Array(view.buffer);
}

test.each([
  ["micro, little-endian", 0xa1b2c3d4, true, 1000],
  ["micro, big-endian", 0xa1b2c3d4, false, 1000],
  ["nano, little-endian", 0xa1b23c4d, true, 1],
  ["nano, big-endian", 0xa1b23c4d, false, 1],
])("pcap with %sseconds is read", (_name, magic, little, scale) => {
  const { packets } = read(pcap(magic, little, 123_456), 9);
  expect(packets).toEqual([
    {
      index: 0,
      direction: 0,
      seconds: 1_700_000_000,
      nanos: 123_456 * scale,
      bytes: new Uint8Array([0xde, 0xad, 0xbe, 0xef]),
      length: 60,
      offset: 40,
    },
  ]);
});
