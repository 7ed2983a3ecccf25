/** How long a second `scripts/start` takes until it prints its address, and how fast the command line answers. */

import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { median, tellTimes } from "./figure.ts";
import { Background, CLI, ROOT, run } from "./program.ts";

const ROUNDS = 5;
const TARGET_MS = 3000;

export const start: Benchmark = {
  name: "start",
  async run({ folder, say }) {
    const times: number[] = [];
    const help: number[] = [];
    const node: number[] = [];
    // The first start, which installs and builds what is missing, is not counted.
    await timeToUrl(folder);
    for (let round = 0; round < ROUNDS; round++) {
      times.push(await timeToUrl(folder));
      say(`round ${round + 1}: ${times.at(-1)?.toFixed(0)} ms`);
      help.push((await run([process.execPath, CLI, "--help"])).ms);
      node.push((await run([process.execPath, "--eval", ""])).ms);
    }
    return [
      {
        name: "start: scripts/start --browser, second time, to its address",
        measured: tellTimes(times),
        target: `< ${TARGET_MS} ms`,
        met: median(times) < TARGET_MS,
      },
      { name: "start: hoplab --help", measured: tellTimes(help) },
      { name: "start: node that does nothing", measured: tellTimes(node) },
    ];
  },
};

async function timeToUrl(dataDir: string): Promise<number> {
  const began = performance.now();
  await using started = new Background([join(ROOT, "scripts", "start"), "--browser"], "SIGINT", {
    HOPLAB_DATA: dataDir,
  });
  await started.line(/http:\/\/\S+\?token=\S+/);
  return performance.now() - began;
}
