/** Compares text with a golden file beside the fixtures; `UPDATE_GOLDEN=1` rewrites it, and the diff is the review. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

export function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

export function expectGolden(name: string, text: string): void {
  const path = fixture(name);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, "utf8"));
}
