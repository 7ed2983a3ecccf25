/** Connects a target step by step: the way to it, a hub there, the privileges that labs need. */

import { type Fault, fail, ok, type Result } from "../../preload/contract/result.ts";
import type { PrivilegeChoice, TargetStep, TargetStepName } from "../../preload/contract/target.ts";
import { Hub } from "./hub.ts";
import { HubTarget } from "./hub-target.ts";
import { spawnHere } from "./local-target.ts";
import { becomePrivileged, type Privileged } from "./privileges.ts";
import type { Ask } from "./secrets.ts";
import type { Process } from "./target.ts";

/** What leads to a target's shell. */
export interface Way extends AsyncDisposable {
  /** Starts a command line there. */
  open(argv: readonly string[]): Process;
  /** Whether more than one can be started, and words reach a program as they are. */
  readonly several: boolean;
}

export interface ConnectOptions {
  name: string;
  privilege: PrivilegeChoice;
  ask?: Ask;
  signal?: AbortSignal;
  onStep?: (step: TargetStep) => void;
}

export interface Connected {
  target: HubTarget;
  runsAs: Privileged["runsAs"];
  kernel: string;
}

/** Reaches a hub over the way, and becomes what labs are built as. After a fault the way is let go. */
export async function connectOver(way: Way, options: ConnectOptions): Promise<Result<Connected>> {
  const connected = await tryConnect(way, options);
  if (!connected.ok) await way[Symbol.asyncDispose]();
  return connected;
}

async function tryConnect(way: Way, options: ConnectOptions): Promise<Result<Connected>> {
  const { name, privilege, ask, signal, onStep } = options;
  const steps = new Steps(onStep);
  steps.begin("shell");
  const hub = await Hub.start(way.open(["perl"]), { name, watched: true, ...(signal ? { signal } : {}) });
  if (!hub.ok) return steps.failed("shell", hub.fault);
  const { kernel, hostname, uid } = hub.value.greeting;
  if (!kernel.startsWith("Linux ")) {
    await hub.value[Symbol.asyncDispose]();
    return steps.failed(
      "shell",
      fail("missing", `${name} is not a Linux machine`, {
        fix: "Labs are built by a Linux kernel. Name a Linux machine, or use the built-in VM (hoplab vm up).",
      }).fault,
    );
  }
  steps.done("shell", `${hostname}, ${kernel}, user id ${uid}`);
  steps.begin("privileges");
  const privileged = await becomePrivileged(hub.value, {
    target: name,
    choice: privilege,
    open: (argv) => (way.several ? way.open(argv) : hub.value.spawn(argv)),
    ...(ask ? { ask } : {}),
    ...(signal ? { signal } : {}),
  });
  if (!privileged.ok) {
    await hub.value[Symbol.asyncDispose]();
    return steps.failed("privileges", privileged.fault);
  }
  steps.done("privileges", privileged.value.runsAs);
  const { hub: chosen } = privileged.value;
  if (chosen !== hub.value && way.several) await hub.value[Symbol.asyncDispose]();
  const first = chosen !== hub.value && !way.several ? hub.value : undefined;
  const target = new HubTarget(name, chosen, { remote: true, way: first ? inTurn(first, way) : way });
  return ok({ target, runsAs: privileged.value.runsAs, kernel });
}

function inTurn(...disposables: AsyncDisposable[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      for (const one of disposables) await one[Symbol.asyncDispose]();
    },
  };
}

/** A way through any command that runs its arguments. What is started there is started through its one hub. */
export function commandWay(command: readonly string[]): Way {
  let process: Process | undefined;
  return {
    several: false,
    open: (argv) => {
      process = spawnHere([...command, ...argv]);
      return process;
    },
    async [Symbol.asyncDispose]() {
      process?.kill("SIGTERM");
    },
  };
}

/** Tells each step when it begins and how it ends. */
export class Steps {
  readonly #tell: (step: TargetStep) => void;

  constructor(tell: ((step: TargetStep) => void) | undefined) {
    this.#tell = tell ?? (() => {});
  }

  begin(step: TargetStepName): void {
    this.#tell({ step, state: "running", detail: "" });
  }

  done(step: TargetStepName, detail: string): void {
    this.#tell({ step, state: "ok", detail });
  }

  failed(step: TargetStepName, fault: Fault): { ok: false; fault: Fault } {
    this.#tell({ step, state: "failed", detail: fault.message, ...(fault.fix ? { fix: fault.fix } : {}) });
    return { ok: false, fault };
  }
}
