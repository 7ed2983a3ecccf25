/** Lab files that compare: what is refused, where, and what is said of the two labs. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findLab, summaryOf } from "../../main/lab/catalogue.ts";

const LABS = fileURLToPath(new URL("../../labs", import.meta.url));
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hoplab-comparison-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function problemsOf(text: string): Promise<string[]> {
  const file = join(folder, "lab.yaml");
  await writeFile(file, text);
  const found = await findLab(file, LABS);
  if (found.ok) return [];
  return (found.fault.problems ?? []).map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

const HEAD = "id: c\ntitle: { en: C }\n";

test("a comparison needs what both of its labs need, and stands with the first of them", async () => {
  await writeFile(join(folder, "lab.yaml"), `${HEAD}compare: { labs: [flannel-vxlan, calico-ipip] }\n`);
  const found = await findLab(folder, LABS);
  if (!found.ok) throw new Error(found.fault.message);
  expect(summaryOf(found.value)).toMatchObject({
    group: "flannel",
    compares: ["flannel-vxlan", "calico-ipip"],
    requires: expect.arrayContaining(["vxlan", "ipip", "ipset", "iptables"]),
  });
});

test("labs of one's own are named by their path from the file", async () => {
  await mkdir(join(folder, "own"), { recursive: true });
  const own = `id: own\ntitle: { en: Own }\nnamespaces: [{ name: a, interfaces: [] }, { name: b, interfaces: [] }]\n`;
  await writeFile(join(folder, "own", "lab.yaml"), own);
  expect(
    await problemsOf(
      `${HEAD}compare: { labs: [own, flannel-vxlan] }\ntraffic: [{ from: a, to: b }, { from: c, to: 10.0.0.1 }]\n`,
    ),
  ).toEqual([`4:39: traffic[1].from: found "c", which own does not have; allowed are a, b`]);
});

test.each([
  ["one lab", "compare: { labs: [flannel-vxlan] }\n", "3:18: compare.labs: found"],
  [
    "a lab that is not there",
    "compare: { labs: [flannel-vxlan, gone] }\n",
    '3:34: compare.labs[1]: there is no lab "gone"',
  ],
  [
    "a lab that is not there, beside a wrong shape,",
    "compare: { labs: [gone, flannel-vxlan] }\nnodes: 5\n",
    '3:19: compare.labs[0]: there is no lab "gone"',
    "4:8: nodes: found 5",
  ],
  [
    "a comparison of comparisons",
    "compare: { labs: [flannel-compare, flannel-vxlan] }\n",
    "3:19: compare.labs[0]: flannel-compare is a comparison itself",
  ],
  [
    "machines of its own",
    "compare: { labs: [flannel-vxlan, flannel-host-gw] }\nnamespaces: [{ name: a }]\n",
    "4:13: namespaces: a comparison builds nothing itself",
  ],
  [
    "a port for ICMP",
    "compare: { labs: [flannel-vxlan, flannel-host-gw] }\ntraffic: [{ from: a, to: b, port: 1 }]\n",
    "4:35: traffic[0].port: ICMP has no ports",
  ],
])("%s is refused at the place", async (_, text, ...problems) => {
  const found = await problemsOf(HEAD + text);
  expect(found.map((one, index) => one.slice(0, problems[index]?.length))).toEqual(problems);
});
