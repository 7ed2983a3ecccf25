/** The most memory that a process takes to read a capture of ten million frames. */

import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { flannelTopology, writePcapng } from "./capture-file.ts";
import type { ReadCapture } from "./journeys.ts";
import { run } from "./program.ts";

const FRAMES = 10_000_008;

export const memory: Benchmark = {
  name: "memory",
  async run({ folder, bundle, say }) {
    const topology = await flannelTopology();
    const topologyFile = join(folder, "topology.json");
    const file = join(folder, "all.pcapng");
    await writeFile(topologyFile, JSON.stringify(topology));
    writePcapng(file, topology, FRAMES);
    say(`${FRAMES} frames, ${((await stat(file)).size / 1e9).toFixed(2)} GB`);
    const { stdout } = await run([process.execPath, await bundle("read-capture"), file, topologyFile]);
    const read: ReadCapture = JSON.parse(stdout);
    if (read.frames !== FRAMES || read.packets !== FRAMES / 12) {
      throw new Error(`${read.frames} frames became ${read.packets} packets: ${FRAMES / 12} were sent`);
    }
    const peak = read.peak / 1024;
    return [
      {
        name: "memory: peak for 10 M frames",
        measured: `${peak.toFixed(0)} MiB (in ${(read.ms / 1000).toFixed(0)} s: ${((read.frames / read.ms) * 1000).toFixed(0)} frames/s)`,
        target: "≤ 1024 MiB",
        met: peak <= 1024,
      },
    ];
  },
};
