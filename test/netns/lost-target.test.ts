import { readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Capture } from "../../preload/contract/calls.ts";
import { BackendClient } from "./backend-client.ts";
import { newTraces, type Traces, traces, until } from "./hoplab.ts";

const one = `test-${process.pid}-lost`;
let client: BackendClient;
let before: Traces;

beforeEach(async () => {
  before = traces();
  client = await BackendClient.start();
  await client.call("target.add", { kind: "command", name: "way", command: ["env"] });
});

afterEach(async () => {
  await client.ask("lab.down", { sandbox: one, target: "local" });
  await client[Symbol.asyncDispose]();
  await until(
    () => newTraces(before),
    (left) => left.length === 0,
  );
});

/** The hub that was started for the target: the perl that is this process's own child. */
function hubPid(): number {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const [, after = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
      const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      if (Number(after.split(" ")[1]) === process.pid && argv === "perl\0") return Number(pid);
    } catch {
      // ended meanwhile
    }
  }
  throw new Error("there is no hub");
}

async function captureOf(id: string): Promise<Capture | undefined> {
  return (await client.call("capture.list", {})).find((capture) => capture.id === id);
}

test("a capture whose target is lost goes on in the same file when it is back, with the gap marked", async () => {
  await client.call("lab.up", { lab: "bridge-arp", name: one, target: "way" });
  const traffic = { from: "h1", to: "h2" };
  const first = await client.call("traffic.send", { sandbox: one, target: "way", traffic });
  const old = hubPid();
  process.kill(old, "SIGKILL");
  const resumed = await until(
    () => captureOf(first.capture),
    (now) => now?.gaps[0]?.to !== undefined,
  );
  expect(resumed).toMatchObject({ running: true, target: "way", gaps: [{ why: expect.stringContaining("way") }] });
  expect(hubPid()).not.toBe(old);

  const second = await client.call("traffic.send", { sandbox: one, target: "way", traffic });
  expect(second.capture).toBe(first.capture);
  expect(second.received).toBe(1);
  const page = await client.call("packet.list", { capture: first.capture, first: 0, count: 100 });
  const requests = page.packets.filter(({ summary }) => summary.includes("echo request"));
  expect(requests.map(({ end, hops }) => ({ end, hops }))).toEqual([
    { end: "arrived", hops: 4 },
    { end: "arrived", hops: 4 },
  ]);
  const states = client.heard("targets.changed").map((list) => list.find(({ name }) => name === "way")?.state);
  expect(states).toContain("lost");
  expect((await client.target("way"))?.state).toBe("connected");
});

test("a lab that was taken down while its target was lost ends the capture, and says so", async () => {
  const up = await client.call("lab.up", { lab: "bridge-arp", name: one, target: "way" });
  const { id } = await client.call("capture.start", { sandbox: one, target: "way" });
  process.kill(up.pid, "SIGKILL");
  process.kill(hubPid(), "SIGKILL");
  const ended = await until(
    () => captureOf(id),
    (now) => now?.running === false,
  );
  expect(ended?.problem).toContain(one);
  expect(ended?.gaps.every((gap) => gap.to !== undefined)).toBe(true);
});

test("a hub that hears nothing any more is told from a quiet lab, and given up", async () => {
  await client.call("lab.up", { lab: "bridge-arp", name: one, target: "way" });
  const { id } = await client.call("capture.start", { sandbox: one, target: "way" });
  const stopped = hubPid();
  process.kill(stopped, "SIGSTOP");
  const stalled = await until(
    () => captureOf(id),
    (now) => now?.stalledSince !== undefined,
  );
  expect(stalled?.gaps).toEqual([]);
  const resumed = await until(
    () => captureOf(id),
    (now) => now?.gaps[0]?.to !== undefined,
    15,
  );
  expect(resumed?.gaps[0]?.why).toContain("nothing was heard");
  expect(resumed?.stalledSince).toBeUndefined();
  // Given up, it is ended too.
  expect(() => process.kill(stopped, 0)).toThrow("ESRCH");
});

test("a target that a person disconnects ends its captures; its labs stay", async () => {
  await client.call("lab.up", { lab: "bridge-arp", name: one, target: "way" });
  const { id } = await client.call("capture.start", { sandbox: one, target: "way" });
  await client.call("target.disconnect", { target: "way" });
  expect(await captureOf(id)).toMatchObject({ running: false, gaps: [] });
  expect((await client.target("way"))?.state).toBe("idle");
  const listed = await client.call("sandbox.list", { target: "way" });
  expect(listed.map(({ name }) => name)).toContain(one);
});

test("this machine can be tested as any other target, without a connection", async () => {
  const tested = await client.call("target.test", { target: "local" });
  expect(tested.ok).toBe(true);
  expect(tested.steps.map(({ step }) => step)).toEqual(["privileges", "programs", "kernel"]);
});

test("an interface whose tcpdump ended by itself is named, and captured again when it is asked for", async () => {
  const up = await client.call("lab.up", { lab: "bridge-arp", name: one, target: "local" });
  const { id } = await client.call("capture.start", { sandbox: one, target: "local" });
  for (const pid of tcpdumps("eth0", up.pid)) process.kill(pid, "SIGKILL");
  const capture = await until(
    () => captureOf(id),
    (now) => now?.failed?.length === 3,
  );
  expect(capture?.interfaces).toHaveLength(4);
  await client.call("capture.start", { sandbox: one, target: "local" });
  const again = await captureOf(id);
  expect(again?.interfaces).toHaveLength(7);
  expect(again?.failed).toBeUndefined();
});

/** The tcpdumps on that interface in the sandbox, as this namespace numbers them. */
function tcpdumps(name: string, sandbox: number): number[] {
  const pids = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid));
  return pids.map(Number).filter((pid) => {
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const inside = /NSpid:\s+\d+\s+\d+/.test(status);
      return inside && argv[0] === "tcpdump" && argv[2] === name && pid !== sandbox;
    } catch {
      return false; // ended meanwhile
    }
  });
}
