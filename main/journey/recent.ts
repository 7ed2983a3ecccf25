/**
 * Remembers a number for each of the most recent 64-bit keys. Two generations: what was not touched for a whole
 * generation is forgotten at once, so memory stays bounded and forgetting costs nothing per key.
 */

const LEAST_SLOTS = 1 << 12;

class Generation {
  #mask = LEAST_SLOTS - 1;
  #keys = new Int32Array(LEAST_SLOTS * 2);
  /** Value + 1; 0 is a free slot. */
  #values = new Float64Array(LEAST_SLOTS);
  count = 0;
  /** Capture time of the first key. */
  since = 0;

  #slot(a: number, b: number): number {
    let slot = (a ^ (b << 7)) & this.#mask;
    while (this.#values[slot] !== 0 && (this.#keys[slot * 2] !== a || this.#keys[slot * 2 + 1] !== b)) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  get(a: number, b: number): number {
    return this.#values[this.#slot(a, b)]! - 1;
  }

  set(a: number, b: number, value: number): void {
    const slot = this.#slot(a, b);
    if (this.#values[slot] === 0) {
      this.count++;
      this.#keys[slot * 2] = a;
      this.#keys[slot * 2 + 1] = b;
    }
    this.#values[slot] = value + 1;
    if (this.count * 2 > this.#mask) this.#grow();
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const slots = values.length * 2;
    this.#mask = slots - 1;
    this.#keys = new Int32Array(slots * 2);
    this.#values = new Float64Array(slots);
    for (let old = 0; old < values.length; old++) {
      if (values[old] === 0) continue;
      const a = keys[old * 2]!;
      const b = keys[old * 2 + 1]!;
      const slot = this.#slot(a, b);
      this.#keys[slot * 2] = a;
      this.#keys[slot * 2 + 1] = b;
      this.#values[slot] = values[old]!;
    }
  }

  clear(since: number): void {
    this.#values.fill(0);
    this.count = 0;
    this.since = since;
  }
}

export interface RecentLimits {
  /** Nanoseconds of capture time that a generation lasts, once it holds `least` keys. */
  span: number;
  /** Keys below which time does not end a generation, so that a small capture forgets nothing. */
  least: number;
  /** Keys at which a generation ends whatever the time. */
  most: number;
}

export class Recent {
  readonly #limits: RecentLimits;
  #current = new Generation();
  #previous = new Generation();

  constructor(limits: RecentLimits) {
    this.#limits = limits;
  }

  /** Keys remembered; never more than twice `most`. */
  get size(): number {
    return this.#current.count + this.#previous.count;
  }

  /** The number remembered for the key; -1 for none. `a` and `b` are signed 32-bit numbers. */
  get(a: number, b: number): number {
    const value = this.#current.get(a, b);
    return value >= 0 ? value : this.#previous.get(a, b);
  }

  /** `now` is the capture time in nanoseconds. */
  set(a: number, b: number, value: number, now: number): void {
    const current = this.#current;
    if (
      current.count >= this.#limits.most ||
      (current.count >= this.#limits.least && now - current.since > this.#limits.span)
    ) {
      this.#current = this.#previous;
      this.#previous = current;
      this.#current.clear(now);
    }
    if (this.#current.count === 0) this.#current.since = now;
    this.#current.set(a, b, value);
  }
}
