/**
 * Every fault of every lab that comes with Hoplab is injected into the lab while it is up, seen to break what it says, and
 * reverted; afterwards the kernel's state is what it was before. Root here goes through all of them; without root each
 * fault is injected into one of the labs that have it, and in the VM, which is slow, those that no lab outside of it has.
 * HOPLAB_VM=all injects there what its labs have.
 */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { faultsOf } from "../../main/fault/faults.ts";
import { findHolder } from "../../main/sandbox/list.ts";
import { openSandbox } from "../../main/sandbox/open-sandbox.ts";
import { resolveTraffic, sendTraffic } from "../../main/sandbox/traffic.ts";
import type { Target } from "../../main/target/target.ts";
import type { Traffic } from "../../preload/contract/lab.ts";
import type { LabChange } from "../../preload/contract/live.ts";
import type { Result } from "../../preload/contract/result.ts";
import { BackendClient } from "./backend-client.ts";
import { newTraces, readInSandbox, traces, until, Workplace } from "./hoplab.ts";
import { comparable, READ_STATE } from "./kernel-state.ts";
import { builder, isVmQuick, labsHere, labsOutside } from "./labs.ts";

const before = traces();
const place = new Workplace();
const where = process.env.HOPLAB_TARGET ?? "local";
const labs = await labsHere();
for (const { id, lacks } of labs) if (lacks) console.warn(`faults of ${id} are not injected here: ${lacks}`);

let client: BackendClient;
let target: Target;

beforeAll(async () => {
  client = await BackendClient.start({ dataDir: join(place.folder, "data"), target: where });
  target = value(await client.backend.targets.use(where));
});

afterAll(async () => {
  await client[Symbol.asyncDispose]();
  place[Symbol.dispose]();
  await until(
    () => newTraces(before),
    (left) => left.length === 0,
  );
});

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.fault.message}\n${result.fault.command?.stderr ?? ""}`);
  return result.value;
}

/** How many of what was sent got an answer. */
async function received(name: string, traffic: Traffic): Promise<number> {
  await using sandbox = value(await openSandbox(target, name));
  const way = value(resolveTraffic(sandbox.topology, traffic));
  return value(await sendTraffic(sandbox, way, traffic)).received;
}

async function stateOf(name: string): Promise<string[]> {
  const { pid } = value(await findHolder(target, name));
  return comparable(await readInSandbox(pid, READ_STATE));
}

const isThorough = builder === "root" && !process.env.HOPLAB_TEST_SSH;
const outside = isVmQuick ? await labsOutside() : [];
const seen = new Set(outside.flatMap(faultsOf).map(({ name }) => name));

for (const { id, lab, lacks } of labs) {
  const faults = faultsOf(lab).filter((fault) => isThorough || !seen.has(fault.name));
  if (!lacks) for (const fault of faults) seen.add(fault.name);
  if (faults.length === 0) continue;
  describe(`${id}${lacks ? ` (skipped: ${lacks})` : ""}`, { skip: lacks !== undefined }, () => {
    const name = `${place.prefix}${id}`;
    const change = (wanted: LabChange) => client.call("lab.change", { sandbox: name, change: wanted });
    /** The lab is up, with nothing that a test has left in it. */
    let isWhole = false;

    afterAll(async () => {
      await client.ask("lab.down", { sandbox: name });
    });

    it.each(faults.map((fault) => [fault.name, fault] as const))(
      "%s breaks what it says, and is reverted",
      async (_, fault) => {
        if (!isWhole) {
          await client.ask("lab.down", { sandbox: name });
          await client.call("lab.up", { lab: id, name });
        }
        isWhole = false;
        const { shows } = fault;
        expect(await received(name, shows), "before the fault").toBe(shows.count);
        const state = await stateOf(name);

        const broken = await change({ kind: "inject-fault", name: fault.name });
        expect(broken.faults.filter(({ injected }) => injected).map((one) => one.name)).toEqual([fault.name]);
        expect(await received(name, shows), "with the fault").toBeLessThan(shows.count);

        await change({ kind: "revert-fault", name: fault.name });
        expect(await received(name, shows), "after the fault").toBe(shows.count);
        expect(await stateOf(name)).toEqual(state);
        isWhole = true;
      },
    );
  });
}
