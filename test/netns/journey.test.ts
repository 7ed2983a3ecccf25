import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { CaptureReader } from "../../main/capture/reader.ts";
import { decodeFrame } from "../../main/decode/decode.ts";
import { Hub } from "../../main/target/hub.ts";
import { LocalTarget } from "../../main/target/local-target.ts";
import type { Process } from "../../main/target/target.ts";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { enterSandbox, finish, inSandbox, newTraces, traces, until, Workplace } from "./hoplab.ts";

const place = new Workplace();
const one = `${place.prefix}one`;

afterEach(async () => {
  await place.downAll();
});

afterAll(() => place[Symbol.dispose]());

const where = (journey: Journey) => journey.hops.map((hop: Hop) => `${hop.netns}/${hop.interface} ${hop.direction}`);
const kinds = (journey: Journey) => journey.hops.map((hop: Hop) => hop.changes.map((change) => change.kind).join(" "));

/** The one route in a table that starts with this destination, as `ip` prints it, trimmed. */
function route(pid: number, netns: string, destination: string): string {
  return inSandbox(pid, "ip", "-n", netns, "route", "show", destination).trim();
}

test("a ping over Flannel VXLAN is followed the whole way, with every change and its cause", async () => {
  const { pid } = await place.json("up", "flannel-vxlan", "--name", one);
  const sent = await place.json("send", one, "--from", "a", "--to", "c");
  expect(sent).toMatchObject({ lab: "flannel-vxlan", sent: 1, received: 1 });
  const [request, reply]: Journey[] = sent.journeys;
  expect(sent.journeys).toHaveLength(2);
  expect(request?.summary).toMatch(/^ICMP echo request 10\.244\.0\.2 > 10\.244\.1\.2 id \d+ seq 1$/);
  expect(request?.end).toBe("arrived");
  expect(request?.lastSeen).toBe("pod/c/eth0");
  expect(request?.reply).toBe(reply?.id);
  expect(reply?.replyTo).toBe(request?.id);
  const vethA = inSandbox(
    pid,
    "sh",
    "-c",
    "ip -n node.node1 -o link show | grep -o 'veth[0-9a-f]*@if' | head -1",
  ).trim();
  expect(vethA).toMatch(/^veth[0-9a-f]{8}@if$/);
  expect(where(request as Journey).map((line) => line.replace(/veth[0-9a-f]{8}/, "veth"))).toEqual([
    "pod/a/eth0 out",
    "node/node1/veth in",
    "node/node1/cni0 in",
    "node/node1/flannel.1 out",
    "node/node1/eth0 out",
    "net/lan/node1 in",
    "net/lan/node2 out",
    "node/node2/eth0 in",
    "node/node2/flannel.1 in",
    "node/node2/cni0 out",
    "node/node2/veth out",
    "pod/c/eth0 in",
  ]);
  expect(kinds(request as Journey)).toEqual([
    "",
    "",
    "bridged",
    "routed",
    "wrapped",
    "",
    "bridged",
    "",
    "unwrapped",
    "routed",
    "bridged",
    "delivered",
  ]);
  const hops = (request as Journey).hops;
  const inner = ["eth", "ipv4", "icmp"];
  const outer = ["eth", "ipv4", "udp", "vxlan"];
  expect(hops.map((hop) => hop.layers)).toEqual(
    hops.map((_, index) => (index >= 4 && index <= 7 ? [...outer, ...inner] : inner)),
  );
  const [routed] = hops[3]?.changes ?? [];
  expect(routed?.ttl).toEqual([64, 63]);
  expect(routed?.cause).toBe("10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink");
  expect(routed?.cause).toBe(`${route(pid, "node.node1", "10.244.1.0/24")}`.replace(/ +/g, " "));
  const neighbours = inSandbox(pid, "ip", "-n", "node.node1", "neigh", "show", "dev", "flannel.1");
  const mac = /^10\.244\.1\.0 lladdr (\S+) PERMANENT/m.exec(neighbours)?.[1];
  expect(routed?.causes?.map((cause) => cause.kind)).toEqual(["route", "neighbour"]);
  expect(routed?.causes?.[1]?.text).toBe(`10.244.1.0 dev flannel.1 lladdr ${mac} PERMANENT`);
  const [wrapped] = hops[4]?.changes ?? [];
  expect(wrapped?.layers).toEqual(outer);
  expect(wrapped?.cause).toBe(`${mac} dev flannel.1 dst 192.168.32.128 self permanent`);
  expect(hops[8]?.changes[0]?.layers).toEqual(outer);
  expect(hops[9]?.changes[0]?.ttl).toEqual([63, 62]);
  for (const hop of hops) {
    for (const cause of hop.changes.flatMap((change) => change.causes ?? [])) {
      const shown = inSandbox(pid, "sh", "-c", cause.command);
      const words = cause.text
        .replace(/^flannel\.1: /, "")
        .trim()
        .split(/\s+/);
      // A neighbour may have gone from REACHABLE to STALE since; everything else must still be there, word for word.
      for (const word of words.filter(
        (one) => !/^[A-Z]+$/.test(one) && one !== "dev" && !cause.command.endsWith(` dev ${one}`),
      )) {
        expect(shown.split(/[\s\\]+/), `${cause.command}: ${cause.text}`).toContain(word.replace(/:$/, ":"));
      }
    }
  }
});

