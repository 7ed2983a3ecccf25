/**
 * Watches a stream for signs of life. Time is counted in ticks of this process, not by the clock: a laptop that slept has
 * heard nothing, and that says nothing about the network.
 */

import type { Duplex } from "node:stream";

const TICK_MS = 500;

export class SilenceWatch {
  /** So long it may be silent. */
  limitMs: number;
  readonly #stream: Duplex;
  readonly #timer: NodeJS.Timeout;
  #silentMs = 0;
  #pauses = 0;

  constructor(stream: Duplex, limitMs: number, onSilent: () => void) {
    this.#stream = stream;
    this.limitMs = limitMs;
    stream.on("data", this.#hear);
    this.#timer = setInterval(() => {
      if (this.#pauses > 0) return;
      this.#silentMs += TICK_MS;
      if (this.#silentMs < this.limitMs) return;
      this.stop();
      onSilent();
    }, TICK_MS);
  }

  /** While a person thinks, it isn't the other side that is silent. */
  async paused<T>(work: () => Promise<T>): Promise<T> {
    this.#pauses++;
    try {
      return await work();
    } finally {
      this.#pauses--;
      this.#silentMs = 0;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stream.off("data", this.#hear);
  }

  #hear = (): void => {
    this.#silentMs = 0;
  };
}
