/** The frames between Hoplab and a hub (hub.ts): length (4 bytes), type (1), process id (4), data. Big-endian. */

import type { Writable } from "node:stream";

/** A frame's type is its place in this list, which main/target/hub-script.ts knows too. */
const TYPES = ["ready", "spawn", "stdin", "end", "kill", "stdout", "stderr", "exit", "ping", "pong"] as const;
export type HubFrameType = (typeof TYPES)[number];

export interface HubFrame {
  type: HubFrameType;
  id: number;
  data: Buffer;
}

const HEAD_BYTES = 9;
const MAX_DATA_BYTES = 64 * 1024 * 1024;

/** Answers false where the stream wants its writer to wait; `done` is called when the data has gone. */
export function writeFrame(out: Writable, frame: HubFrame, done?: () => void): boolean {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(frame.data.length, 0);
  head.writeUInt8(TYPES.indexOf(frame.type), 4);
  head.writeUInt32BE(frame.id, 5);
  return out.write(Buffer.concat([head, frame.data]), done);
}

/** Cuts a stream of bytes into frames. Throws on a length or type that no hub sends. */
export class FrameReader {
  readonly #onFrame: (frame: HubFrame) => void;
  #chunks: Buffer[] = [];
  #size = 0;
  #wanted = HEAD_BYTES;

  constructor(onFrame: (frame: HubFrame) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    // A large frame comes in many chunks: they are joined once, when all of it is there.
    if (this.#size < this.#wanted) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    for (;;) {
      this.#wanted = HEAD_BYTES;
      if (bytes.length < HEAD_BYTES) break;
      const length = bytes.readUInt32BE(0);
      const type = TYPES[bytes.readUInt8(4)];
      if (length > MAX_DATA_BYTES || !type) throw new Error("the hub's stream is broken");
      this.#wanted = HEAD_BYTES + length;
      if (bytes.length < this.#wanted) break;
      this.#onFrame({ type, id: bytes.readUInt32BE(5), data: bytes.subarray(HEAD_BYTES, this.#wanted) });
      bytes = bytes.subarray(this.#wanted);
    }
    this.#chunks = bytes.length > 0 ? [bytes] : [];
    this.#size = bytes.length;
  }
}
