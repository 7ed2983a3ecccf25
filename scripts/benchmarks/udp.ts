/**
 * What it costs that a process carries the packets of Flannel's UDP backend, beside host-gw and VXLAN in the same run: how long
 * a ping between nodes takes and how much one TCP stream carries.
 */

import type { Benchmark } from "./benchmark.ts";
import type { Figure } from "./figure.ts";
import { Background, CLI, hoplab, takeDown } from "./program.ts";

const ROUNDS = 3;
const PINGS = 1000;
const SECONDS = 2;
const TO = "10.244.1.2";
const PORT = 5001;

const BACKENDS = ["host-gw", "vxlan", "udp"] as const;
type Backend = (typeof BACKENDS)[number];

/** Says `ready`, takes one stream and reads it to its end. */
const TAKE = `
use IO::Socket::INET;
$| = 1;
my $listener = IO::Socket::INET->new(LocalPort => ${PORT}, Listen => 1, ReuseAddr => 1) or die $!;
print "ready\\n";
my $stream = $listener->accept;
1 while sysread($stream, my $bytes, 1 << 17);
`;

/** Prints how many megabytes a second it got rid of. */
const GIVE = `
use IO::Socket::INET;
use Time::HiRes "time";
my $stream = IO::Socket::INET->new(PeerAddr => "${TO}:${PORT}") or die $!;
my ($block, $began, $sent) = ("x" x 65536, time, 0);
$sent += syswrite($stream, $block) while time - $began < ${SECONDS};
printf "%.1f\\n", $sent / 1e6 / (time - $began);
`;

export const udp: Benchmark = {
  name: "udp",
  async run({ folder, say }) {
    const times: Record<Backend, number[]> = { "host-gw": [], vxlan: [], udp: [] };
    const rates: Record<Backend, number[]> = { "host-gw": [], vxlan: [], udp: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const backend of BACKENDS) {
        const name = `bench-${process.pid}`;
        await hoplab(folder, "up", `flannel-${backend}`, "--name", name);
        try {
          times[backend].push(await ping(folder, name));
          rates[backend].push(await stream(folder, name));
        } finally {
          await takeDown(folder, name);
        }
        say(`${backend}: ${times[backend].at(-1)?.toFixed(0)} µs, ${rates[backend].at(-1)?.toFixed(0)} MB/s`);
      }
    }
    // The best of each: what else runs on the machine only ever makes it worse.
    const least = (backend: Backend) => Math.min(...times[backend]);
    const most = (backend: Backend) => Math.max(...rates[backend]);
    return BACKENDS.flatMap((backend): Figure[] => [
      {
        name: `udp: ping over ${backend}`,
        measured: `${least(backend).toFixed(0)} µs; ${(least(backend) / least("host-gw")).toFixed(1)} × host-gw, ${(least(backend) / least("vxlan")).toFixed(1)} × vxlan`,
      },
      {
        name: `udp: TCP over ${backend}`,
        measured: `${most(backend).toFixed(0)} MB/s; ${(most(backend) / most("host-gw")).toFixed(2)} × host-gw, ${(most(backend) / most("vxlan")).toFixed(2)} × vxlan`,
      },
    ]);
  },
};

/** The least time there and back, in microseconds. */
async function ping(folder: string, name: string): Promise<number> {
  const argv = ["ping", "-q", "-i", "0.001", "-c", String(PINGS), TO];
  const { stdout } = await hoplab(folder, "exec", name, "pod/a", "--", ...argv);
  const found = / = ([0-9.]+)\//.exec(stdout)?.[1];
  if (!found) throw new Error(`ping printed no times: ${stdout}`);
  return Number(found) * 1000;
}

/** Megabytes a second. */
async function stream(folder: string, name: string): Promise<number> {
  const argv = [process.execPath, CLI, "exec", name, "pod/c", "--", "perl", "-e", TAKE];
  await using taker = new Background(argv, "SIGTERM", { HOPLAB_DATA: folder });
  await taker.line(/^ready$/);
  return Number((await hoplab(folder, "exec", name, "pod/a", "--", "perl", "-e", GIVE)).stdout);
}
