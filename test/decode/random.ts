/** A seeded source of randomness, so that a failing random frame can be made again; and what it does to frames. */

/** xorshift32 (Marsaglia, 2003). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** 0 up to, not including, `limit`. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % limit;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** A copy of `frame` with a few bits, bytes or lengths changed, and sometimes cut short. */
  mutate(frame: Uint8Array): Uint8Array {
    const kept = this.below(4) === 0 ? 1 + this.below(frame.length) : frame.length;
    const bytes = frame.slice(0, kept);
    for (let changes = this.below(5); changes > 0; changes--) {
      // Headers are what matters: the first 100 bytes are hit more often.
      const at = this.below(this.below(4) === 0 ? kept : Math.min(kept, 100));
      const kind = this.below(3);
      if (kind === 0) bytes[at] = bytes[at]! ^ (1 << this.below(8));
      else if (kind === 1) bytes[at] = this.below(256);
      else bytes[at] = [0, 0xff, 0x7f, 0x80][this.below(4)]!;
    }
    return bytes;
  }
}
