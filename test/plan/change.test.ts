/** From one topology to another: only what differs, in an order that works, and with a way back from anywhere. */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { listLabs } from "../../main/lab/catalogue.ts";
import { readLab } from "../../main/lab/read.ts";
import { applyChange } from "../../main/live/change.ts";
import { describeLive } from "../../main/live/describe.ts";
import type { Live } from "../../main/live/live.ts";
import { startLive } from "../../main/live/start.ts";
import { topologyOf } from "../../main/live/topology.ts";
import { planChange } from "../../main/plan/change.ts";
import { type Plan, planLab } from "../../main/plan/plan.ts";
import { printChange, printPlan } from "../../main/plan/script.ts";
import type { LabChange } from "../../preload/contract/live.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { ModelKernel } from "./model-kernel.ts";

const LABS = fileURLToPath(new URL("../../labs", import.meta.url));

async function readLive(file: string): Promise<Live> {
  const read = await readLab(file);
  if (!read.ok) throw new Error(read.fault.message);
  return startLive(read.value.lab);
}

const labs = await Promise.all((await listLabs(LABS)).map(({ file }) => readLive(file)));
const clusters = labs.filter(({ lab }) => lab.nodes.length > 1);
const lab = (id: string) => labs.find((live) => live.lab.id === id)!;

function after(live: Live, ...changes: LabChange[]): Live {
  return changes.reduce((now, change) => {
    const changed = applyChange(now, change);
    if (!changed.ok) throw new Error(changed.fault.message);
    return changed.value;
  }, live);
}

/** One of the changes that the lab allows, chosen by numbers. */
function someChange(live: Live, [first = 0, second = 0]: number[]): Live {
  const { nodes, faults } = describeLive(live);
  const offers: LabChange[] = [
    ...["x1", "x2", "x3"].map((name) => ({ kind: "add-node" as const, name })),
    ...nodes.flatMap(({ name, address }): LabChange[] => [
      { kind: "remove-node", name },
      { kind: "move-node", name, address: address.replace(/\d+$/, String(200 + (second % 40))) },
      { kind: "stop-agent", name },
      { kind: "start-agent", name },
    ]),
    ...faults.flatMap(({ name }): LabChange[] => [
      { kind: "inject-fault", name },
      { kind: "revert-fault", name },
    ]),
  ];
  const allowed = offers.flatMap((change) => {
    const changed = applyChange(live, change);
    return changed.ok ? [changed.value] : [];
  });
  return allowed[first % allowed.length] ?? live;
}

const walk = fc.record({
  cluster: fc.constantFrom(...clusters),
  changes: fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 5 }),
});

/** Two states of one lab: somewhere on a walk of changes, and some changes later. */
function walked(cluster: Live, changes: number[][]): Topology[] {
  const lives = [cluster];
  for (const change of changes) lives.push(someChange(lives.at(-1)!, change));
  return lives.map(topologyOf);
}

function built(topology: Topology): ModelKernel {
  const kernel = new ModelKernel();
  kernel.run(planLab(topology));
  return kernel;
}

function stepsOf(plan: Plan): number {
  return plan.batches.reduce((sum, { steps }) => sum + steps.length, 0);
}

