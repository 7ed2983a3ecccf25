/** Tables of 32-bit numbers and columns of doubles that grow by chunks: millions of rows without an object for each. */

const CHUNK_BITS = 15;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_ROWS - 1;

/** The value of a cell that refers to no row. */
export const NONE = 0xffffffff;

export class Rows {
  readonly #stride: number;
  readonly #chunks: Uint32Array[] = [];

  constructor(stride: number) {
    this.#stride = stride;
  }

  /** Makes room for `row`; its cells are 0. */
  reserve(row: number): void {
    while (row >>> CHUNK_BITS >= this.#chunks.length) this.#chunks.push(new Uint32Array(CHUNK_ROWS * this.#stride));
  }

  get(row: number, column: number): number {
    return this.#chunks[row >>> CHUNK_BITS]![(row & CHUNK_MASK) * this.#stride + column]!;
  }

  set(row: number, column: number, value: number): void {
    this.#chunks[row >>> CHUNK_BITS]![(row & CHUNK_MASK) * this.#stride + column] = value;
  }
}

export class Doubles {
  readonly #chunks: Float64Array[] = [];

  reserve(row: number): void {
    while (row >>> CHUNK_BITS >= this.#chunks.length) this.#chunks.push(new Float64Array(CHUNK_ROWS));
  }

  get(row: number): number {
    return this.#chunks[row >>> CHUNK_BITS]![row & CHUNK_MASK]!;
  }

  set(row: number, value: number): void {
    this.#chunks[row >>> CHUNK_BITS]![row & CHUNK_MASK] = value;
  }
}
