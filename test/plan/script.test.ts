/** The printed script: golden text of the labs that come with Hoplab, quoting, and finding a failed step. */

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { type Plan, planLab } from "../../main/plan/plan.ts";
import { delimiterFor, quote } from "../../main/plan/quote.ts";
import { findFailedStep, printPlan } from "../../main/plan/script.ts";
import { netnsFile } from "../../preload/contract/topology.ts";

async function planOf(id: string): Promise<Plan> {
  const read = await readLab(fileURLToPath(new URL(`../../labs/${id}/lab.yaml`, import.meta.url)));
  if (!read.ok) throw new Error(read.fault.message);
  return planLab(layOutLab(read.value.lab));
}

describe.each([
  "bridge-arp",
  "calico-bgp",
  "calico-bgp-router",
  "calico-ipip",
  "calico-ipip-crosssubnet",
  "flannel-host-gw",
  "flannel-ipip",
  "flannel-nftables",
  "flannel-udp",
  "flannel-vxlan",
  "flannel-vxlan-directrouting",
])("the script of %s", (id) => {
  it("is the golden one, byte for byte", async () => {
    const file = fileURLToPath(new URL(`./golden/${id}.golden.txt`, import.meta.url));
    const script = printPlan(await planOf(id));
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, script);
    expect(script).toBe(readFileSync(file, "utf8"));
  });

  it("is a POSIX script, with and without progress", async () => {
    const plan = await planOf(id);
    for (const progress of [false, true]) {
      execFileSync("sh", ["-n"], { input: printPlan(plan, { progress }) });
    }
  });

  it("refuses to build in the machine's own namespaces", async () => {
    // Only what comes before the first batch: a broken guard must not harm the machine that tests it.
    const [guard = ""] = printPlan(await planOf(id)).split("# Get a place of our own");
    const script = `${guard}\necho builds`;
    const { status, stdout, stderr } = spawnSync("sh", ["-s"], { input: script, encoding: "utf8" });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("not in the machine's own namespaces");
  });

  it("reports every batch once, in order, and runs nothing behind the last", async () => {
    const plan = await planOf(id);
    const script = printPlan(plan, { progress: true });
    const steps = [...script.matchAll(/^echo hoplab:step (\d+)$/gm)].map(([, index]) => Number(index));
    expect(steps).toEqual(plan.batches.map((_, index) => index));
    expect(script.trimEnd().endsWith(`echo hoplab:step ${plan.batches.length - 1}`)).toBe(true);
  });

  it("has a why for every batch, and for every step that does something", async () => {
    for (const { why, steps } of (await planOf(id)).batches) {
      expect(why).toMatch(/^[A-Z].*\.$/);
      for (const step of steps) {
        if (!/^(\*\w+|:\S+ - \[0:0\]|COMMIT)$/.test(step.command))
          expect(step.why, step.command).toMatch(/^["0-9A-Za-z].*\.$/);
      }
    }
  });
});

it("a namespace's file has dots where its name has slashes", () => {
  expect(["node/node1", "net/lan", "h1"].map(netnsFile)).toEqual(["node.node1", "net.lan", "h1"]);
});

describe("quoting", () => {
  it("gives the shell exactly the word", () => {
    for (const word of [
      "plain",
      "two words",
      "it's",
      "$(reboot)",
      "`x`",
      "a\nb",
      '"',
      "\\",
      "",
      "*",
      "#no comment",
      "-n",
    ]) {
      expect(execFileSync("sh", ["-c", `printf %s ${quote(word)}x`], { encoding: "utf8" })).toBe(`${word}x`);
    }
  });

  it("a here-document never ends early", () => {
    const text = "EOF\nEOF_\n";
    const delimiter = delimiterFor(text);
    expect(execFileSync("sh", ["-c", `cat <<'${delimiter}'\n${text}${delimiter}`], { encoding: "utf8" })).toBe(text);
  });

  it("a file's content and a sysctl's value arrive unchanged whatever they hold", async () => {
    const topology = layOutLab(await labOf("bridge-arp"));
    const nasty = "EOF\n$HOME `x` 'q' \"d\" \\\nEOF_\n";
    topology.namespaces[0]!.files.push({ path: "/run/odd name/it's", content: nasty, why: "A test." });
    const batch = planLab(topology).batches.at(-1)!;
    const folder = execFileSync("mktemp", ["-d"], { encoding: "utf8" }).trim();
    const script = batch.steps.map(({ command }) => command.replaceAll("/run/hoplab", folder)).join("\n");
    execFileSync("sh", ["-eu"], { input: script });
    expect(readFileSync(`${folder}/files/switch/run/odd name/it's`, "utf8")).toBe(nasty);
    execFileSync("rm", ["-r", folder]);
  });
});

describe("finding the step that failed", () => {
  const plan: Plan = {
    lab: "x",
    batches: [
      {
        why: "Make links.",
        netns: "h1",
        tool: "ip",
        steps: [
          { command: "link add a", why: "First." },
          { command: "link add b", why: "Second." },
        ],
      },
      {
        why: "Write files.",
        tool: "sh",
        steps: [
          { command: "cat >a <<'EOF'\none\ntwo\nEOF", why: "Four lines." },
          { command: "false", why: "The fifth." },
        ],
      },
      {
        why: "Load rules.",
        netns: "h1",
        tool: "iptables-restore",
        steps: [
          { command: "*nat", why: "" },
          { command: "-A POSTROUTING -j X", why: "A rule." },
        ],
      },
    ],
  };

  it.each<[string, number, string, string, string]>([
    ["ip's line", 0, "RTNETLINK answers: File exists\nCommand failed -:2\n", "link add b", "Second."],
    ["dash's line", 1, "sh: 5: cannot create /x: Permission denied", "false", "The fifth."],
    ["bash's line", 1, "sh: line 3: /x: Permission denied", "cat >a <<'EOF'\none\ntwo\nEOF", "Four lines."],
    [
      "iptables-restore's line",
      2,
      "iptables-restore v1.8.9 (nf_tables): Couldn't load match\nError occurred at line: 2",
      "-A POSTROUTING -j X",
      "A rule.",
    ],
    [
      "iptables-restore's line, as its older version says it",
      2,
      "iptables-restore: line 2 failed",
      "-A POSTROUTING -j X",
      "A rule.",
    ],
    ["a line that only frames others", 2, "iptables-restore: line 1 failed", "*nat", "Load rules."],
    ["no line", 0, "sh: 12: ip: not found", "ip -n h1 -batch -", "Make links."],
    ["a line behind the end", 0, "Command failed -:99", "ip -n h1 -batch -", "Make links."],
  ])("by %s", (_, batch, stderr, command, why) => {
    expect(findFailedStep(plan, batch, stderr)).toEqual({ command, why });
  });

  it("in a batch that does not exist is a bug", () => {
    expect(() => findFailedStep(plan, 3, "")).toThrow(RangeError);
  });
});

async function labOf(id: string) {
  const read = await readLab(fileURLToPath(new URL(`../../labs/${id}/lab.yaml`, import.meta.url)));
  if (!read.ok) throw new Error(read.fault.message);
  return read.value.lab;
}
