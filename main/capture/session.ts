/**
 * One running capture: two tcpdumps per interface (what comes in, what goes out), one worker that writes and
 * follows what they see, and the kernel state that explains it.
 *
 * Why two: a pcap stream of one interface does not say which way a frame went, and it can't be told from its
 * MACs where a bridge port with hairpin reflects a frame to its sender.
 */

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Capture, Packet } from "../../preload/contract/calls.ts";
import { type Fault, fail, messageOf, ok, type Result } from "../../preload/contract/result.ts";
import { type InterfaceRef, interfaceName } from "../../preload/contract/topology.ts";
import { lookupKey, type RouteLookup } from "../cause/lookup.ts";
import type { KernelState } from "../cause/state.ts";
import { type DirectionNumber, IN, OUT } from "../journey/wiring.ts";
import type { OpenSandbox } from "../sandbox/open-sandbox.ts";
import { lookUpRoutes, readKernelState } from "../sandbox/state.ts";
import { commandFault } from "../target/run.ts";
import type { Process } from "../target/target.ts";
import { STATE_FILE, TOPOLOGY_FILE, writeRecord } from "./shelf.ts";
import { announced, tcpdumpArgv } from "./tcpdump.ts";
import { type StoreChange, WorkerStore } from "./worker-store.ts";

/** How often the drop counters are asked for while frames arrive. */
const DROPS_MS = 2000;

interface Tap {
  ref: InterfaceRef;
  process: Process;
  /** tcpdump's pid inside the sandbox. */
  pid: number | undefined;
  dropped: number;
  ended: Promise<void>;
}

export interface SessionOptions {
  /** The folder to make for this capture. */
  folder: string;
  id: string;
  /** A tcpdump filter. */
  filter?: string;
  onChange?: (change: { packets: Packet[]; capture: Capture }) => void;
}

export class CaptureSession implements AsyncDisposable {
  readonly sandbox: OpenSandbox;
  readonly store: WorkerStore;
  /** Kernel state read while the capture ran, oldest first. */
  readonly states: KernelState[] = [];
  readonly lookups = new Map<string, string>();
  readonly #options: SessionOptions;
  readonly #taps: Tap[] = [];
  readonly #captured = new Set<string>();
  readonly #startedAt = Date.now();
  #left: Capture["left"];
  #frames = 0;
  #packets = 0;
  #bytes = 0;
  #problem: string | undefined;
  #running = true;
  #looking: Promise<void> = Promise.resolve();
  #dropTimer: NodeJS.Timeout | undefined;
  #framesAtDrops = 0;
  #stopped: Promise<Result<Capture>> | undefined;

