/**
 * The line to the guest's hoplab-control (see scripts/vm/recipe): sets the guest's clock to this machine's and gives it
 * fresh randomness, which a state that was saved once and goes on twice needs. An answer means that the guest is up.
 */

import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { type Channel, connectChannel } from "./channel.ts";

/** An answer that took longer may carry an old time: the guest was busy, or was still being loaded. */
const GOOD_ROUND_TRIP_MS = 60;
const MAX_ANSWERS = 10;
const ANSWER_MS = 500;

export interface ControlOptions {
  signal?: AbortSignal | undefined;
  /** How long to wait for the first answer. */
  seconds: number;
}

/**
 * Sets the clock until an answer comes quickly enough to be exact. Answers the guest's clock less this machine's, in
 * milliseconds, as half a round trip lets it be known. Faults: `gone`, `timeout`, `cancelled`.
 */
export async function setGuestClock(channel: Channel, { signal, seconds }: ControlOptions): Promise<Result<number>> {
  const connected = await connectChannel(channel);
  if (!connected.ok) return connected;
  const socket = connected.value;
  const answersTo = new Answers(socket);
  const deadline = performance.now() + seconds * 1000;
  let best: { roundTrip: number; offset: number } | undefined;
  try {
    for (let answers = 0; answers < MAX_ANSWERS; ) {
      if (signal?.aborted) return fail("cancelled", "cancelled while the VM started");
      if (socket.destroyed) return fail("gone", "the VM ended");
      const sent = Date.now();
      const asked = (sent / 1000).toFixed(3);
      socket.write(`set ${asked} ${randomBytes(32).toString("hex")}\n`);
      const guest = await answersTo.wait(asked, ANSWER_MS);
      const now = Date.now();
      if (guest === undefined) {
        if (performance.now() > deadline) break;
        continue;
      }
      answers++;
      const roundTrip = now - sent;
      if (!best || roundTrip < best.roundTrip) best = { roundTrip, offset: Math.round(guest - (sent + now) / 2) };
      if (roundTrip <= GOOD_ROUND_TRIP_MS) break;
    }
  } finally {
    socket.destroy();
  }
  return best ? ok(best.offset) : fail("timeout", `the VM did not answer within ${seconds} s`);
}

/** The answers `ok ASKED NOW` on a serial line that echoes what is sent before the guest listens. */
class Answers {
  #text = "";
  #changed = () => {};

  constructor(socket: Socket) {
    socket.on("data", (data: Buffer) => {
      this.#text = (this.#text + data.toString("latin1")).slice(-4096);
      this.#changed();
    });
    socket.on("close", () => this.#changed());
  }

  /** The guest's time in milliseconds, in its answer to what was asked; undefined where none comes in time. */
  wait(asked: string, milliseconds: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const end = (value: number | undefined) => {
        clearTimeout(timer);
        this.#changed = () => {};
        resolve(value);
      };
      const timer = setTimeout(() => end(undefined), milliseconds);
      this.#changed = () => {
        const [, now] = new RegExp(`ok ${asked} (\\d+\\.\\d+)\\r?\\n`).exec(this.#text) ?? [];
        if (now !== undefined) end(Number(now) * 1000);
      };
    });
  }
}