describe("the plan of a change", () => {
  it.each(labs.map((live) => [live.lab.id, live] as const))("%s has nothing to do where nothing changes", (_, live) => {
    const topology = topologyOf(live);
    const read: Topology = JSON.parse(JSON.stringify(topology));
    expect(planChange(read, topology).batches).toEqual([]);
  });

  it("ends in what would be built at once, and leads back to what was there before", () => {
    fc.assert(
      fc.property(walk, ({ cluster, changes }) => {
        const topologies = walked(cluster, changes);
        const [first, last] = [topologies[0]!, topologies.at(-1)!];
        const kernel = built(first);
        for (const [index, topology] of topologies.entries()) {
          kernel.run(planChange(topologies[Math.max(0, index - 1)]!, topology));
          expect(kernel.state()).toEqual(built(topology).state());
        }
        kernel.run(planChange(last, first));
        expect(kernel.state()).toEqual(built(first).state());
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it("leads back from wherever it was broken off", () => {
    fc.assert(
      fc.property(walk, fc.double({ min: 0, max: 1, noNaN: true }), ({ cluster, changes }, share) => {
        const topologies = walked(cluster, changes);
        const [first, last] = [topologies[0]!, topologies.at(-1)!];
        const kernel = built(first);
        const plan = planChange(first, last);
        kernel.run(plan, Math.floor(share * stepsOf(plan)));
        kernel.run(planChange(last, first, { leftovers: true }));
        expect(kernel.state()).toEqual(built(first).state());
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it.each([
    ["join", lab("flannel-vxlan"), { kind: "add-node", name: "node4" }],
    ["leave", lab("flannel-vxlan"), { kind: "remove-node", name: "node3" }],
    ["move", lab("flannel-vxlan"), { kind: "move-node", name: "node2", address: "192.168.32.200" }],
    ["calico-join", lab("calico-ipip"), { kind: "add-node", name: "node4" }],
    ["fault", lab("flannel-vxlan"), { kind: "inject-fault", name: "forward-policy-drop" }],
  ] as const)("%s is the golden one, byte for byte", (name, live, change) => {
    const plan = planChange(topologyOf(live), topologyOf(after(live, change)));
    const file = fileURLToPath(new URL(`./golden/change-${name}.golden.txt`, import.meta.url));
    const text = printPlan(plan).split("\nfi\n\n").slice(1).join("").split("# The lab is up.")[0] ?? "";
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, "utf8"));
  });

  it("is a POSIX program that says how far it is, and what became of it", () => {
    const [before, now] = [
      topologyOf(lab("flannel-vxlan")),
      topologyOf(after(lab("flannel-vxlan"), { kind: "add-node", name: "n" })),
    ];
    const plan = planChange(before, now);
    const undo = planChange(now, before, { leftovers: true });
    const script = printChange(plan, undo, { begin: "true", done: "true", back: "true" });
    execFileSync("sh", ["-n"], { input: script });
    const steps = [...script.matchAll(/^echo hoplab:step (\d+)$/gm)].map(([, index]) => Number(index));
    expect(steps).toEqual(plan.batches.map((_, index) => index));
    expect(script.trimEnd().endsWith("echo hoplab:done")).toBe(true);
  });
});

describe("a program that changes a lab", () => {
  const plan = (...commands: string[]): Plan => ({
    lab: "any",
    batches: commands.map((command) => ({ why: "Any.", tool: "sh", steps: [{ command, why: "Any." }] })),
  });
  const run = (change: Plan, undo: Plan) => {
    const script = printChange(change, undo, { begin: "echo begin", done: "echo settle", back: "echo unsettle" });
    try {
      return execFileSync("sh", ["-s"], { input: script, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] }).split(
        "\n",
      );
    } catch (error) {
      return String((error as { stdout: string }).stdout).split("\n");
    }
  };

  it("runs batch after batch", () => {
    expect(run(plan("echo one", "echo two"), plan("echo back"))).toEqual([
      "begin",
      "one",
      "hoplab:step 0",
      "two",
      "hoplab:step 1",
      "settle",
      "hoplab:done",
      "",
    ]);
  });

  it("goes back where one fails", () => {
    expect(run(plan("echo one", "exit 3", "echo three"), plan("echo back"))).toEqual([
      "begin",
      "one",
      "hoplab:step 0",
      "hoplab:failed 1 3",
      "back",
      "unsettle",
      "hoplab:undone",
      "",
    ]);
  });

  it("says where it can't go back", () => {
    expect(run(plan("exit 3"), plan("echo back", "exit 4", "echo never"))).toEqual([
      "begin",
      "hoplab:failed 0 3",
      "back",
      "hoplab:stuck 1 4",
      "",
    ]);
  });
});
