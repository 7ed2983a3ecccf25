/**
 * Sends test traffic inside a sandbox with the target's own programs: ping, and perl (essential on Debian) for TCP
 * and UDP, with a listener at the destination for as long as the test lasts.
 */

import { createInterface } from "node:readline";
import type { Traffic } from "../../preload/contract/lab.ts";
import { type Fault, fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Namespace, Topology } from "../../preload/contract/topology.ts";
import { commandFault } from "../target/run.ts";
import { findNamespace, type OpenSandbox } from "./open-sandbox.ts";

/** Traffic with its names resolved. */
export interface Way {
  from: Namespace;
  /** The destination address. */
  address: string;
  /** The namespace that owns the address; absent where it lies outside the lab. */
  to?: Namespace;
}

export interface TrafficResult {
  sent: number;
  /** Answers that came back. */
  received: number;
  output: string;
  /** Lines of the output that say why something was not answered, each once. */
  complaints: string[];
}

const DEFAULT_PORT = 8080;
/** With more packets than this they are sent faster. */
const SLOW_COUNT = 10;
/** Room for a burst of ARP and slow first answers, per run. */
const ANSWER_SECONDS = 1;
const MOST_COMPLAINTS = 10;
/** What ping prints when all is well. */
const PLAIN = /^(PING |\d+ bytes from |--- |rtt |\d+ packets transmitted|$)/;

/** Finds who sends and who receives. Faults: `not-found` (a name), `bad-input` (no IPv4 address to send from or to). */
export function resolveTraffic(topology: Topology, traffic: Traffic): Result<Way> {
  const from = findNamespace(topology, traffic.from);
  if (!from.ok) return from;
  if (addressOf(from.value) === undefined) {
    return fail("bad-input", `${from.value.name} has no IPv4 address to send from`, {
      fix: "Send from a pod or a node.",
    });
  }
  if (/^\d+\.\d+\.\d+\.\d+$/.test(traffic.to)) {
    if (traffic.to.split(".").some((part) => Number(part) > 255)) {
      return fail("bad-input", `${traffic.to} is not an IPv4 address`, {
        fix: "Each of its four numbers is at most 255.",
      });
    }
    const owner = topology.namespaces.find((namespace) => addressesOf(namespace).includes(traffic.to));
    return ok({ from: from.value, address: traffic.to, ...(owner ? { to: owner } : {}) });
  }
  const to = findNamespace(topology, traffic.to);
  if (!to.ok) return to;
  const address = addressOf(to.value);
  if (address === undefined) {
    return fail("bad-input", `${to.value.name} has no IPv4 address to send to`, {
      fix: "Send to a pod, a node or an address.",
    });
  }
  return ok({ from: from.value, address, to: to.value });
}

/** Sends it. A destination that does not answer is no fault: `received` tells. */
export async function sendTraffic(
  sandbox: OpenSandbox,
  way: Way,
  traffic: Traffic,
  signal?: AbortSignal,
): Promise<Result<TrafficResult>> {
  return traffic.protocol === "icmp"
    ? ping(sandbox, way, traffic, signal)
    : exchange(sandbox, way, traffic, traffic.protocol, signal);
}

async function ping(
  sandbox: OpenSandbox,
  way: Way,
  { count, size, dontFragment }: Traffic,
  signal?: AbortSignal,
): Promise<Result<TrafficResult>> {
  const interval = count > SLOW_COUNT ? "0.01" : "0.2";
  const argv = [
    ...["ping", "-n", "-c", String(count), "-i", interval, "-W", String(ANSWER_SECONDS)],
    ...(size === undefined ? [] : ["-s", String(size)]),
    ...(dontFragment === undefined ? [] : ["-M", dontFragment ? "do" : "dont"]),
    way.address,
  ];
  // ping exits 1 when nothing answered, and 2 where the kernel has no way there: results here and no failures.
  const result = await sandbox.runIn(way.from.name, argv, { signal, exitCodes: [0, 1, 2] });
  if (!result.ok) return shortFault(result.fault, argv);
  const { stdout, stderr, exitCode } = result.value;
  if (exitCode === 2 && !/: (Network is unreachable|No route to host|Operation not permitted)$/m.test(stderr)) {
    return { ok: false, fault: commandFault(sandbox.target, argv, { code: exitCode, signal: null }, stderr) };
  }
  const counted = /(\d+) packets transmitted, (\d+) received/.exec(stdout);
  const output = [stdout, stderr].flatMap((text) => text.trim() || []).join("\n");
  return ok({
    sent: Number(counted?.[1] ?? count),
    received: Number(counted?.[2] ?? 0),
    output,
    complaints: complaintsIn(output),
  });
}

/** What the lines have to say that are no answers and no statistics; sequence numbers alone make no difference. */
function complaintsIn(output: string): string[] {
  const found = new Map<string, string>();
  for (const line of output.split("\n").map((each) => each.trim())) {
    if (!PLAIN.test(line)) found.set(line.replace(/icmp_seq=\d+ |^(?:tcp|udp) \d+: /, ""), line);
  }
  return [...found.values()].slice(0, MOST_COMPLAINTS);
}

const LISTEN = `
use IO::Socket::INET; $| = 1;
my ($proto, $address, $port) = @ARGV;
my $s = IO::Socket::INET->new(Proto => $proto, LocalAddr => $address, LocalPort => $port, ReuseAddr => 1,
  $proto eq "tcp" ? (Listen => 64) : ()) or do { print $!{EADDRINUSE} ? "taken\\n" : "failed $!\\n"; exit 1 };
print "listening\\n";
while (1) {
  if ($proto eq "udp") { my $d; my $peer = $s->recv($d, 65536); $s->send($d, 0, $peer) if defined $peer; next }
  my $c = $s->accept or next;
  my $line = <$c>; print $c $line if defined $line; close $c;
}`;