/** Frames of ICMP echo requests that an independent tcpdump on one interface wrote, with their stamps. */
interface Seen {
  at: bigint;
  layers: string;
}

function echoRequests(file: string): Seen[] {
  const seen: Seen[] = [];
  const reader = new CaptureReader({
    onInterface: () => {},
    onPacket: (_index, _direction, seconds, nanos, bytes, start, end) => {
      const layers = decodeFrame(bytes.slice(start, end));
      if (!layers.some((layer) => layer.title.startsWith("ICMP echo request"))) return;
      seen.push({
        at: BigInt(seconds) * 1_000_000_000n + BigInt(nanos),
        layers: layers.map((layer) => layer.protocol).join(" "),
      });
    },
  });
  reader.push(readFileSync(file));
  expect(reader.problem).toBeUndefined();
  return seen;
}

async function startHub(pid: number): Promise<Hub> {
  const process = new LocalTarget().spawn([...enterSandbox(pid), "perl"]);
  const hub = await Hub.start(process, { name: "the test" });
  if (!hub.ok) throw new Error(hub.fault.message);
  return hub.value;
}

test("the hops are what independent tcpdumps saw, at the same nanoseconds", async () => {
  const { pid } = await place.json("up", "flannel-vxlan", "--name", one);
  const interfaces = inSandbox(
    pid,
    "sh",
    "-c",
    'for f in /run/netns/*; do n=${f##*/}; for i in $(ip -n "$n" -o link show | cut -d: -f2 | cut -d@ -f1); do [ "$i" = lo ] || echo "$n $i"; done; done',
  );
  const taps: { netns: string; name: string; file: string; process: Process; output: Promise<Buffer> }[] = [];
  // The hub lets Debian's tcpdump run where nobody may give up root; what it prints is passed on as it is.
  await using hub = await startHub(pid);
  for (const line of interfaces.trim().split("\n")) {
    const [netns = "", name = ""] = line.split(" ");
    const options = ["-p", "-U", "--immediate-mode", "--time-stamp-precision=nano", "-Z", "root", "-w", "-"];
    const argv = ["nsenter", `--net=/run/netns/${netns}`, "--", "tcpdump", "-i", name, ...options];
    const process = hub.spawn(argv, { stdin: false });
    const chunks: Buffer[] = [];
    process.stdout.on("data", (chunk) => chunks.push(chunk));
    const output = process.exited.then(() => Buffer.concat(chunks));
    await new Promise<void>((resolve) =>
      process.stderr.on("data", (text) => String(text).includes("listening") && resolve()),
    );
    taps.push({ netns, name, file: join(place.folder, `${netns}-${name}.pcap`), process, output });
  }
  const sent = await place.json("send", one, "--from", "b", "--to", "e", "--count", "3");
  for (const tap of taps) tap.process.kill("SIGTERM");
  for (const tap of taps) writeFileSync(tap.file, await tap.output);

  const requests: Journey[] = sent.journeys.filter((journey: Journey) =>
    journey.summary.startsWith("ICMP echo request"),
  );
  expect(requests.map((journey) => journey.end)).toEqual(["arrived", "arrived", "arrived"]);
  const independent = new Map(taps.map((tap) => [`${tap.netns} ${tap.name}`, echoRequests(tap.file)]));
  for (const [index, journey] of requests.entries()) {
    const first = independent.get("pod.b eth0")?.[index]?.at ?? 0n;
    const hops = journey.hops.map(
      (hop) => `${hop.netns.replaceAll("/", ".")} ${hop.interface} ${hop.at} ${hop.layers.join(" ")}`,
    );
    const seen = [...independent].flatMap(([name, frames]) => {
      const frame = frames[index];
      return frame ? [`${name} ${frame.at - first} ${frame.layers}`] : [];
    });
    expect(hops.toSorted()).toEqual(seen.toSorted());
  }
});

