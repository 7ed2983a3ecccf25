/** `hoplab up` and `down` of 20 nodes and 200 pods, beside a script written by hand that builds the same objects. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { median, tellTimes } from "./figure.ts";
import { COUNT_SCRIPT, floorScript } from "./floor.ts";
import { largeLab } from "./large-lab.ts";
import { Background, hoplab, pause, run, takeDown } from "./program.ts";

const ROUNDS = 7;
/** The kernel takes namespaces apart in the background after the last process is gone. */
const CLEANUP_MS = 2500;

const root = process.getuid?.() === 0;
const UNSHARE = ["unshare", root ? "-mnpf" : "-Urmnpf", "--mount-proc", "sh"];

export const up: Benchmark = {
  name: "up",
  async run({ folder, bundle, say }) {
    const lab = join(folder, "lab.yaml");
    const script = join(folder, "floor.sh");
    const name = `bench-${process.pid}`;
    await writeFile(lab, largeLab());
    await writeFile(script, floorScript());
    const inProcess = await bundle("build-lab");

    const objects = await countObjects(folder, lab, script, name);
    say(`both build ${objects}`);

    const times: Record<"floor" | "up" | "down" | "upInside" | "downInside", number[]> = {
      floor: [],
      up: [],
      down: [],
      upInside: [],
      downInside: [],
    };
    for (let round = 0; round < ROUNDS; round++) {
      await pause(CLEANUP_MS);
      times.floor.push(await timeFloor(script));
      await pause(CLEANUP_MS);
      times.up.push((await hoplab(folder, "up", lab, "--name", name)).ms);
      times.down.push((await hoplab(folder, "down", name)).ms);
      await pause(CLEANUP_MS);
      const inside: { up: number; down: number } = JSON.parse(
        (await run([process.execPath, inProcess, lab, name, folder])).stdout,
      );
      times.upInside.push(inside.up);
      times.downInside.push(inside.down);
      say(
        `round ${round + 1}: by hand ${times.floor.at(-1)?.toFixed(0)} ms, up ${times.up.at(-1)?.toFixed(0)} ms (in-process ${inside.up.toFixed(0)}), down ${times.down.at(-1)?.toFixed(0)} ms (in-process ${inside.down.toFixed(0)})`,
      );
    }
    // Least against least: what else runs on the machine only ever adds time, to one of the two more than to the other.
    const floor = Math.min(...times.floor);
    const limit = 1.5 * floor + 300;
    const target = `min ≤ 1.5 × by hand + 300 ms = ${limit.toFixed(0)} ms`;
    const ratio = (list: readonly number[]) =>
      `${tellTimes(list)}; min ${(Math.min(...list) / floor).toFixed(2)} × by hand`;
    return [
      { name: "up: script by hand, 20 nodes, 200 pods", measured: tellTimes(times.floor) },
      { name: "up: hoplab up", measured: ratio(times.up), target, met: Math.min(...times.up) <= limit },
      { name: "up: without Node's start", measured: ratio(times.upInside) },
      { name: "up: hoplab down", measured: tellTimes(times.down), target: "≤ 300 ms", met: median(times.down) <= 300 },
      { name: "up: down without Node's start", measured: tellTimes(times.downInside) },
    ];
  },
};

/** Until the script's last line, where everything is there; taking it apart is not counted. */
async function timeFloor(script: string): Promise<number> {
  const began = performance.now();
  // `read` ends where this process does, and the namespaces with it.
  await using floor = new Background([...UNSHARE, script, "sh", "-c", "echo built; read end"], "SIGKILL");
  await floor.line(/^built$/);
  const ms = performance.now() - began;
  floor.child.stdin?.end();
  return ms;
}

/** What both build, object by object. Throws where they differ: the floor would be none. */
async function countObjects(folder: string, lab: string, script: string, name: string): Promise<string> {
  const count = join(folder, "count.sh");
  await writeFile(count, COUNT_SCRIPT);
  const floor = (await run([...UNSHARE, script, "sh", count])).stdout.trim();
  const { pid }: { pid: number } = JSON.parse((await hoplab(folder, "--json", "up", lab, "--name", name)).stdout);
  try {
    const user = root ? [] : ["--user", "--preserve-credentials"];
    const enter = ["nsenter", "--target", String(pid), ...user, "--mount", "--net", "--pid"];
    const built = (await run([...enter, "sh", count])).stdout.trim();
    if (built !== floor) throw new Error(`the floor builds other objects than up:\n  ${floor}\n  ${built}`);
    return built;
  } finally {
    await takeDown(folder, name);
  }
}