/** The numbers of Linux's IP_MTU_DISCOVER and IP_MTU: perl's Socket does not name them. */
const CONNECT = `
use IO::Socket::INET; use Errno; $| = 1;
my ($proto, $address, $port, $count, $seconds, $size, $discover) = @ARGV;
my ($ip_mtu_discover, $ip_mtu) = (10, 14);
my ($sent, $received) = (0, 0);
local $SIG{ALRM} = sub { die "no answer in $seconds s\\n" };
for my $n (1 .. $count) {
  eval {
    alarm $seconds;
    $sent++;
    my $s = IO::Socket::INET->new(Proto => $proto) or die "$!\\n";
    if ($discover ne "") { setsockopt($s, IPPROTO_IP, $ip_mtu_discover, pack("i", $discover)) or die "$!\\n" }
    my $failed = sub {
      my $mtu = $!{EMSGSIZE} && getsockopt($s, IPPROTO_IP, $ip_mtu);
      die "$!" . ($mtu ? ", mtu=" . unpack("i", $mtu) : "") . "\\n";
    };
    $s->connect(pack_sockaddr_in($port, inet_aton($address))) or $failed->();
    my $text = $size eq "" ? "hoplab $n\\n" : $size == 0 ? "" : "x" x ($size - 1) . "\\n";
    my $answer;
    if ($proto eq "udp") { defined $s->send($text) or $failed->(); defined $s->recv($answer, 65536) or $failed->() }
    else {
      print $s $text; $s->flush; shutdown($s, 1) if $text eq "";
      $answer = <$s>; defined $answer or $text eq "" or die "closed without an answer\\n"; close $s;
    }
    $received++;
    print "$proto $n: answered\\n";
  };
  alarm 0;
  print "$proto $n: $@" if $@;
}
print "sent $sent received $received\\n";`;

const PMTUDISC_DONT = 0;
const PMTUDISC_DO = 2;

async function exchange(
  sandbox: OpenSandbox,
  way: Way,
  traffic: Traffic,
  protocol: "tcp" | "udp",
  signal?: AbortSignal,
): Promise<Result<TrafficResult>> {
  const port = String(traffic.port ?? DEFAULT_PORT);
  const listener = way.to ? await listen(sandbox, way.to.name, protocol, way.address, port) : undefined;
  if (listener && !listener.ok) return listener;
  try {
    const { count, size = "", dontFragment } = traffic;
    const discover = dontFragment === undefined ? "" : dontFragment ? PMTUDISC_DO : PMTUDISC_DONT;
    const argv = ["perl", "-e", CONNECT, protocol, way.address, port];
    argv.push(...[count, ANSWER_SECONDS, size, discover].map(String));
    const result = await sandbox.runIn(way.from.name, argv, { signal });
    if (!result.ok) return shortFault(result.fault, ["perl", `(${protocol} client)`, way.address, port]);
    const output = result.value.stdout.trim();
    const counted = /sent (\d+) received (\d+)/.exec(output);
    const failed = output.split("\n").filter((line) => !/: answered$|^sent /.test(line));
    return ok({
      sent: Number(counted?.[1] ?? 0),
      received: Number(counted?.[2] ?? 0),
      output,
      complaints: complaintsIn(failed.join("\n")),
    });
  } finally {
    if (listener?.ok) await listener.value();
  }
}

/** Listens in a namespace; answers, once it listens, with what ends it. */
async function listen(
  sandbox: OpenSandbox,
  netns: string,
  protocol: string,
  address: string,
  port: string,
): Promise<Result<() => Promise<void>>> {
  const argv = ["perl", "-e", LISTEN, protocol, address, port];
  const started = await sandbox.stream(netns, argv, { stdin: false });
  if (!started.ok) return started;
  const process = started.value;
  process.stdin.on("error", () => {});
  let stderr = "";
  process.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  for await (const line of createInterface({ input: process.stdout })) {
    if (line === "listening") {
      return ok(async () => {
        process.kill("SIGTERM");
        await process.exited;
      });
    }
    // Someone listens there already, and answers.
    if (line === "taken") return ok(async () => {});
    const reason = line.replace(/^failed /, "");
    return fail(
      "command-failed",
      `nothing can listen on ${address} port ${port} (${protocol}) in ${netns}: ${reason}`,
      {
        fix: "Choose another port with --port.",
      },
    );
  }
  const fault = commandFault(
    sandbox.target,
    ["perl", `(${protocol} listener)`, address, port],
    await process.exited,
    stderr,
  );
  return { ok: false, fault };
}

/** The fault of a program in a namespace, with its own argv instead of the whole way in. */
function shortFault(fault: Fault, argv: string[]): Result<never> {
  if (fault.code === "cancelled") return fail("cancelled", "the sending was cancelled");
  return { ok: false, fault: { ...fault, command: fault.command && { ...fault.command, argv } } };
}

/** All IPv4 addresses of a namespace, without prefix lengths. */
export function addressesOf(namespace: Namespace): string[] {
  return namespace.interfaces
    .flatMap((item) => item.addresses)
    .map((address) => address.slice(0, address.indexOf("/")))
    .filter((address) => address.includes("."));
}

/** The address that a namespace is known by: its NIC's first one. */
function addressOf(namespace: Namespace): string | undefined {
  const nic = namespace.interfaces.find((item) => item.kind === "veth" && item.addresses.length > 0);
  const address = nic?.addresses.find((candidate) => candidate.includes("."));
  return address?.slice(0, address.indexOf("/")) ?? addressesOf(namespace)[0];
}
