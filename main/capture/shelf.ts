/**
 * The captures kept in the user's data folder: one folder each, with the pcapng, the topology it was taken in, the
 * kernel state that explains it, and a record of what it is.
 */

import { readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Capture } from "../../preload/contract/calls.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import type { Era } from "../cause/era.ts";

export const CAPTURE_FILE = "capture.pcapng";
export const TOPOLOGY_FILE = "topology.json";
const STATE_FILE = "state.json";
const RECORD_FILE = "capture.json";

const recordSchema = z.object({
  id: z.string(),
  target: z.string().default("local"),
  sandbox: z.string(),
  lab: z.string(),
  file: z.string(),
  startedAt: z.number(),
  running: z.boolean(),
  interfaces: z.array(z.string()),
  left: z.object({ interfaces: z.array(z.string()), why: z.string() }).optional(),
  frames: z.number(),
  packets: z.number(),
  dropped: z.number(),
  bytes: z.number(),
  problem: z.string().optional(),
  failed: z.array(z.object({ interface: z.string(), why: z.string() })).optional(),
  gaps: z.array(z.object({ from: z.number(), to: z.number().optional(), why: z.string() })).default([]),
});

/** A name for a new capture that sorts by time: `20261121-114320-flannel-vxlan-1f3a`. */
export function newCaptureId(sandbox: string, now: Date, random: string): string {
  const stamp = now.toISOString().replaceAll(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${stamp}-${sandbox}-${random}`;
}

/** Writes the record in one step, so that a reader never sees half of it. */
export async function writeRecord(folder: string, record: Capture): Promise<void> {
  const path = join(folder, RECORD_FILE);
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Everything on the shelf, newest first. What can't be read is left out. */
export async function listShelf(shelf: string): Promise<Capture[]> {
  const names = await readdir(shelf).catch(() => []);
  const captures = await Promise.all(names.map((name) => readShelved(shelf, name)));
  return captures.filter((capture) => capture !== undefined).sort((a, b) => b.startedAt - a.startedAt);
}

/** One capture on the shelf; undefined where there is none of that name. */
export async function readShelved(shelf: string, id: string): Promise<Capture | undefined> {
  if (!/^[\w-]+$/.test(id)) return undefined; // as `newCaptureId` makes them: no path can be smuggled in
  const record = recordSchema.safeParse(await readJson(join(shelf, id, RECORD_FILE)));
  if (!record.success) return undefined;
  const file = join(shelf, id, CAPTURE_FILE);
  const bytes = await stat(file).then(
    (found) => found.size,
    () => undefined,
  );
  // A record that says "running" was left by a process that was killed: what it captured is there all the same.
  return bytes === undefined ? undefined : { ...record.data, id, file, bytes, running: false };
}

/** Writes what explains the capture's packets. */
export async function writeEras(folder: string, eras: readonly Era[]): Promise<void> {
  const plain = eras.map((era) => ({ ...era, lookups: Object.fromEntries(era.lookups) }));
  await writeFile(join(folder, STATE_FILE), JSON.stringify({ eras: plain }), { mode: 0o600 });
}

/** What lies beside a capture file, where it was made by Hoplab. */
export async function readBeside(folder: string): Promise<{ topology?: Topology; eras: Era[] }> {
  const topology: Topology | undefined = await readJson(join(folder, TOPOLOGY_FILE));
  const state: { eras?: (Omit<Era, "lookups"> & { lookups: Record<string, string> })[] } | undefined = await readJson(
    join(folder, STATE_FILE),
  );
  const eras = (state?.eras ?? []).map((era) => ({ ...era, lookups: new Map(Object.entries(era.lookups)) }));
  return { topology, eras };
}

// biome-ignore lint/suspicious/noExplicitAny: JSON.parse's own type; both callers check or name what they read
async function readJson(path: string): Promise<any> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}
