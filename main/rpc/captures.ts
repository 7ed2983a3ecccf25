/** The captures of one Hoplab: those that run, and those that were loaded from the shelf. */

import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { Capture, Packet } from "../../preload/contract/calls.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import type { Sandbox } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { InterfaceRef, Topology } from "../../preload/contract/topology.ts";
import { interfacesFor } from "../capture/send.ts";
import { CaptureSession } from "../capture/session.ts";
import { listShelf, newCaptureId, readBeside, readShelved } from "../capture/shelf.ts";
import type { JourneyWithLayers } from "../capture/store.ts";
import { WorkerStore } from "../capture/worker-store.ts";
import { type Era, eraOf } from "../cause/era.ts";
import { explainCauses } from "../cause/explain-causes.ts";
import { neededLookups } from "../cause/lookup.ts";
import type { OpenSandbox } from "../sandbox/open-sandbox.ts";

/** A capture that can be asked: a running or stopped session, or one loaded from the shelf. */
interface OpenCapture {
  capture: () => Capture;
  store: WorkerStore;
  eras: () => readonly Era[];
  session?: CaptureSession;
}

export interface CapturesOptions {
  /** The folder where captures are kept. */
  shelf: string;
  onCapture: (capture: Capture) => void;
  onPackets: (capture: Capture, packets: Packet[]) => void;
  /** Opens the same sandbox again after its target was lost and is back. */
  reopen: (sandbox: OpenSandbox, signal: AbortSignal) => Promise<Result<OpenSandbox>>;
}

/** Captures that are not running and stay loaded, so that looking back at them is quick. */
const LOADED_CAPTURES = 6;

export class Captures implements AsyncDisposable {
  readonly #options: CapturesOptions;
  readonly #open = new Map<string, OpenCapture>();
  /** Captures being started, by target and sandbox, so that two clients share one. */
  readonly #starting = new Map<string, Promise<Result<CaptureSession>>>();

  constructor(options: CapturesOptions) {
    this.#options = options;
  }