test("host-gw wraps nothing: the node routes straight to the other node", async () => {
  await place.json("up", "flannel-host-gw", "--name", one);
  const sent = await place.json("send", one, "--from", "a", "--to", "c");
  const [request]: Journey[] = sent.journeys;
  expect(request?.hops.some((hop) => hop.layers.includes("vxlan"))).toBe(false);
  const routed = request?.hops.find((hop) => hop.netns === "node/node1" && hop.interface === "eth0");
  expect(routed?.changes[0]).toMatchObject({
    kind: "routed",
    ttl: [64, 63],
    cause: "10.244.1.0/24 via 192.168.32.128 dev eth0",
  });
});

test("an ARP request is a tree: the bridge floods it to every port, and only the owner answers", async () => {
  const { pid } = await place.json("up", "bridge-arp", "--name", one);
  inSandbox(pid, "ip", "-n", "h1", "neigh", "flush", "all");
  const sent = await place.json("send", one, "--from", "h1", "--to", "h2");
  const request: Journey = sent.also.find((journey: Journey) => journey.summary.startsWith("ARP who-has 10.0.0.2"));
  const came = request.hops.findIndex(
    (hop) => hop.netns === "switch" && hop.direction === "in" && hop.interface.startsWith("port"),
  );
  const flooded = request.hops.filter((hop) => hop.parent === came && hop.direction === "out");
  expect(flooded.map((hop) => hop.netns)).toEqual(["switch", "switch"]);
  expect(flooded.every((hop) => hop.changes.some((change) => change.kind === "flooded"))).toBe(true);
  expect(where(request)).toContain("h2/eth0 in");
  expect(where(request)).toContain("h3/eth0 in");
  expect(request.end).toBe("arrived");
  const reply: Journey = sent.also.find((journey: Journey) => journey.summary.startsWith("ARP reply 10.0.0.2"));
  expect(where(reply)).not.toContain("h3/eth0 in");
  expect(reply.replyTo).toBe(request.id);
});

test("a packet that a node drops is lost, with the last place it was seen at", async () => {
  const { pid } = await place.json("up", "flannel-vxlan", "--name", one);
  inSandbox(pid, "ip", "-n", "node.node2", "route", "del", "10.244.1.0/24", "dev", "cni0");
  inSandbox(pid, "ip", "-n", "node.node2", "route", "add", "blackhole", "10.244.1.0/24");
  const ran = await place.hoplab("send", one, "--from", "a", "--to", "c", "--json");
  expect(ran.code).toBe(1);
  const sent = JSON.parse(ran.stdout);
  expect(sent).toMatchObject({ sent: 1, received: 0 });
  expect(sent.journeys[0]).toMatchObject({ end: "lost", lastSeen: "node/node2/flannel.1" });
});

