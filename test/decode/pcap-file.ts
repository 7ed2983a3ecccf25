/** Reads and writes classic pcap files of Ethernet frames, for tests. Throws where a file is not one. */

import { readFileSync, writeFileSync } from "node:fs";

const MICROSECONDS = 0xa1b2c3d4;
const ETHERNET = 1;

export function readPcap(path: string): Uint8Array[] {
  const file = readFileSync(path);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0, true) !== MICROSECONDS || view.getUint32(20, true) !== ETHERNET) {
    throw new Error(`${path} is not a little-endian pcap file of Ethernet frames`);
  }
  const frames: Uint8Array[] = [];
  for (let at = 24; at < file.length; ) {
    const captured = view.getUint32(at + 8, true);
    frames.push(new Uint8Array(file.subarray(at + 16, at + 16 + captured)));
    at += 16 + captured;
  }
  return frames;
}

export function writePcap(path: string, frames: readonly Uint8Array[]): void {
  const file = new Uint8Array(24 + frames.reduce((sum, frame) => sum + 16 + frame.length, 0));
  const view = new DataView(file.buffer);
  view.setUint32(0, MICROSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 262144, true);
  view.setUint32(20, ETHERNET, true);
  let at = 24;
  for (const frame of frames) {
    view.setUint32(at, 1, true);
    view.setUint32(at + 8, frame.length, true);
    view.setUint32(at + 12, frame.length, true);
    file.set(frame, at + 16);
    at += 16 + frame.length;
  }
  writeFileSync(path, file);
}
