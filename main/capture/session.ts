/**
 * One running capture: two tcpdumps per interface (what comes in, what goes out), one worker that writes and
 * follows what they see, and the kernel state that explains it. A target that is lost leaves a gap; the capture goes on
 * in the same file when the target is back.
 *
 * Why two: a pcap stream of one interface does not say which way a frame went, and it can't be told from its
 * MACs where a bridge port with hairpin reflects a frame to its sender.
 */

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Capture, CaptureGap, Packet } from "../../preload/contract/calls.ts";
import { type Fault, fail, messageOf, ok, type Result } from "../../preload/contract/result.ts";
import { type InterfaceRef, interfaceName, type Topology } from "../../preload/contract/topology.ts";
import { type Era, withState } from "../cause/era.ts";
import { lookupKey, type RouteLookup } from "../cause/lookup.ts";
import { type DirectionNumber, IN, OUT } from "../journey/wiring.ts";
import { findDifference } from "../plan/difference.ts";
import type { OpenSandbox } from "../sandbox/open-sandbox.ts";
import { lookUpRoutes, readKernelState } from "../sandbox/state.ts";
import { commandFault } from "../target/run.ts";
import type { Process } from "../target/target.ts";
import { allInterfaces, type Choice, withFormer } from "./interfaces.ts";
import { TOPOLOGY_FILE, writeEras, writeRecord } from "./shelf.ts";
import { tcpdumpArgv } from "./tcpdump.ts";
import { type StoreChange, WorkerStore } from "./worker-store.ts";

/** How often the drop counters are asked for while frames arrive. */
const DROPS_MS = 2000;
/** How often it is looked whether the target is still heard of, and after what silence the capture counts as stalled. */
const SILENCE_LOOK_MS = 500;
const STALLED_MS = 4000;

interface Tap {
  ref: InterfaceRef;
  process: Process;
  dropped: number;
  listening: boolean;
  ended: Promise<void>;
}

export interface SessionOptions {
  /** The folder to make for this capture. */
  folder: string;
  id: string;
  /** A tcpdump filter. */
  filter?: string;
  onChange?: (change: { packets: Packet[]; capture: Capture }) => void;
  /**
   * Opens the same sandbox again after its target was lost; waits until that is possible. A fault ends the capture.
   * Without it, a lost target ends the capture at once.
   */
  reopen?: (signal: AbortSignal) => Promise<Result<OpenSandbox>>;
}

export class CaptureSession implements AsyncDisposable {
  readonly store: WorkerStore;
  /** Set where the lab as a whole was asked for: which of its interfaces, also when it has become another. */
  choose: ((topology: Topology) => Choice) | undefined;
  readonly #options: SessionOptions;
  readonly #startedAt = Date.now();
  /** By name, with the worker's number of each. */
  readonly #captured = new Map<string, { ref: InterfaceRef; index: number }>();
  readonly #failed = new Map<string, string>();
  /** Those that go in a change of the lab that is under way. */
  readonly #released = new Map<string, InterfaceRef>();
  readonly #gaps: CaptureGap[] = [];
  readonly #reopening = new AbortController();
  #eras: Era[] = [];
  /** When a change of the lab began that is under way, by the clock of who captures. */
  #changing: number | undefined;
  #sandbox: OpenSandbox;
  /** With what was there earlier. */
  #topology: Topology;
  #taps: Tap[] = [];
  /** Frames that were dropped before the target was lost. */
  #droppedBefore = 0;
  #left: Capture["left"];
  #frames = 0;
  #packets = 0;
  #bytes = 0;
  #problem: string | undefined;
  #stalledSince: number | undefined;
  #running = true;
  #looking: Promise<void> = Promise.resolve();
  #timers: NodeJS.Timeout[] = [];
  #framesAtDrops = 0;
  #framesAtState = 0;
  #stopped: Promise<Result<Capture>> | undefined;

