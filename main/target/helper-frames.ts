/** The frames between Hoplab and its root helper: length (4 bytes), type (1), process id (4), data. Big-endian. */

import type { Writable } from "node:stream";

const TYPES = ["ready", "spawn", "stdin", "end", "kill", "stdout", "stderr", "exit"] as const;
export type HelperFrameType = (typeof TYPES)[number];

export interface HelperFrame {
  type: HelperFrameType;
  id: number;
  data: Buffer;
}

const HEAD_BYTES = 9;
const MAX_DATA_BYTES = 64 * 1024 * 1024;

export function writeFrame(out: Writable, frame: HelperFrame): void {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(frame.data.length, 0);
  head.writeUInt8(TYPES.indexOf(frame.type), 4);
  head.writeUInt32BE(frame.id, 5);
  out.write(head);
  if (frame.data.length > 0) out.write(frame.data);
}

/** Cuts a stream of bytes into frames. Throws on a length or type that no helper sends. */
export class FrameReader {
  readonly #onFrame: (frame: HelperFrame) => void;
  #rest = Buffer.alloc(0);

  constructor(onFrame: (frame: HelperFrame) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (bytes.length >= HEAD_BYTES) {
      const length = bytes.readUInt32BE(0);
      const type = TYPES[bytes.readUInt8(4)];
      if (length > MAX_DATA_BYTES || !type) throw new Error("the root helper's stream is broken");
      if (bytes.length < HEAD_BYTES + length) break;
      this.#onFrame({ type, id: bytes.readUInt32BE(5), data: bytes.subarray(HEAD_BYTES, HEAD_BYTES + length) });
      bytes = bytes.subarray(HEAD_BYTES + length);
    }
    this.#rest = Buffer.from(bytes);
  }
}
