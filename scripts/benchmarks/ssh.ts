/**
 * A target over SSH (a real sshd on loopback): how long `flannel-vxlan` takes to come up, beside the same plan on this
 * machine, with and without a delay on the line; and what a capture over it sustains.
 */

import { openSandbox } from "../../main/sandbox/open-sandbox.ts";
import { BackendClient } from "../../test/netns/backend-client.ts";
import { TcpProxy } from "../../test/ssh/proxy.ts";
import { startSshd } from "../../test/ssh/sshd.ts";
import type { Benchmark } from "./benchmark.ts";
import { type Figure, median, tellTimes } from "./figure.ts";
import { pause } from "./program.ts";

const ROUNDS = 5;
/** The delay that is added to each round trip, half of it each way. */
const DELAY_MS = 100;
const MOST_ROUND_TRIPS = 5;
const CLEANUP_MS = 1500;

const MOST_SILENT_S = 10;

const PACKETS_PER_SECOND = 20_000;
const SECONDS = 5;

export const ssh: Benchmark = {
  name: "ssh",
  async run({ folder, say }) {
    process.env.HOME = folder; // the known hosts of this run
    await using sshd = await startSshd();
    await using proxy = await TcpProxy.start({ port: sshd.port });
    await using client = await BackendClient.start({ acceptNewHostKey: true });
    for (const [name, port] of Object.entries({ near: sshd.port, far: proxy.port })) {
      const address = `ssh://${sshd.user}@127.0.0.1:${port}`;
      await client.call("target.add", { kind: "ssh", name, address, identity: sshd.userKey });
      await client.call("target.connect", { target: name });
    }
    const figures = [...(await comingUp(client, proxy, say)), ...(await capturing(client, say))];
    return [...figures, await losing(client, proxy)];
  },
};

async function comingUp(client: BackendClient, proxy: TcpProxy, say: (text: string) => void): Promise<Figure[]> {
  const name = `bench-${process.pid}`;
  const times = { local: [] as number[], near: [] as number[], far: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const target of ["local", "near", "far"] as const) {
      await pause(CLEANUP_MS);
      proxy.delayMs = DELAY_MS / 2;
      const began = performance.now();
      await client.call("lab.up", { lab: "flannel-vxlan", name, target });
      times[target].push(performance.now() - began);
      proxy.delayMs = 0;
      await client.call("lab.down", { sandbox: name, target });
    }
    say(
      `round ${round + 1}: ${Object.entries(times)
        .map(([target, list]) => `${target} ${list.at(-1)?.toFixed(0)} ms`)
        .join(", ")}`,
    );
  }
  const added = Math.min(...times.far) - Math.min(...times.near);
  const trips = added / DELAY_MS;
  return [
    { name: "ssh: up of flannel-vxlan on this machine itself", measured: tellTimes(times.local) },
    {
      name: "ssh: the same over SSH, connected",
      measured: `${tellTimes(times.near)}, ${(median(times.near) / median(times.local)).toFixed(2)} × local`,
    },
    {
      name: `ssh: the same with ${DELAY_MS} ms added to each round trip`,
      measured: `${tellTimes(times.far)}: ${added.toFixed(0)} ms more, ${trips.toFixed(1)} round trips`,
      target: `at most 1,000 ms more, and ${MOST_ROUND_TRIPS} round trips`,
      met: added <= 1000 && trips <= MOST_ROUND_TRIPS + 0.5,
    },
  ];
}

/** How long it takes until a network that fell silent is noticed. */
async function losing(client: BackendClient, proxy: TcpProxy): Promise<Figure> {
  const target = await client.backend.targets.use("far");
  if (!target.ok || !target.value.link) throw new Error("the target far is not connected");
  const began = performance.now();
  proxy.freeze();
  await target.value.link.lost;
  const seconds = (performance.now() - began) / 1000;
  proxy.thaw();
  return {
    name: "ssh: a network that falls silent is noticed",
    measured: `after ${seconds.toFixed(1)} s`,
    target: `≤ ${MOST_SILENT_S} s`,
    met: seconds <= MOST_SILENT_S,
  };
}

/** Sends datagrams of 100 bytes at an even pace, and prints how many. */
const SENDER = `
use Time::HiRes qw(time sleep); use IO::Socket::INET;
my ($rate, $seconds) = @ARGV;
my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "10.0.0.2", PeerPort => 9999) or die;
my ($n, $began) = (0, time);
while ((my $passed = time - $began) < $seconds) {
  while ($n < $passed * $rate) { $n++ if $s->send("x" x 100) } # one fails after each "port unreachable"
  sleep 0.0005;
}
print "$n\\n";`;

async function capturing(client: BackendClient, say: (text: string) => void): Promise<Figure[]> {
  const sandbox = `bench-${process.pid}`;
  const figures: Figure[] = [];
  await client.call("lab.up", { lab: "bridge-arp", name: sandbox, target: "near" });
  const ways = [
    { interfaces: ["h1/eth0"], what: "seen at one interface" },
    { interfaces: ["h1/eth0", "switch/port1", "switch/port2", "h2/eth0"], what: "each seen at four interfaces" },
  ];
  for (const { interfaces, what } of ways) {
    const capture = await client.call("capture.start", {
      sandbox,
      target: "near",
      interfaces,
      filter: "udp port 9999",
    });
    const sent = await sendMany(client, sandbox);
    await pause(2000);
    const { frames, dropped } = await client.call("capture.stop", { capture: capture.id });
    const wanted = sent * interfaces.length;
    say(`${what}: ${sent} sent, ${frames} frames of ${wanted}, ${dropped} dropped`);
    figures.push({
      name: `ssh: capture of ${PACKETS_PER_SECOND.toLocaleString("en")} packets/s, ${what}`,
      measured: `${(sent / SECONDS).toFixed(0)} packets/s sent; ${frames} of ${wanted} frames arrived, ${dropped} dropped`,
      target: "none lost",
      met: frames === wanted && dropped === 0,
    });
  }
  await client.call("lab.down", { sandbox, target: "near" });
  return figures;
}

/** Answers with how many were sent. */
async function sendMany(client: BackendClient, name: string): Promise<number> {
  const target = await client.backend.targets.use("near");
  const opened = target.ok ? await openSandbox(target.value, name) : target;
  if (!opened.ok) throw new Error(opened.fault.message);
  await using sandbox = opened.value;
  const argv = ["perl", "-e", SENDER, String(PACKETS_PER_SECOND), String(SECONDS)];
  const ran = await sandbox.runIn("h1", argv);
  if (!ran.ok) throw new Error(ran.fault.message);
  return Number(ran.value.stdout);
}
