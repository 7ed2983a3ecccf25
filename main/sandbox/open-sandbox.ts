/** A sandbox that is up, as something to run programs in. */

import type { Sandbox } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { type Interface, type Namespace, netnsFile, type Topology } from "../../preload/contract/topology.ts";
import { type Output, type RunOptions, run } from "../target/run.ts";
import type { Process, Target } from "../target/target.ts";
import { SANDBOX_FOLDER } from "./holder.ts";
import { endHolder, findHolder, type Holder } from "./list.ts";

/** Runs argv with the namespace's own files bound over /run, as they would lie on the node. */
const WITH_FILES = `
root=${SANDBOX_FOLDER}/files/$0/run
if [ -d "$root" ]; then
  for folder in "$root"/*; do
    mkdir -p "/run/\${folder##*/}" && mount --bind "$folder" "/run/\${folder##*/}" || exit 125
  done
fi
exec "$@"
`;

export class OpenSandbox {
  readonly target: Target;
  readonly sandbox: Sandbox;
  readonly topology: Topology;
  readonly #holder: Holder;

  constructor(target: Target, holder: Holder & { sandbox: Sandbox }, topology: Topology) {
    this.target = target;
    this.sandbox = holder.sandbox;
    this.topology = topology;
    this.#holder = holder;
  }

  /** The argv that runs a program inside the sandbox, in its first namespace. */
  enterArgv(argv: readonly string[]): string[] {
    const user = this.sandbox.rootless ? ["--user", "--preserve-credentials"] : [];
    return ["nsenter", "--target", String(this.sandbox.pid), ...user, "--mount", "--net", "--pid", "--", ...argv];
  }

  /**
   * The argv that runs a program in one of the lab's network namespaces, with that namespace's files under /run. It
   * ends with whoever runs it, like a stream.
   */
  netnsArgv(netns: string, argv: readonly string[]): string[] {
    const file = netnsFile(netns);
    return this.#boundArgv(netns, ["unshare", "--mount", "sh", "-c", WITH_FILES, file, ...argv]);
  }

  /**
   * nsenter stays outside the sandbox and waits for the program inside; each is told when its parent dies. So a kill
   * of the one that was started reaches the program, and so does the end of Hoplab, however it ends.
   */
  #boundArgv(netns: string, argv: readonly string[]): string[] {
    const bound = ["setpriv", "--pdeathsig", "TERM"];
    const inside = [...bound, "nsenter", `--net=/run/netns/${netnsFile(netns)}`, "--", ...argv];
    return [...bound, ...this.enterArgv(inside)];
  }

  /** Runs a program to its end inside the sandbox. */
  run(argv: readonly string[], options?: RunOptions): Promise<Result<Output>> {
    return run(this.target, this.enterArgv(argv), options);
  }

  /** Starts a program in a network namespace. It ends when it is killed, and when Hoplab ends. */
  stream(netns: string, argv: readonly string[]): Process {
    return this.target.spawn(this.#boundArgv(netns, argv));
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
