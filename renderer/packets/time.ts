/** Times as a person reads them. The numbers look the same in every language. Pure. */

/** Nanoseconds since the start of the capture as seconds with microseconds: `12.034567`. */
export function secondsText(nanoseconds: number): string {
  const microseconds = Math.round(nanoseconds / 1000);
  const rest = String(microseconds % 1_000_000).padStart(6, "0");
  return `${Math.floor(microseconds / 1_000_000)}.${rest}`;
}

/** Nanoseconds since the first hop: `+14.0 µs`, `+1.204 ms`, `+2.500 s`. */
export function sinceText(nanoseconds: number): string {
  if (nanoseconds < 1_000_000) return `+${(nanoseconds / 1000).toFixed(1)} µs`;
  if (nanoseconds < 1_000_000_000) return `+${(nanoseconds / 1_000_000).toFixed(3)} ms`;
  return `+${(nanoseconds / 1_000_000_000).toFixed(3)} s`;
}
