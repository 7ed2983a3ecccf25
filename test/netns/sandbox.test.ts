import { spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, expect, test } from "vitest";
import { readLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { endHolder, type Holder, listHolders } from "../../main/sandbox/list.ts";
import { startSandbox } from "../../main/sandbox/start.ts";
import { LocalTarget } from "../../main/target/local-target.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { CLI, finish, inSandbox, newTraces, type Traces, traces, until, untilSaid, Workplace } from "./hoplab.ts";

const place = new Workplace();
const one = `${place.prefix}one`;
const two = `${place.prefix}two`;
const target = new LocalTarget();
let before: Traces;

beforeEach(() => {
  before = traces();
});

afterAll(() => place[Symbol.dispose]());

/** Nothing of this file's labs is on the machine: no process, no namespace, no mount. */
async function nothingIsLeft(): Promise<void> {
  await until(
    () => newTraces(before),
    (left) => left.length === 0,
  );
  expect(await ownHolders()).toEqual([]);
}

async function ownHolders(): Promise<Holder[]> {
  const listed = await listHolders(target);
  return listed.ok ? listed.value.filter((holder) => holder.name.startsWith(place.prefix)) : [];
}

/** What `hoplab ps` lists of this file's. */
async function listed(): Promise<{ name: string; pid: number; namespaces: string[] }[]> {
  return (await place.json("ps")).filter((sandbox: { name: string }) => sandbox.name.startsWith(place.prefix));
}

async function topologyOf(id: string): Promise<Topology> {
  const lab = await readLab(fileURLToPath(new URL(`../../labs/${id}/lab.yaml`, import.meta.url)));
  if (!lab.ok) throw new Error(lab.fault.message);
  return layOutLab(lab.value.lab);
}

test("a lab lives on when the command ends, is listed, can be entered, and leaves nothing when it is taken down", async () => {
  const up = await place.json("up", "flannel-vxlan", "--name", one);
  expect(up).toMatchObject({ name: one, rootless: process.getuid?.() !== 0 });
  const [sandbox] = await listed();
  expect(sandbox).toMatchObject({ name: one, pid: up.pid });
  expect(sandbox?.namespaces).toContain("pod/e");
  const inside = await place.hoplab("exec", one, "pod/a", "--", "ip", "-o", "addr", "show", "eth0");
  expect(inside.stdout).toContain("inet 10.244.0.2/24");
  const file = await place.hoplab("exec", one, "node/node2", "--", "cat", "/run/flannel/subnet.env");
  expect(file.stdout).toContain("FLANNEL_SUBNET=10.244.1.1/24");
  const state = await place.json("state", one, "node1");
  expect(state.parts.find((part: { name: string }) => part.name === "fdb").text).toContain(
    "dst 192.168.32.128 self permanent",
  );
  expect((await place.hoplab("down", one)).code).toBe(0);
  expect(await listed()).toEqual([]);
  await nothingIsLeft();
});

test("two copies of one lab run side by side and don't meet", async () => {
  await place.json("up", "bridge-arp", "--name", one);
  await place.json("up", "bridge-arp", "--name", two);
  expect((await listed()).map((sandbox) => sandbox.name)).toEqual([one, two]);
  await place.hoplab("exec", one, "h1", "--", "ip", "link", "set", "eth0", "down");
  const other = await place.hoplab("exec", two, "h1", "--", "ip", "-o", "link", "show", "eth0");
  expect(other.stdout).toContain("state UP");
  expect((await place.hoplab("down", one)).code).toBe(0);
  expect(await listed()).toHaveLength(1);
  expect((await place.hoplab("down", two)).code).toBe(0);
  await nothingIsLeft();
});

test("a second lab of the same name is refused and the first one stays", async () => {
  await place.json("up", "bridge-arp", "--name", one);
  const again = await place.hoplab("up", "bridge-arp", "--name", one);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain("already up");
  expect(again.stderr).toContain("--name");
  expect(await listed()).toHaveLength(1);
  await place.hoplab("down", one);
  await nothingIsLeft();
});

test("of two clients that bring up one name at once, one gets the lab and the other is refused", async () => {
  const ran = await Promise.all([
    place.hoplab("up", "bridge-arp", "--name", one),
    place.hoplab("up", "bridge-arp", "--name", one),
  ]);
  expect(ran.map((one) => one.code).sort()).toEqual([0, 1]);
  expect(await listed()).toHaveLength(1);
  await place.hoplab("down", one);
  await nothingIsLeft();
});

test("a lab whose build fails half-way is removed, and the fault names the step, its why, exit code and stderr", async () => {
  const topology = await topologyOf("flannel-vxlan");
  const node = topology.namespaces.find((namespace) => namespace.name === "node/node2");
  node?.routes.push({ to: "203.0.113.0/24", via: "198.51.100.1", why: "A gateway that no interface can reach." });
  const started = await startSandbox(target, one, topology);
  expect(started.ok).toBe(false);
  if (started.ok) return;
  expect(started.fault.code).toBe("command-failed");
  expect(started.fault.command?.argv.join(" ")).toContain("203.0.113.0/24 via 198.51.100.1");
  expect(started.fault.command?.why).toBe("A gateway that no interface can reach.");
  expect(started.fault.command?.exitCode).toBeGreaterThan(0);
  expect(started.fault.command?.stderr).toContain("Nexthop");
  await nothingIsLeft();
});

test("a build that is cancelled leaves nothing", async () => {
  const controller = new AbortController();
  const topology = await topologyOf("flannel-vxlan");
  const started = await startSandbox(target, one, topology, {
    signal: controller.signal,
    onProgress: ({ done }) => {
      if (done === 5) controller.abort();
    },
  });
  expect(started).toMatchObject({ ok: false, fault: { code: "cancelled" } });
  await nothingIsLeft();
});

test("kill -9 of the client at any moment leaves a whole lab or nothing", async () => {
  const seen = new Set<string>();
  for (let delay = 0; delay <= 400; delay += 25) {
    const client = place.start("up", "flannel-vxlan", "--name", one);
    const ended = finish(client);
    await new Promise((resolve) => setTimeout(resolve, delay)); // the moment to kill at is what is varied here
    client.kill("SIGKILL");
    await ended;
    // What is still being built either becomes whole or goes.
    const holders = await until(ownHolders, (list) => list.every((holder) => holder.sandbox !== undefined));
    seen.add(holders.length === 0 ? "nothing" : "whole");
    for (const holder of holders) {
      const ping = inSandbox(holder.pid, "ip", "netns", "exec", "pod.a", "ping", "-c", "1", "-W", "1", "10.244.1.2");
      expect(ping).toContain("1 received");
      expect((await place.hoplab("down", one)).code).toBe(0);
    }
    await nothingIsLeft();
  }
  expect([...seen]).toContain("nothing");
}, 120_000);

test("kill -9 of a client that captures and sends leaves the lab whole and no tcpdump", async () => {
  await place.json("up", "flannel-vxlan", "--name", one);
  const client = place.start("send", one, "--from", "a", "--to", "c", "--count", "500");
  const ended = finish(client);
  await until(
    () => newTraces(before).filter((trace) => trace.includes(": tcpdump")),
    (tcpdumps) => tcpdumps.length >= 40,
  );
  client.kill("SIGKILL");
  await ended;
  await until(
    () => newTraces(before),
    (left) => !left.some((trace) => trace.includes(": tcpdump")),
  );
  expect(await listed()).toHaveLength(1);
  const [capture] = spawnSync("find", [place.folder, "-name", "capture.pcapng"], { encoding: "utf8" })
    .stdout.trim()
    .split("\n");
  const read = spawnSync("tshark", ["-r", capture ?? "", "-T", "fields", "-e", "frame.interface_name"], {
    encoding: "utf8",
  });
  expect(read.status).toBe(0);
  await place.hoplab("down", one);
  await nothingIsLeft();
});

test("kill -9 of a server in the middle of a capture leaves the lab whole and no tcpdump", async () => {
  const file = join(place.folder, "served.yaml");
  writeFileSync(
    file,
    `id: ${one}
title: { en: Served }
namespaces:
  - { name: h1, interfaces: [{ name: eth0, addresses: [10.1.1.1/24] }] }
  - { name: h2, interfaces: [{ name: eth0, addresses: [10.1.1.2/24] }] }
links: [[h1/eth0, h2/eth0]]
`,
  );
  const server = place.start("serve", "--open-lab", file);
  const ended = finish(server);
  await until(
    () => newTraces(before).filter((trace) => trace.includes(": tcpdump")),
    (tcpdumps) => tcpdumps.length === 4,
  );
  server.kill("SIGKILL");
  await ended;
  await until(
    () => newTraces(before),
    (left) => !left.some((trace) => trace.includes(": tcpdump")),
  );
  expect((await listed()).map((sandbox) => sandbox.name)).toEqual([one]);
  const again = await place.json("send", one, "--from", "h2", "--to", "h1");
  expect(again).toMatchObject({ sent: 1, received: 1 });
  await place.hoplab("down", one);
  await nothingIsLeft();
});

test("Ctrl-C of a server takes down the lab that it brought up, and says so", async () => {
  const file = join(place.folder, "served.yaml");
  const server = place.start("serve", "--open-lab", file);
  let output = "";
  for (const stream of [server.stdout, server.stderr]) {
    stream?.on("data", (text) => {
      output += text;
    });
  }
  await until(
    () => output,
    (text) => text.includes("token="),
  );
  const code = new Promise((resolve) => server.on("exit", resolve));
  server.kill("SIGINT");
  expect(await code).toBe(0);
  expect(output).toContain(`Ended: the server and the lab ${one}`);
  await nothingIsLeft();
});

test("a filter that tcpdump does not understand is refused at once, and no capture is left", async () => {
  await place.json("up", "bridge-arp", "--name", one);
  const file = join(place.folder, "never.pcapng");
  const ran = await place.hoplab("capture", one, "-w", file, "--filter", "no such filter");
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain("does not understand the filter");
  expect(existsSync(file)).toBe(false);
  await until(
    () => newTraces(before),
    (left) => !left.some((trace) => trace.includes(": tcpdump")),
  );
  await place.hoplab("down", one);
  await nothingIsLeft();
});

test("a capture of some interfaces, with a filter, holds only their packets", async () => {
  await place.json("up", "bridge-arp", "--name", one);
  const file = join(place.folder, "some capture.pcapng");
  const names = "h1/eth0,switch/port2";
  const capture = place.start("capture", one, "-w", file, "--interfaces", names, "--filter", "icmp", "--json");
  const ended = finish(capture);
  await untilSaid(capture, "Capturing on 2 interfaces");
  await place.hoplab("exec", one, "h1", "--", "ping", "-c", "1", "10.0.0.2");
  const argv = ["-r", file, "-T", "fields", "-e", "frame.interface_name", "-e", "ip.proto"];
  capture.kill("SIGINT");
  const ran = await ended;
  expect(ran.code, ran.stderr).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({ file, packets: 2, running: false });
  const lines = spawnSync("tshark", argv, { encoding: "utf8" }).stdout.trim().split("\n");
  expect(lines.toSorted()).toEqual(["h1/eth0\t1", "h1/eth0\t1", "switch/port2\t1", "switch/port2\t1"]);
  await place.hoplab("down", one);
  await nothingIsLeft();
});

test("a capture whose lab goes down ends by itself, says why, and leaves what it has", async () => {
  await place.json("up", "bridge-arp", "--name", one);
  const file = join(place.folder, "cut.pcapng");
  const capture = place.start("capture", one, "-w", file);
  const ended = finish(capture);
  await untilSaid(capture, "Capturing on");
  await place.hoplab("exec", one, "h1", "--", "ping", "-c", "1", "10.0.0.2");
  await place.hoplab("down", one);
  const ran = await ended;
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain(`the capture ended by itself: the lab ${one} is not up any more`);
  expect(JSON.parse((await place.hoplab("read", file, "--json")).stdout).packets).toBeGreaterThan(1);
  await nothingIsLeft();
});

test("a capture that has no more space ends by itself, says why, and what fitted can be read", async () => {
  await place.json("up", "bridge-arp", "--name", one);
  const file = join(place.folder, "full.pcapng");
  // 128 KiB, which to the writer is as a full disk.
  const capture = spawn(
    "sh",
    ["-c", 'ulimit -f 256; exec "$@"', "sh", process.execPath, CLI, "capture", one, "-w", file],
    {
      env: { ...process.env, HOPLAB_DATA: join(place.folder, "data") },
    },
  );
  const ended = finish(capture);
  await untilSaid(capture, "Capturing on");
  await place.hoplab("exec", one, "h1", "--", "ping", "-q", "-c", "200", "-i", "0.002", "-s", "1400", "10.0.0.2");
  const ran = await ended;
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain("the capture ended by itself: EFBIG: file too large");
  const read = await place.hoplab("read", file, "--json");
  expect(JSON.parse(read.stdout).packets).toBeGreaterThan(20);
  await place.hoplab("down", one);
  await nothingIsLeft();
});

test("kill -9 of a client ends what it runs in a namespace, and exec exits as its command does", async () => {
  await place.json("up", "bridge-arp", "--name", one);
  const client = place.start("exec", one, "h1", "--", "ping", "10.0.0.2");
  await until(
    () => newTraces(before),
    (left) => left.some((trace) => trace.endsWith(" ping 10.0.0.2")),
  );
  client.kill("SIGKILL");
  await until(
    () => newTraces(before),
    (left) => !left.some((trace) => trace.includes(" ping ")),
  );
  expect((await place.hoplab("exec", one, "h1", "--", "sh", "-c", "exit 7")).code).toBe(7);
  const json = await place.hoplab("exec", one, "h1", "--json", "--", "sh", "-c", "echo out; echo err >&2; exit 3");
  expect(json.code).toBe(3);
  expect(JSON.parse(json.stdout)).toEqual({ exitCode: 3, stdout: "out\n", stderr: "err\n" });
  await place.hoplab("down", one);
  await nothingIsLeft();
});

test("a sandbox that is killed from outside is gone from the list at once", async () => {
  const up = await place.json("up", "bridge-arp", "--name", one);
  process.kill(up.pid, "SIGKILL");
  await until(ownHolders, (holders) => holders.length === 0);
  const down = await place.hoplab("down", one);
  expect(down.code).toBe(2);
  expect(down.stderr).toContain(`no lab called ${one} is up`);
  await nothingIsLeft();
});

test("ending a sandbox never ends another process that got its pid", async () => {
  const up = await place.json("up", "bridge-arp", "--name", one);
  const wrong = await endHolder(target, { pid: up.pid, startTicks: "1" });
  expect(wrong).toEqual({ ok: true, value: null });
  expect(await listed()).toHaveLength(1);
  await place.hoplab("down", one);
  await nothingIsLeft();
});

test("a name that can't name a sandbox is refused before anything is built", async () => {
  for (const name of ["Upper", "with space", "quote'", "../x", "-a", "a".repeat(64)]) {
    const ran = await place.hoplab("up", "bridge-arp", `--name=${name}`);
    expect(ran.code, name).toBe(2);
  }
  await nothingIsLeft();
});
