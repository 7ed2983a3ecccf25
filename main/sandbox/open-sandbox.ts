/** A sandbox that is up, as something to run programs in. */

import type { Sandbox } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { type Interface, type Namespace, netnsFile, type Topology } from "../../preload/contract/topology.ts";
import { WITH_FILES } from "../plan/daemon.ts";
import { Hub, type SpawnOptions } from "../target/hub.ts";
import { type Output, type RunOptions, run } from "../target/run.ts";
import type { Process, Target } from "../target/target.ts";
import { SANDBOX_FOLDER } from "./holder.ts";
import { endHolder, findHolder, type Holder } from "./list.ts";

/**
 * Runs argv, and ends it when the pipe on fd 3 closes, which it does with whoever holds its other end, however that
 * ends. Ctrl-C in the terminal is for the command alone, which shares its process group.
 */
const LIFELINE = `
my $pid = fork // die "$!\n";
if ($pid == 0) { exec { $ARGV[0] } @ARGV; print STDERR "$ARGV[0]: $!\n"; exit 127 }
$SIG{$_} = "IGNORE" for qw(INT QUIT);
my $watch = fork // 0;
if ($watch == 0) { open(my $life, "<&=", 3); sysread($life, my $byte, 1); kill "HUP", $pid; sleep 1; kill "KILL", $pid; exit 0 }
waitpid($pid, 0);
my $status = $?;
kill "KILL", $watch;
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
`;

export interface StreamOptions extends SpawnOptions {
  /** The namespace's own files lie under /run. */
  files?: boolean;
}

export class OpenSandbox implements AsyncDisposable {
  readonly target: Target;
  readonly #holder: Holder;
  #sandbox: Sandbox;
  #topology: Topology;
  #hub: Promise<Result<Hub>> | undefined;

  constructor(target: Target, holder: Holder & { sandbox: Sandbox }, topology: Topology) {
    this.target = target;
    this.#sandbox = holder.sandbox;
    this.#topology = topology;
    this.#holder = holder;
  }

  get sandbox(): Sandbox {
    return this.#sandbox;
  }

  get topology(): Topology {
    return this.#topology;
  }

  /** Takes in that the lab has changed: it is what another opened later. */
  renew({ sandbox, topology }: OpenSandbox): void {
    this.#sandbox = sandbox;
    this.#topology = topology;
  }

  /** The argv that runs a program inside the sandbox, in its first namespace. */
  enterArgv(argv: readonly string[]): string[] {
    const user = this.sandbox.rootless ? ["--user", "--preserve-credentials"] : [];
    return ["nsenter", "--target", String(this.sandbox.pid), ...user, "--mount", "--net", "--pid", "--", ...argv];
  }

  /** The argv that runs a program in one of the lab's network namespaces from outside, until fd 3 of it is closed. */
  lifelineArgv(netns: string, argv: readonly string[]): string[] {
    return this.enterArgv(["perl", "-e", LIFELINE, ...withFiles(netns, argv)]);
  }

  /** Runs a program to its end inside the sandbox. */
  run(argv: readonly string[], options?: RunOptions): Promise<Result<Output>> {
    return run(this.target, this.enterArgv(argv), options);
  }

  /** Starts a program in the sandbox itself, outside of the lab's namespaces. It ends as a stream does. */
  async spawn(argv: readonly string[]): Promise<Result<Process>> {
    const hub = await this.#start();
    return hub.ok ? ok(hub.value.spawn(argv, { group: true })) : hub;
  }

  /**
   * Starts a program in a network namespace. It ends when it is killed, when this sandbox is let go, and when Hoplab
   * ends, however that is: it is started by a hub in the sandbox, and the kernel closes the hub's pipe.
   */
  async stream(
    netns: string,
    argv: readonly string[],
    { files = false, ...options }: StreamOptions = {},
  ): Promise<Result<Process>> {
    const hub = await this.#start();
    if (!hub.ok) return hub;
    return ok(hub.value.spawn((files ? withFiles : inNetns)(netns, argv), { group: true, ...options }));
  }

  /** Runs a program to its end in a network namespace, as a stream. */
  async runIn(
    netns: string,
    argv: readonly string[],
    { files = false, ...options }: RunOptions & Pick<StreamOptions, "files"> = {},
  ): Promise<Result<Output>> {
    const hub = await this.#start();
    if (!hub.ok) return hub;
    const spawn = (words: readonly string[]) => hub.value.spawn(words, { group: true });
    return run({ id: this.target.id, spawn }, (files ? withFiles : inNetns)(netns, argv), options);
  }

  /** One hub for all streams, started with the first of them. */
  #start(): Promise<Result<Hub>> {
    this.#hub ??= Hub.start(this.target.spawn(this.enterArgv(["perl"])), {
      name: `the lab ${this.sandbox.name}`,
      fix: "Where somebody has taken it down, bring it up again with `hoplab up`.",
    });
    return this.#hub;
  }

  /** Ends all streams. The sandbox stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    const hub = await this.#hub;
    if (hub?.ok) await hub.value[Symbol.asyncDispose]();
  }

  /** Ends the sandbox with everything in it. */
  end(): Promise<Result<null>> {
    return endHolder(this.target, this.#holder);
  }

  /** The namespace that a person means by `a`, `pod/a` or `node/node1`. */
  namespace(name: string): Result<Namespace> {
    return findNamespace(this.topology, name);
  }
}

function inNetns(netns: string, argv: readonly string[]): string[] {
  return ["nsenter", `--net=/run/netns/${netnsFile(netns)}`, "--", ...argv];
}

function withFiles(netns: string, argv: readonly string[]): string[] {
  return inNetns(netns, ["unshare", "--mount", "sh", "-c", WITH_FILES, netnsFile(netns), ...argv]);
}

/** Opens the whole sandbox of that name. Faults: `not-found`, `gone`. */
export async function openSandbox(target: Target, name: string): Promise<Result<OpenSandbox>> {
  const holder = await findHolder(target, name);
  if (!holder.ok) return holder;
  const read = await run(target, ["cat", `/proc/${holder.value.pid}/root${SANDBOX_FOLDER}/topology.json`]);
  if (!read.ok) return fail("gone", `the lab ${name} ended just now`, { fix: "Bring it up again with `hoplab up`." });
  const topology: Topology = JSON.parse(read.value.stdout);
  return ok(new OpenSandbox(target, holder.value, topology));
}

/** The namespace of that full name, or the only one with that label (a pod before a node of the same label). */
export function findNamespace(topology: Topology, name: string): Result<Namespace> {
  const exact = topology.namespaces.find((namespace) => namespace.name === name);
  if (exact) return ok(exact);
  const order = ["pod", "host", "node", "net"];
  const [found] = topology.namespaces
    .filter((namespace) => namespace.label === name)
    .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  if (found) return ok(found);
  const names = topology.namespaces.map((namespace) => namespace.name);
  return fail("not-found", `the lab ${topology.lab} has no namespace ${JSON.stringify(name)}`, {
    fix: `It has ${names.slice(0, 30).join(", ")}${names.length > 30 ? " …" : ""}.`,
  });
}

/** The interface of that name in a namespace. */
export function findInterface(namespace: Namespace, name: string): Result<Interface> {
  const found = namespace.interfaces.find((candidate) => candidate.name === name);
  if (found) return ok(found);
  const names = namespace.interfaces.map((candidate) => candidate.name).join(", ");
  return fail("not-found", `${namespace.name} has no interface ${JSON.stringify(name)}`, { fix: `It has ${names}.` });
}
