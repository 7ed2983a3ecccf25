/**
 * The built-in VM: how long it takes until its sshd answers, booted and resumed, and how long a lab takes to come up in it
 * beside the same plan run there by hand. Its image is built first where there is none.
 */

import { readLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { planLab } from "../../main/plan/plan.ts";
import { printPlan } from "../../main/plan/script.ts";
import { run } from "../../main/target/run.ts";
import type { Target } from "../../main/target/target.ts";
import { buildImage } from "../../main/vm/image.ts";
import { startVm } from "../../main/vm/start.ts";
import { deleteVm, stopVm } from "../../main/vm/vm.ts";
import type { Result } from "../../preload/contract/result.ts";
import { BackendClient } from "../../test/netns/backend-client.ts";
import type { Benchmark } from "./benchmark.ts";
import { type Figure, tellTimes } from "./figure.ts";

const ROUNDS = 3;
const MOST_BOOT_S = 35;
const MOST_RESUME_S = 3;
const LAB = "flannel-vxlan";
const MOST_ROUND_TRIPS = 5;

export const vm: Benchmark = {
  name: "vm",
  async run({ folder, say }) {
    value(await buildImage(folder, { onProgress: ({ why }) => say(why) }));
    try {
      return [...(await starting(folder, say)), ...(await comingUp(folder, say))];
    } finally {
      await deleteVm(folder);
    }
  },
};

async function starting(folder: string, say: (text: string) => void): Promise<Figure[]> {
  const times: Record<"booted" | "resumed" | "found", number[]> = { booted: [], resumed: [], found: [] };
  let accelerator = "";
  for (let round = 0; round < ROUNDS; round++) {
    await deleteVm(folder);
    for (const _ of ["boot", "resume"]) {
      const started = value(await startVm(folder));
      accelerator = started.accelerator;
      times[started.how].push(started.seconds);
      say(
        `${started.how} with ${accelerator} in ${started.seconds.toFixed(1)} s, clock ${started.clockOffsetMs} ms off`,
      );
      await stopVm(folder);
    }
  }
  const tell = (list: readonly number[]) => list.map((seconds) => `${seconds.toFixed(1)} s`).join(", ");
  return [
    {
      name: `vm: first start (${accelerator}) until SSH answers`,
      measured: tell(times.booted),
      target: `≤ ${MOST_BOOT_S} s`,
      met: Math.min(...times.booted) <= MOST_BOOT_S,
    },
    {
      name: "vm: later start until SSH answers",
      measured: tell(times.resumed),
      target: `≤ ${MOST_RESUME_S} s`,
      met: Math.min(...times.resumed) <= MOST_RESUME_S,
    },
  ];
}

async function comingUp(folder: string, say: (text: string) => void): Promise<Figure[]> {
  value(await startVm(folder));
  await using client = await BackendClient.start({ dataDir: folder });
  const target = value(await client.backend.targets.use("vm"));
  const script = printPlan(planLab(layOutLab(value(await readLab(`labs/${LAB}/lab.yaml`)).lab)));
  const times = { hand: [] as number[], up: [] as number[], trip: [] as number[] };
  for (let round = 0; round <= ROUNDS; round++) {
    const hand = await timed(() => runScript(target, script));
    const up = await timed(() => client.call("lab.up", { lab: LAB, target: "vm" }));
    await client.call("lab.down", { sandbox: LAB, target: "vm" });
    const trip = await timed(() => runScript(target, "true"));
    say(`by hand ${hand.toFixed(0)} ms, up ${up.toFixed(0)} ms, an empty script ${trip.toFixed(0)} ms`);
    if (round === 0) continue; // modules are loaded and programs read for the first time
    times.hand.push(hand);
    times.up.push(up);
    times.trip.push(trip);
  }
  const over = Math.min(...times.up) - Math.min(...times.hand);
  const most = MOST_ROUND_TRIPS * Math.min(...times.trip);
  return [
    { name: `vm: the plan of ${LAB} run there by hand`, measured: tellTimes(times.hand) },
    {
      name: "vm: up of the same lab over SSH",
      measured: `${tellTimes(times.up)}, ${over.toFixed(0)} ms more (an empty script there and back: ${tellTimes(times.trip)})`,
      target: `by hand and ${MOST_ROUND_TRIPS} round trips of an empty script, ${most.toFixed(0)} ms`,
      met: over <= most,
    },
  ];
}

async function runScript(target: Target, script: string): Promise<void> {
  value(await run(target, ["unshare", "-mnpf", "--mount-proc", "sh", "-s", "true"], { input: script }));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.fault.message}\n${result.fault.command?.stderr ?? ""}`);
  return result.value;
}
