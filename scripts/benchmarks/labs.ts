/**
 * How long every lab takes to come up, beside the least that its interfaces, addresses, routes, neighbours and FDB
 * entries cost: the `ip` and `bridge` batches of its plan alone. On this machine, or in the built-in VM where this
 * machine can't host the lab. Writes docs/bring-up.json, which docs/faithfulness.md is made with.
 */

import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { listLabs } from "../../main/lab/catalogue.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { type Plan, planLab } from "../../main/plan/plan.ts";
import { printPlan } from "../../main/plan/script.ts";
import { requireFeatures } from "../../main/target/probe.ts";
import { run } from "../../main/target/run.ts";
import type { Target } from "../../main/target/target.ts";
import { buildImage } from "../../main/vm/image.ts";
import { startVm } from "../../main/vm/start.ts";
import { deleteVm } from "../../main/vm/vm.ts";
import type { Result } from "../../preload/contract/result.ts";
import { BackendClient } from "../../test/netns/backend-client.ts";
import { bundledLab } from "../../test/netns/labs.ts";
import type { BringUp, BringUps } from "../bring-up.ts";
import type { Benchmark } from "./benchmark.ts";
import type { Figure } from "./figure.ts";
import { pause, ROOT } from "./program.ts";

const ROUNDS = 3;
/** The kernel takes namespaces apart in the background after the last process is gone. */
const CLEANUP_MS = 700;
const MOST_TIMES_THE_FLOOR = 5;

export const labs: Benchmark = {
  name: "labs",
  async run({ folder, say }) {
    await using client = await BackendClient.start({ dataDir: folder });
    const local = value(await client.backend.targets.use("local"));
    const measured: BringUp[] = [];
    try {
      const far: string[] = [];
      const add = async (target: Target, id: string) => {
        const one = await measure(client, target, id, planLab(layOutLab(await bundledLab(id))));
        measured.push(one);
        say(`${id} on ${one.target}: floor ${one.floor} ms, plan ${one.plan} ms, up ${one.up} ms`);
      };
      for (const { id, requires, compares } of await listLabs(join(ROOT, "labs"))) {
        if (compares) continue; // builds nothing itself
        if ((await requireFeatures(local, id, requires)).ok) await add(local, id);
        else far.push(id);
      }
      // The VM takes a processor of its own, so it comes last.
      for (const id of far) await add(await vmOf(client, folder), id);
    } finally {
      await deleteVm(folder);
    }
    const bringUps: BringUps = { machine: `${cpus().length} × ${cpus()[0]?.model ?? "?"}`, labs: measured };
    await writeFile(join(ROOT, "docs", "bring-up.json"), `${JSON.stringify(bringUps, null, 2)}\n`);
    return measured.map(figureOf);
  },
};

async function vmOf(client: BackendClient, folder: string): Promise<Target> {
  value(await buildImage(folder));
  value(await startVm(folder));
  return value(await client.backend.targets.use("vm"));
}

/** The least of several rounds each: what else runs on the machine only ever adds time. */
async function measure(client: BackendClient, target: Target, id: string, plan: Plan): Promise<BringUp> {
  const name = `bench-${process.pid}`;
  const floor = printPlan({ ...plan, batches: plan.batches.filter(isFloor) });
  const whole = printPlan(plan);
  const times = { floor: [] as number[], plan: [] as number[], up: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    times.floor.push(await timed(() => runScript(target, floor)));
    await pause(CLEANUP_MS);
    times.plan.push(await timed(() => runScript(target, whole)));
    await pause(CLEANUP_MS);
    times.up.push(await timed(() => client.call("lab.up", { lab: id, name, target: target.id })));
    await client.call("lab.down", { sandbox: name, target: target.id });
    await pause(CLEANUP_MS);
  }
  const least = (list: readonly number[]) => Math.round(Math.min(...list));
  return { lab: id, target: target.id, floor: least(times.floor), plan: least(times.plan), up: least(times.up) };
}

/** The first batch makes the place that all others need. The kernel's own tunl0 needs no making. */
function isFloor({ tool }: Plan["batches"][number], index: number): boolean {
  return index === 0 || tool === "ip" || tool === "bridge";
}

async function runScript(target: Target, script: string): Promise<void> {
  const flags = target.root ? "-mnpf" : "-Urmnpf";
  value(await run(target, ["unshare", flags, "--mount-proc", "sh", "-s", "true"], { input: script }));
}

function figureOf({ lab, target, floor, plan, up }: BringUp): Figure {
  return {
    name: `labs: up of ${lab} on ${target}`,
    measured: `${up} ms, ${(up / floor).toFixed(1)} × its ip batches (${floor} ms), ${(up / plan).toFixed(1)} × its plan`,
    target: `≤ ${MOST_TIMES_THE_FLOOR} ×`,
    met: up <= MOST_TIMES_THE_FLOOR * floor,
  };
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
