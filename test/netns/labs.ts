/**
 * The labs that come with Hoplab, for tests that go through all of them, and what keeps each from being built here. Those
 * that this machine can't host are built by the same tests in the embedded VM (test/vm/in-vm.ts).
 */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { listLabs } from "../../main/lab/catalogue.ts";
import { readLab } from "../../main/lab/read.ts";
import type { Lab } from "../../main/lab/schema.ts";
import { chooseLocalTarget } from "../../main/target/choose-target.ts";
import { requireFeatures } from "../../main/target/probe.ts";
import type { Who } from "./build.ts";
import { isRootThere } from "./there.ts";

const LABS_DIR = fileURLToPath(new URL("../../labs", import.meta.url));

export interface LabHere {
  id: string;
  lab: Lab;
  /** Why it can't be built here; undefined where it can. */
  lacks?: string;
}

export interface GuideHere {
  id: string;
  guide: string;
  /** Of a comparison: the two labs. */
  compares?: readonly [string, string];
  /** As of a lab. */
  lacks?: string;
}

/** Who builds them: root where the tests are root's, else the user that they run as. */
export const builder: Who = isRootThere ? "root" : "user";

/** In the VM all takes ten times as long: what is seen outside too is left out there, except with HOPLAB_VM=all. */
export const isVmQuick = process.env.HOPLAB_TEST_SSH !== undefined && process.env.HOPLAB_VM !== "all";

/** All of them here; in the VM those that the machine around it can't host, which $HOPLAB_LABS names. */
export async function labsHere(): Promise<LabHere[]> {
  const labs: LabHere[] = [];
  for (const { compares, ...here } of await allHere()) {
    // A comparison builds nothing itself.
    if (!compares) labs.push({ ...here, lab: await bundledLab(here.id) });
  }
  return labs;
}

/** Their English guides, and those of the comparisons of two of them. */
export async function guidesHere(): Promise<GuideHere[]> {
  const all = await allHere();
  const read = ({ id }: { id: string }) => readFile(`${LABS_DIR}/${id}/guide.en.md`, "utf8");
  return Promise.all(all.map(async (here) => ({ ...here, guide: await read(here) })));
}

/** In the VM: those that are built outside of it. */
export async function labsOutside(): Promise<Lab[]> {
  const inside = process.env.HOPLAB_LABS?.split(",") ?? [];
  const all = await listLabs(LABS_DIR);
  return Promise.all(all.flatMap(({ id, compares }) => (compares || inside.includes(id) ? [] : bundledLab(id))));
}

async function allHere(): Promise<Omit<GuideHere, "guide">[]> {
  const wanted = process.env.HOPLAB_LABS?.split(",");
  const target = process.env.HOPLAB_TEST_SSH ? undefined : await chooseLocalTarget(undefined);
  if (target && !target.ok) throw new Error(target.fault.message);
  const all: Omit<GuideHere, "guide">[] = [];
  for (const { id, requires, compares } of await listLabs(LABS_DIR)) {
    if (wanted && ![id, ...(compares ?? [])].some((one) => wanted.includes(one))) continue;
    const fit = target ? await requireFeatures(target.value, id, requires) : undefined;
    const lacks = fit && !fit.ok ? { lacks: `${fit.fault.message}; it is built in the VM` } : {};
    all.push({ id, ...(compares ? { compares } : {}), ...lacks });
  }
  return all;
}

/** A lab that comes with Hoplab. Throws where it is not there or not valid. */
export async function bundledLab(id: string): Promise<Lab> {
  const read = await readLab(`${LABS_DIR}/${id}/lab.yaml`);
  if (!read.ok) throw new Error(read.fault.message);
  return read.value.lab;
}
