/** Compares text with a file beside the test; UPDATE_GOLDEN=1 rewrites the file, and the diff is the review. */

import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";

export function expectGolden(file: URL, text: string): void {
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, `${text}\n`);
  expect(`${text}\n`).toBe(readFileSync(file, "utf8"));
}
