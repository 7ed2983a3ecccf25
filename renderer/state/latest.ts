/** Keeps only the newest of a kind of request: a new one aborts the one before, whose answer is then dropped. */

export interface Latest {
  /** The signal of a new request. Once aborted, its answer must not be used. */
  next(): AbortSignal;
  /** Aborts the request that is under way. */
  stop(): void;
}

export function latest(): Latest {
  let current: AbortController | undefined;
  return {
    next() {
      current?.abort();
      current = new AbortController();
      return current.signal;
    },
    stop() {
      current?.abort();
      current = undefined;
    },
  };
}