  private constructor(sandbox: OpenSandbox, options: SessionOptions) {
    this.#sandbox = sandbox;
    this.#topology = sandbox.topology;
    this.#options = options;
    const clockOffset = sandbox.target.link?.clockOffset() ?? 0;
    this.store = new WorkerStore({
      path: this.file,
      topology: sandbox.topology,
      write: { lab: sandbox.sandbox.lab, startedAt: this.#startedAt + clockOffset, clockOffset },
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
    session.#timers = [
      setInterval(() => session.#askDrops(), DROPS_MS).unref(),
      setInterval(() => session.#lookAtSilence(), SILENCE_LOOK_MS).unref(),
    ];
    session.#watchTarget();
    return ok(session);
  }

  /** What the kernel knew while the capture ran, oldest first. */
  get eras(): readonly Era[] {
    return this.#eras;
  }

  get sandbox(): OpenSandbox {
    return this.#sandbox;
  }

  get file(): string {
    return join(this.#options.folder, "capture.pcapng");
  }

  /** Captures on these interfaces too; those already captured are left as they are, those that failed are tried again. */
  async add(interfaces: readonly InterfaceRef[]): Promise<Result<null>> {
    const wanted = interfaces.filter((ref) => !this.#captured.has(interfaceName(ref)));
    if (wanted.length === 0) return ok(null);
    for (const ref of wanted) {
      const index = await this.store.call("addInterface", ref);
      this.#captured.set(interfaceName(ref), { ref, index });
      this.#failed.delete(interfaceName(ref));
    }
    const [started] = await Promise.all([this.#tapAll(wanted), this.#readState()]);
    if (!started.ok) {
      for (const ref of wanted) this.#untap(interfaceName(ref));
      return started;
    }
    await this.#writeRecord();
    return ok(null);
  }

  /** The lab is about to become another: what goes, perhaps to be made anew, is not captured any more. */
  release(next: Topology): void {
    this.#changing = Date.now() + (this.#sandbox.target.link?.clockOffset() ?? 0);
    this.#untapWhatGoes(next);
  }

  #untapWhatGoes(next: Topology): void {
    const { left, stayed } = findDifference(this.#sandbox.topology, next);
    const going = [
      ...left.map(({ name, interfaces }) => ({ name, interfaces })),
      ...stayed.map(({ after, gone }) => ({ name: after.name, interfaces: gone })),
    ];
    for (const { name: netns, interfaces } of going) {
      for (const { name } of interfaces) {
        const ref = { netns, interface: name };
        if (this.#captured.has(interfaceName(ref))) this.#released.set(interfaceName(ref), ref);
        this.#untap(interfaceName(ref));
      }
    }
  }

  /**
   * The lab has become another, or has stayed what it was. Interfaces that are gone are not captured any more, and that is
   * no failure; those that are there, made anew perhaps, are captured again. New ones are captured where the lab as a whole
   * was asked for, else by the next who asks.
   */
  async adopt(changed: OpenSandbox): Promise<Result<null>> {
    this.#untapWhatGoes(changed.topology);
    this.#sandbox.renew(changed);
    this.#topology = withFormer(changed.topology, this.#topology);
    await this.store.call("rewire", this.#topology);
    await writeFile(join(this.#options.folder, TOPOLOGY_FILE), JSON.stringify(this.#topology), { mode: 0o600 });
    const failed = new Set(this.#failed.keys());
    this.#failed.clear();
    const again = allInterfaces(changed.topology).filter((ref) => {
      const name = interfaceName(ref);
      return this.#released.has(name) || failed.has(name);
    });
    this.#released.clear();
    const chosen = this.choose?.(changed.topology);
    const wanted = new Map([...again, ...(chosen?.interfaces ?? [])].map((ref) => [interfaceName(ref), ref]));
    const isMore = [...wanted.keys()].some((name) => !this.#captured.has(name));
    const added = await this.add([...wanted.values()]);
    if (chosen) this.leave(chosen.left, chosen.why);
    if (!isMore) await this.#readState();
    this.#changing = undefined;
    this.#tell();
    return added;
  }

  /** Says which interfaces of the lab are not captured, and why. */
  leave(interfaces: readonly InterfaceRef[], why: string): void {
    const left = interfaces.map(interfaceName).filter((name) => !this.#captured.has(name));
    this.#left = left.length > 0 ? { interfaces: left, why } : undefined;
  }

  /** What the capture is now. */
  get capture(): Capture {
    const failed = [...this.#failed].map(([name, why]) => ({ interface: name, why }));
    return {
      id: this.#options.id,
      target: this.#sandbox.target.id,
      sandbox: this.#sandbox.sandbox.name,
      lab: this.#sandbox.sandbox.lab,
      file: this.file,
      startedAt: this.#startedAt,
      running: this.#running,
      interfaces: [...this.#captured.keys()],
      ...(this.#left ? { left: this.#left } : {}),
      frames: this.#frames,
      packets: this.#packets,
      dropped: this.#droppedBefore + this.#taps.reduce((sum, tap) => sum + tap.dropped, 0),
      bytes: this.#bytes,
      ...(this.#problem ? { problem: this.#problem } : {}),
      ...(failed.length > 0 ? { failed } : {}),
      gaps: this.#gaps,
      ...(this.#stalledSince === undefined ? {} : { stalledSince: this.#stalledSince }),
    };
  }

  /** Reads the kernel's state once more: neighbours and FDB entries were learned meanwhile. */
  async refreshState(): Promise<void> {
    // What no packet has passed since has learned nothing since.
    if (this.#framesAtState !== this.#frames) await this.#readState();
    await this.#looking;
  }

  async #readState(): Promise<void> {
    this.#framesAtState = this.#frames;
    const netns = [...new Set([...this.#captured.values()].map(({ ref }) => ref.netns))];
    const state = await readKernelState(this.#sandbox, netns);
    if (!state.ok) return; // the sandbox is gone: what was read before still explains what was captured
    this.#eras = withState(this.#eras, state.value, this.#changing);
    this.store.setState(state.value);
  }

  /** Asks the kernel for these routes; what it answered before, in this era, is not asked again. */
  async lookUp(lookups: readonly RouteLookup[]): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      const known = this.#eras.at(-1)?.lookups;
      // While the lab changes, nobody knows which era an answer belongs to.
      if (!known || this.#changing !== undefined) return;
      const found = await lookUpRoutes(
        this.#sandbox,
        lookups.filter((lookup) => !known.has(lookupKey(lookup))),
      );
      if (found.ok && this.#changing === undefined) for (const [key, line] of found.value) known.set(key, line);
    });
    await this.#looking;
  }

  /** Ends the tcpdumps, takes in what they still had, and writes down what was captured, and why it ended if not by a person. */
  stop(problem?: string): Promise<Result<Capture>> {
    if (problem && !this.#stopped) this.#problem ??= problem;
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<Result<Capture>> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#reopening.abort();
    await this.refreshState();
    for (const tap of this.#taps) tap.process.kill("SIGTERM");
    await Promise.all(this.#taps.map((tap) => tap.ended));
    await this.#sandbox[Symbol.asyncDispose]();
    this.#running = false;
    this.#stalledSince = undefined;
    const gap = this.#gaps.at(-1);
    if (gap) gap.to ??= Date.now();
    await this.#looking;
    try {
      await this.store.call("finish");
      await this.#writeRecord();
    } catch (error) {
      this.#problem ??= messageOf(error); // a full disk: what was written before stays
    }
    this.#tell();
    return ok(this.capture);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.store[Symbol.asyncDispose]();
  }

  async #tapAll(refs: readonly InterfaceRef[]): Promise<Result<null>> {
    const starts = refs.flatMap((ref) => [this.#tap(ref, IN), this.#tap(ref, OUT)]);
    for (const started of await Promise.all(starts)) if (!started.ok) return started;
    return ok(null);
  }

  /** Starts one tcpdump; answers when it listens. */
  async #tap(ref: InterfaceRef, direction: DirectionNumber): Promise<Result<null>> {
    const name = interfaceName(ref);
    const argv = tcpdumpArgv({
      name: ref.interface,
      direction: direction === IN ? "in" : "out",
      filter: this.#options.filter,
      taps: this.#captured.size * 2,
    });
    const started = await this.#sandbox.stream(ref.netns, argv, { stdin: false });
    if (!started.ok) return started;
    const process = started.value;
    const push = this.store.openStream(this.#captured.get(name)?.index ?? 0, direction);
    process.stdout.on("data", (chunk: Buffer) => push(chunk));
    const tap: Tap = { ref, process, dropped: 0, listening: false, ended: Promise.resolve() };
    this.#taps.push(tap);
    return new Promise((resolve) => {
      const stderr: string[] = [];
      createInterface({ input: process.stderr }).on("line", (line) => {
        if (stderr.length < 50) stderr.push(line);
        const dropped = /(\d+) packets? dropped by kernel/.exec(line)?.[1];
        if (dropped) tap.dropped = Number(dropped);
        if (line.includes("listening on ")) {
          tap.listening = true;
          resolve(ok(null));
        }
      });
      tap.ended = process.exited.then((exit) => {
        const fault = commandFault(this.#sandbox.target, argv, exit, stderr.join("\n"), `capturing ${name}`);
        if (tap.listening && !exit.lost) this.#tapEnded(tap, fault);
        // The rest of the network can still be seen.
        if (!tap.listening && stderr.some((line) => line.includes("device is not up"))) {
          this.#captured.delete(name);
          this.#failed.set(name, "the interface is down");
          resolve(ok(null));
        }
        const isFilter = stderr.some((line) => line.includes("can't parse filter") || line.includes("syntax error"));
        resolve({
          ok: false,
          fault: isFilter ? this.#filterFault(fault) : { ...fault, message: `capturing on ${name}: ${fault.message}` },
        });
      });
    });
  }

  /** A tcpdump that nobody told to end, ended: its interface is no longer captured. */
  #tapEnded(tap: Tap, fault: Fault): void {
    const name = interfaceName(tap.ref);
    if (this.#stopped || !this.#captured.has(name)) return;
    this.#untap(name);
    this.#failed.set(name, fault.message);
    this.#tell();
  }

  #untap(name: string): void {
    this.#captured.delete(name);
    for (const tap of this.#taps) if (interfaceName(tap.ref) === name) tap.process.kill("SIGTERM");
  }

  #filterFault({ command }: Fault): Fault {
    return {
      code: "bad-input",
      message: `tcpdump does not understand the filter ${JSON.stringify(this.#options.filter)}`,
      fix: "Write it as in pcap-filter(7), e.g. 'icmp or udp port 8472'.",
      ...(command ? { command } : {}),
    };
  }

  #watchTarget(): void {
    void this.#sandbox.target.link?.lost.then((fault) => this.#bridgeGap(fault));
  }

  /** The target is lost: waits until it is back, and goes on where the capture was. */
  async #bridgeGap(fault: Fault): Promise<void> {
    if (this.#stopped) return;
    const gap: CaptureGap = { from: this.#stalledSince ?? Date.now(), why: fault.message };
    this.#gaps.push(gap);
    this.#stalledSince = undefined;
    this.#tell();
    const reopened = this.#options.reopen
      ? await this.#options.reopen(this.#reopening.signal)
      : ({ ok: false, fault } as const);
    if (this.#stopped) {
      if (reopened.ok) await reopened.value[Symbol.asyncDispose]();
      return;
    }
    if (!reopened.ok) return this.#giveUp(reopened.fault);
    const isChanged = reopened.value.sandbox.revision !== this.#sandbox.sandbox.revision;
    if (isChanged) this.#untapWhatGoes(reopened.value.topology);
    this.#sandbox = reopened.value;
    this.#droppedBefore += this.#taps.reduce((sum, tap) => sum + tap.dropped, 0);
    this.#taps = [];
    const link = this.#sandbox.target.link;
    if (link) this.store.setClock(link.clockOffset());
    this.#watchTarget();
    const tapped = await this.#tapAll([...this.#captured.values()].map(({ ref }) => ref));
    if (!tapped.ok) {
      // Lost again meanwhile: that one is bridged by its own turn.
      if (tapped.fault.code !== "gone") this.#giveUp(tapped.fault);
      return;
    }
    gap.to = Date.now();
    this.#tell();
    if (isChanged) await this.adopt(reopened.value);
    else {
      this.#changing = undefined;
      await this.#readState();
    }
  }

  #giveUp(fault: Fault): void {
    void this.stop(fault.message);
  }

  /** Silence of the target says nothing of the network, so a capture that hears nothing of it must not look quiet. */
  #lookAtSilence(): void {
    const silence = this.#sandbox.target.link?.silence() ?? 0;
    const isLost = this.#gaps.at(-1) !== undefined && this.#gaps.at(-1)?.to === undefined;
    const stalledSince = silence > STALLED_MS && !isLost ? Math.round(Date.now() - silence) : undefined;
    if ((stalledSince === undefined) === (this.#stalledSince === undefined)) return;
    this.#stalledSince = stalledSince;
    this.#tell();
  }

  #tell(): void {
    this.#options.onChange?.({ packets: [], capture: this.capture });
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
    // One that only begins would die of it.
    for (const tap of this.#taps) if (tap.listening) tap.process.kill("SIGUSR1");
  }

  async #writeRecord(): Promise<void> {
    await writeRecord(this.#options.folder, this.capture);
    await writeEras(this.#options.folder, this.#eras);
  }
}