test.each([
  ["tcp", "8080"],
  ["udp", "5300"],
])("%s traffic finds a listener at its destination and every packet of it arrives", async (protocol, port) => {
  await place.json("up", "flannel-vxlan", "--name", one);
  const before = traces();
  const sent = await place.json("send", one, "--from", "d", "--to", "pod/e", "--protocol", protocol, "--port", port);
  expect(sent).toMatchObject({ sent: 1, received: 1 });
  expect(sent.journeys.length).toBeGreaterThan(1);
  for (const journey of sent.journeys) {
    expect(journey.summary).toContain(protocol.toUpperCase());
    expect(journey.summary).toContain(port);
    expect(journey.end).toBe("arrived");
  }
  await until(
    () => newTraces(before),
    (left) => !left.some((trace) => /: (perl|tcpdump)/.test(trace)),
  );
});

test("a lab of one's own with other names, subnets and counts is followed as well", async () => {
  const file = join(place.folder, "mine.yaml");
  writeFileSync(
    file,
    `id: ${place.prefix}mine
title: { en: Mine }
underlay:
  networks: [{ name: wire, subnet: 172.20.0.0/22 }]
nodes:
  - { name: alpha, address: 172.20.0.10 }
  - { name: a-node-with-a-rather-long-name, address: 172.20.3.11 }
network:
  plugin: flannel
  network: 10.60.0.0/18
  subnetLen: 26
  subnetMin: 10.60.4.0
  backend: { type: vxlan, vni: 42, port: 14789 }
pods:
  - { name: web, node: alpha }
  - { name: db, node: a-node-with-a-rather-long-name }
`,
  );
  const sent = await place.json("send", file, "--from", "web", "--to", "db");
  expect(sent).toMatchObject({ lab: `${place.prefix}mine`, sent: 1, received: 1 });
  const [request]: Journey[] = sent.journeys;
  expect(request?.summary).toContain("10.60.4.2 > 10.60.4.66");
  expect(where(request as Journey)).toContain("node/alpha/flannel.42 out");
  expect(request?.hops).toHaveLength(12);
  const wrapped = request?.hops.find((hop) => hop.changes.some((change) => change.kind === "wrapped"));
  expect(wrapped?.titles).toContain("VXLAN vni 42");
  expect(wrapped?.changes[0]?.cause).toContain("dst 172.20.3.11");
  const left = (await place.json("ps")).filter(({ name }: { name: string }) => name.startsWith(place.prefix));
  expect(left).toEqual([]);
});

test("in a large lab only the interfaces that can be on the way are captured, and it says so", async () => {
  const file = join(place.folder, "large.yaml");
  const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
  writeFileSync(
    file,
    `id: ${place.prefix}large
title: { en: Large }
underlay: { networks: [{ name: lan, subnet: 10.9.0.0/24 }] }
nodes:
${names.map((name, index) => `  - { name: ${name}, address: 10.9.0.${index + 1} }`).join("\n")}
network: { plugin: flannel, network: 10.244.0.0/16, backend: { type: vxlan } }
pods:
${names.flatMap((name) => [0, 1, 2].map((pod) => `  - { name: p-${name}-${pod}, node: ${name} }`)).join("\n")}
`,
  );
  await place.json("up", file);
  const client = place.start("send", file, "--from", "p-n0-0", "--to", "p-n7-2", "--count", "20", "--json");
  const ended = finish(client);
  const before = traces();
  const most = { tcpdumps: 0 };
  const watch = setInterval(() => {
    most.tcpdumps = Math.max(most.tcpdumps, newTraces(before).filter((trace) => trace.includes(": tcpdump")).length);
  }, 50);
  const ran = await ended;
  clearInterval(watch);
  expect(ran.stderr).toBe("");
  const sent = JSON.parse(ran.stdout);
  expect(sent).toMatchObject({ sent: 20, received: 20 });
  expect(sent.journeys[0].hops).toHaveLength(12);
  expect(most.tcpdumps).toBeGreaterThan(0);
  expect(most.tcpdumps).toBeLessThanOrEqual(40);
  const text = await place.hoplab("send", file, "--from", "p-n0-0", "--to", "p-n7-2");
  expect(text.stdout).toContain("only those that can be on the way are captured");
});
