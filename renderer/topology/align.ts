/** Puts things in a row as near as possible to where each would like to be, in order and without overlap. */

interface Wish {
  /** Where its centre would like to be. */
  at: number;
  width: number;
}

/**
 * Centres in the order of the wishes, at least `gap` apart, with the least sum of squared distances from the
 * wishes (isotonic regression by pooling adjacent violators). `within` keeps them inside, where they fit.
 */
export function alignInOrder(wishes: readonly Wish[], gap: number, within?: { from: number; to: number }): number[] {
  const offsets: number[] = [];
  let offset = 0;
  wishes.forEach((wish, index) => {
    const previous = wishes[index - 1];
    if (previous !== undefined) offset += previous.width / 2 + gap + wish.width / 2;
    offsets.push(offset);
  });

  const pools: { mean: number; count: number }[] = [];
  wishes.forEach((wish, index) => {
    let pool = { mean: wish.at - (offsets[index] ?? 0), count: 1 };
    for (let last = pools.at(-1); last !== undefined && last.mean > pool.mean; last = pools.at(-1)) {
      pools.pop();
      const count = last.count + pool.count;
      pool = { mean: (last.mean * last.count + pool.mean * pool.count) / count, count };
    }
    pools.push(pool);
  });

  const least = within === undefined ? Number.NEGATIVE_INFINITY : within.from + (wishes[0]?.width ?? 0) / 2;
  const most =
    within === undefined
      ? Number.POSITIVE_INFINITY
      : within.to - (wishes.at(-1)?.width ?? 0) / 2 - (offsets.at(-1) ?? 0);
  const starts = pools.flatMap((pool) =>
    Array.from({ length: pool.count }, () => Math.max(least, Math.min(most, pool.mean))),
  );
  return starts.map((start, index) => start + (offsets[index] ?? 0));
}