  /** Those that are open and those on the shelf, newest first. */
  async list(): Promise<Capture[]> {
    const live = [...this.#open.values()].map((one) => one.capture());
    const shelved = await listShelf(this.#options.shelf);
    const open = new Set(live.map((one) => one.id));
    return [...live, ...shelved.filter((one) => !open.has(one.id))].sort((a, b) => b.startedAt - a.startedAt);
  }

  /** The running capture of a sandbox, with these interfaces added; a new one where none runs. */
  async start(
    sandbox: OpenSandbox,
    interfaces: readonly InterfaceRef[] | undefined,
    filter?: string,
  ): Promise<Result<CaptureSession>> {
    const { name, pid, target } = sandbox.sandbox;
    const key = `${target}/${name}`;
    const chosen = interfaces ? { interfaces, left: [], why: "" } : interfacesFor(sandbox.topology);
    const running = this.#starting.get(key) ?? this.#running(target, pid);
    if (running) {
      const session = running instanceof CaptureSession ? ok(running) : await running;
      if (!session.ok) return session;
      if (!interfaces) session.value.choose = interfacesFor;
      if (session.value.sandbox.sandbox.revision !== sandbox.sandbox.revision) await session.value.adopt(sandbox);
      const added = await session.value.add(chosen.interfaces);
      return added.ok ? session : added;
    }
    const id = newCaptureId(name, new Date(), randomBytes(2).toString("hex"));
    const starting = CaptureSession.start(sandbox, chosen.interfaces, {
      id,
      folder: join(this.#options.shelf, id),
      ...(filter ? { filter } : {}),
      reopen: (signal) => this.#options.reopen(sandbox, signal),
      onChange: ({ packets, capture }) => {
        if (packets.length > 0 || capture.running) this.#options.onPackets(capture, packets);
        if (packets.length === 0) this.#options.onCapture(capture);
      },
    });
    this.#starting.set(key, starting);
    const session = await starting;
    this.#starting.delete(key);
    if (!session.ok) return session;
    if (!interfaces) session.value.choose = interfacesFor;
    session.value.leave(chosen.left, chosen.why);
    this.#open.set(id, {
      capture: () => session.value.capture,
      store: session.value.store,
      eras: () => session.value.eras,
      session: session.value,
    });
    this.#unloadOldest();
    this.#options.onCapture(session.value.capture);
    return session;
  }

  /** Faults: `not-found`. */
  async stop(id: string): Promise<Result<Capture>> {
    const found = this.#open.get(id);
    if (!found) return noCapture(id);
    return found.session ? found.session.stop() : ok(found.capture());
  }

  /** The lab is about to become another; `adopt` must follow. */
  release({ pid, target }: Sandbox, next: Topology): void {
    this.#running(target, pid)?.release(next);
  }

  /** Lets the running capture of a sandbox follow what the lab has become. */
  async adopt(sandbox: OpenSandbox): Promise<void> {
    await this.#running(sandbox.sandbox.target, sandbox.sandbox.pid)?.adopt(sandbox);
  }

  /** Those of the sandboxes whose running capture knows them as they were before a change. */
  outdated(sandboxes: readonly Sandbox[]): Sandbox[] {
    return sandboxes.filter(({ target, pid, revision }) => {
      const session = this.#running(target, pid);
      return session !== undefined && session.sandbox.sandbox.revision !== revision;
    });
  }

  /** Ends the captures of the sandboxes for which that holds; `problem` says why where no person asked for it. */
  async stopWhere(
    holds: (target: string, pid: number) => boolean,
    problem?: (sandbox: string) => string,
  ): Promise<void> {
    for (const { session } of this.#open.values()) {
      if (!session?.capture.running) continue;
      const { target, pid, name } = session.sandbox.sandbox;
      if (holds(target, pid)) await session.stop(problem?.(name));
    }
  }

  /** The open capture of that id, loaded from the shelf where it is not open. Faults: `not-found`. */
  async load(id: string): Promise<Result<OpenCapture>> {
    const open = this.#open.get(id);
    if (open) return ok(open);
    const shelved = await readShelved(this.#options.shelf, id);
    if (!shelved) return noCapture(id);
    const beside = await readBeside(dirname(shelved.file));
    const store = new WorkerStore({ path: shelved.file, ...(beside.topology ? { topology: beside.topology } : {}) });
    for (const { state } of beside.eras) store.setState(state);
    const read = await store.call("readAll");
    const capture: Capture = { ...shelved, frames: read.frames, packets: read.packets };
    const opened: OpenCapture = { capture: () => capture, store, eras: () => beside.eras };
    this.#open.set(id, opened);
    this.#unloadOldest();
    return ok(opened);
  }

  /** Finds the causes in the state of the packet's time; asks for routes as long as that is now. */
  async explain(open: OpenCapture, { journey, layers, at }: JourneyWithLayers): Promise<Journey> {
    const era = eraOf(open.eras(), at);
    if (!era) return journey;
    if (open.session?.capture.running && era === open.eras().at(-1)) {
      await open.session.lookUp(neededLookups(journey, layers, era.state));
    }
    return explainCauses(journey, layers, era.state, era.lookups);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { session, store } of this.#open.values()) {
      await session?.stop();
      await store[Symbol.asyncDispose]();
    }
    this.#open.clear();
  }

  #running(target: string, pid: number): CaptureSession | undefined {
    return [...this.#open.values()]
      .map((one) => one.session)
      .find((session) => {
        const sandbox = session?.sandbox.sandbox;
        return session?.capture.running && sandbox?.pid === pid && sandbox.target === target;
      });
  }

  /** Lets go of the captures that were loaded longest ago; they stay on the shelf. */
  #unloadOldest(): void {
    const idle = [...this.#open].filter(([, open]) => !open.capture().running);
    for (const [id, open] of idle.slice(0, Math.max(0, idle.length - LOADED_CAPTURES))) {
      this.#open.delete(id);
      void open.store[Symbol.asyncDispose]();
    }
  }
}

function noCapture(id: string): Result<never> {
  return fail("not-found", `there is no capture ${JSON.stringify(id)}`, { fix: "capture.list names those there are." });
}
