/** Runs the named benchmarks, or all, one after the other, and prints a table of what they measured. */

import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { bundle } from "./bundle.ts";
import { type Figure, printFigures } from "./figure.ts";
import { fps } from "./fps.ts";
import { journeys } from "./journeys.ts";
import { labs } from "./labs.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { ssh } from "./ssh.ts";
import { start } from "./start.ts";
import { udp } from "./udp.ts";
import { up } from "./up.ts";
import { vm } from "./vm.ts";

const ALL: readonly Benchmark[] = [up, labs, journeys, memory, latency, start, fps, ssh, vm, udp];

const names = process.argv.slice(2);
const unknown = names.filter((name) => !ALL.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(", ")}; there are ${ALL.map(({ name }) => name).join(", ")}.`);
  process.exit(2);
}

const say = (text: string) => process.stderr.write(`${text}\n`);
const folder = await mkdtemp(join(tmpdir(), "hoplab-bench-"));
const figures: Figure[] = [];
try {
  for (const { name, run } of ALL.filter((benchmark) => names.length === 0 || names.includes(benchmark.name))) {
    say(`${name} (load ${loadavg()[0]?.toFixed(1)})`);
    try {
      const place = {
        folder: await mkdtemp(join(folder, `${name}-`)),
        bundle: (program: string) => bundle(program, folder),
        say: (text: string) => say(`  ${text}`),
      };
      figures.push(...(await run(place)));
      await rm(place.folder, { recursive: true });
    } catch (error) {
      console.error(error);
      figures.push({ name, measured: "could not be measured, see above" });
      process.exitCode = 1;
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
const model = cpus()[0]?.model ?? "unknown processor";
console.log(`${cpus().length} × ${model}, Node ${process.version}\n\n${printFigures(figures)}`);
