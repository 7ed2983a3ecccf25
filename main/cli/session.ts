/** One run of the command line: the backend, how results are printed, and the exit code. */

import type { CallArgument, CallInput, CallName, CallOutput, CallProgress } from "../../preload/contract/calls.ts";
import { calls } from "../../preload/contract/calls.ts";
import type { Sandbox } from "../../preload/contract/lab.ts";
import { type Fault, fail, type Result } from "../../preload/contract/result.ts";
import { userDataDir } from "../rpc/data-dir.ts";
import { createBackend, type LabBackend } from "../rpc/lab-backend.ts";
import type { Elevation } from "../target/elevated-target.ts";
import type { Target } from "../target/target.ts";
import { terminalAsk } from "./ask.ts";
import { LABS_DIR } from "./places.ts";
import { printFault } from "./print.ts";

/** Exit codes: 0 ok, 1 a check, lab or command failed, 2 bad usage or input. */
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

export interface CliOptions {
  json?: boolean;
  sudo?: boolean;
  pkexec?: boolean;
  /** The target of everything this command does. */
  target: string;
  acceptNewHostKey?: boolean;
}

export class CliSession implements AsyncDisposable {
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly backend: LabBackend;

  readonly #target: string;

  private constructor(options: CliOptions, signal: AbortSignal, backend: LabBackend) {
    this.json = options.json === true;
    this.#target = options.target;
    this.signal = signal;
    this.backend = backend;
  }

  static async open(options: CliOptions, more: { open?: string } = {}): Promise<CliSession> {
    const elevate = elevation(options);
    const ask = terminalAsk();
    const backend = await createBackend({
      labsDir: LABS_DIR,
      dataDir: userDataDir(),
      target: options.target,
      acceptNewHostKey: options.acceptNewHostKey ?? false,
      ...(ask ? { ask } : {}),
      ...more,
      ...(elevate ? { elevate } : {}),
    });
    return new CliSession(options, cancelled(), backend);
  }

  /** The labs that are up on the target of this command. */
  sandboxes(): Promise<Result<Sandbox[]>> {
    return this.call("sandbox.list", { target: this.#target });
  }

  /** The target of this command, connected. */
  target(): Promise<Result<Target>> {
    return this.backend.targets.use(this.#target, { signal: this.signal });
  }

  /** Calls the backend the way every client does: the input is checked by the contract first. */
  async call<N extends CallName>(
    name: N,
    input: CallInput<N>,
    onProgress: (progress: CallProgress<N>) => void = () => {},
  ): Promise<Result<CallOutput<N>>> {
    const parsed = calls[name].input.safeParse(input);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return fail("bad-input", `${issue?.path.join(".") || name}: ${issue?.message ?? "not allowed"}`);
    }
    const handler = this.backend.handlers[name];
    return handler(parsed.data as CallArgument<N>, { signal: this.signal, progress: onProgress });
  }

  /** Prints a result: JSON on stdout where asked for, else what `text` makes of it. Sets the exit code. */
  print<T>(result: Result<T>, text: (value: T) => string, json: (value: T) => unknown = (value) => value): void {
    if (!result.ok) {
      this.fault(result.fault);
      return;
    }
    const output = this.json ? JSON.stringify(json(result.value)) : text(result.value);
    if (output) process.stdout.write(`${output}\n`);
  }

  fault(fault: Fault): void {
    printFaultAs(fault, this.json);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.backend[Symbol.asyncDispose]();
  }
}

/** What Hoplab should become root through. */
function elevation(options: CliOptions): Elevation | undefined {
  return options.sudo ? "sudo" : options.pkexec ? "pkexec" : undefined;
}

/** A fault goes to stderr for people, to stdout as JSON for programs; bad input exits 2, the rest 1. */
export function printFaultAs(fault: Fault, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ fault })}\n`);
  else process.stderr.write(`${printFault(fault)}\n`);
  process.exitCode = fault.code === "bad-input" || fault.code === "not-found" ? EXIT_USAGE : EXIT_FAILED;
}

/** Aborts at the first Ctrl-C, so that a build is undone; a second one ends the process at once. */
function cancelled(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  }
  return controller.signal;
}
