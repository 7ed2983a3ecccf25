/** One measured number beside its target, and the numbers that repeated measurements are told by. */

export interface Figure {
  name: string;
  measured: string;
  /** Absent for what is only there to compare with. */
  target?: string;
  met?: boolean;
}

/** Throws where there is nothing to take it from. `share` 0 is the least, 0.5 the median, 0.95 the p95. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (found === undefined) throw new Error("nothing was measured");
  return found;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** `median 412 ms (min 398, 5 runs)` */
export function tellTimes(milliseconds: readonly number[]): string {
  const least = Math.min(...milliseconds);
  return `median ${median(milliseconds).toFixed(0)} ms (min ${least.toFixed(0)}, ${milliseconds.length} runs)`;
}

/** A table in aligned columns, a line per figure. */
export function printFigures(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, measured, target, met }) => [
    name,
    measured,
    target ?? "",
    met === undefined ? "" : met ? "met" : "NOT MET",
  ]);
  const table = [["figure", "measured", "target", ""], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