  private constructor(sandbox: OpenSandbox, options: SessionOptions) {
    this.sandbox = sandbox;
    this.#options = options;
    this.store = new WorkerStore({
      path: this.file,
      topology: sandbox.topology,
      write: { lab: sandbox.sandbox.lab, startedAt: this.#startedAt },
    });
    this.store.onChange = (change) => this.#take(change);
    this.store.onBroken = (message) => {
      this.#problem ??= message;
      void this.stop();
    };
  }

  /** Starts capturing on the interfaces. Answers when every tcpdump listens. After a fault nothing is left running. */
  static async start(
    sandbox: OpenSandbox,
    interfaces: readonly InterfaceRef[],
    options: SessionOptions,
  ): Promise<Result<CaptureSession>> {
    try {
      await mkdir(options.folder, { recursive: true, mode: 0o700 });
      await writeFile(join(options.folder, TOPOLOGY_FILE), JSON.stringify(sandbox.topology), { mode: 0o600 });
    } catch (error) {
      return fail("storage", `the capture's folder ${options.folder} can't be written: ${messageOf(error)}`, {
        fix: "Free some space, or choose another data folder with HOPLAB_DATA.",
      });
    }
    const session = new CaptureSession(sandbox, options);
    const added = await session.add(interfaces);
    if (!added.ok) {
      await session[Symbol.asyncDispose]();
      await rm(options.folder, { recursive: true, force: true });
      return added;
    }
    session.#dropTimer = setInterval(() => session.#askDrops(), DROPS_MS);
    session.#dropTimer.unref();
    return ok(session);
  }

  get file(): string {
    return join(this.#options.folder, "capture.pcapng");
  }

  /** Captures on these interfaces too; those already captured are left as they are. */
  async add(interfaces: readonly InterfaceRef[]): Promise<Result<null>> {
    const wanted = interfaces.filter((ref) => !this.#captured.has(interfaceName(ref)));
    if (wanted.length === 0) return ok(null);
    const starts: Promise<Result<null>>[] = [];
    for (const ref of wanted) {
      this.#captured.add(interfaceName(ref));
      const index = await this.store.call("addInterface", ref);
      starts.push(this.#tap(ref, index, IN), this.#tap(ref, index, OUT));
    }
    for (const started of await Promise.all(starts)) if (!started.ok) return started;
    await this.#readState();
    await this.#writeRecord();
    return ok(null);
  }

  /** Says which interfaces of the lab are not captured, and why. */
  leave(interfaces: readonly InterfaceRef[], why: string): void {
    const left = interfaces.map(interfaceName).filter((name) => !this.#captured.has(name));
    this.#left = left.length > 0 ? { interfaces: left, why } : undefined;
  }

  /** What the capture is now. */
  get capture(): Capture {
    return {
      id: this.#options.id,
      sandbox: this.sandbox.sandbox.name,
      lab: this.sandbox.sandbox.lab,
      file: this.file,
      startedAt: this.#startedAt,
      running: this.#running,
      interfaces: [...this.#captured],
      ...(this.#left ? { left: this.#left } : {}),
      frames: this.#frames,
      packets: this.#packets,
      dropped: this.#taps.reduce((sum, tap) => sum + tap.dropped, 0),
      bytes: this.#bytes,
      ...(this.#problem ? { problem: this.#problem } : {}),
    };
  }

  /** Reads the kernel's state once more: neighbours and FDB entries were learned meanwhile. */
  async refreshState(): Promise<void> {
    await this.#readState();
    await this.#looking;
  }

  async #readState(): Promise<void> {
    const netns = [...new Set(this.#taps.map((tap) => tap.ref.netns))];
    const state = await readKernelState(this.sandbox, netns);
    if (!state.ok) return; // the sandbox is gone: what was read before still explains what was captured
    this.states.push(state.value);
    if (this.states.length > 3) this.states.splice(1, this.states.length - 3); // the first, and the last two
    this.store.setState(state.value);
  }

  /** Asks the kernel for these routes; what it answered before is not asked again. */
  async lookUp(lookups: readonly RouteLookup[]): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      const missing = lookups.filter((lookup) => !this.lookups.has(lookupKey(lookup)));
      const found = await lookUpRoutes(this.sandbox, missing);
      if (found.ok) for (const [key, line] of found.value) this.lookups.set(key, line);
    });
    await this.#looking;
  }

  /** Ends the tcpdumps, takes in what they still had, and writes down what was captured. */
  stop(): Promise<Result<Capture>> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<Result<Capture>> {
    clearInterval(this.#dropTimer);
    await this.refreshState();
    for (const tap of this.#taps) tap.process.kill("SIGTERM");
    await Promise.all(this.#taps.map((tap) => tap.ended));
    this.#running = false;
    await this.#looking;
    try {
      await this.store.call("finish");
      await this.#writeRecord();
    } catch (error) {
      this.#problem ??= messageOf(error); // a full disk: what was written before stays
    }
    this.#options.onChange?.({ packets: [], capture: this.capture });
    return ok(this.capture);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.store[Symbol.asyncDispose]();
  }

  #tap(ref: InterfaceRef, index: number, direction: DirectionNumber): Promise<Result<null>> {
    const argv = tcpdumpArgv(ref.interface, direction === IN ? "in" : "out", this.#options.filter);
    const process = this.sandbox.stream(ref.netns, announced(argv, this.sandbox.sandbox.rootless));
    process.stdin.on("error", () => {});
    process.stdin.end();
    const push = this.store.openStream(index, direction);
    process.stdout.on("data", (chunk: Buffer) => push(chunk));
    const tap: Tap = { ref, process, pid: undefined, dropped: 0, ended: Promise.resolve() };
    this.#taps.push(tap);
    return new Promise((resolve) => {
      const stderr: string[] = [];
      createInterface({ input: process.stderr }).on("line", (line) => {
        const pid = /^hoplab:pid (\d+)$/.exec(line)?.[1];
        if (pid) tap.pid = Number(pid);
        else if (stderr.length < 50) stderr.push(line);
        const dropped = /(\d+) packets? dropped by kernel/.exec(line)?.[1];
        if (dropped) tap.dropped = Number(dropped);
        if (line.includes("listening on ")) resolve(ok(null));
      });
      tap.ended = process.exited.then((exit) => {
        const fault = commandFault(
          this.sandbox.target,
          argv,
          exit,
          stderr.join("\n"),
          `capturing ${interfaceName(ref)}`,
        );
        const isFilter = stderr.some((line) => line.includes("can't parse filter") || line.includes("syntax error"));
        resolve({
          ok: false,
          fault: isFilter
            ? this.#filterFault(fault)
            : { ...fault, message: `capturing on ${interfaceName(ref)}: ${fault.message}` },
        });
      });
    });
  }

  #filterFault({ command }: Fault): Fault {
    return {
      code: "bad-input",
      message: `tcpdump does not understand the filter ${JSON.stringify(this.#options.filter)}`,
      fix: "Write it as in pcap-filter(7), e.g. 'icmp or udp port 8472'.",
      ...(command ? { command } : {}),
    };
  }

  #take(change: StoreChange): void {
    this.#frames = change.frames;
    this.#packets = change.total;
    this.#bytes = change.bytes;
    if (change.lookups.length > 0) void this.lookUp(change.lookups);
    this.#options.onChange?.({ packets: change.packets, capture: this.capture });
  }

  /** SIGUSR1 makes tcpdump print its counters. */
  #askDrops(): void {
    if (this.#frames === this.#framesAtDrops) return;
    this.#framesAtDrops = this.#frames;
    const pids = this.#taps.flatMap((tap) => tap.pid ?? []);
    void this.sandbox.run(["kill", "-USR1", ...pids.map(String)]);
  }

  async #writeRecord(): Promise<void> {
    await writeRecord(this.#options.folder, this.capture);
    const state = { states: this.states, lookups: Object.fromEntries(this.lookups) };
    await writeFile(join(this.#options.folder, STATE_FILE), JSON.stringify(state), { mode: 0o600 });
  }
}
