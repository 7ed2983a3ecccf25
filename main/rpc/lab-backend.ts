/** What Hoplab does for a page or a command: the contract's calls over labs, sandboxes and captures. */

import { randomBytes } from "node:crypto";
import { dirname, join, resolve, sep } from "node:path";
import type { Capture, EventName, Events, Sent } from "../../preload/contract/calls.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import type { Diagnosis, LabSummary, Sandbox } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { type InterfaceRef, interfaceName, type Topology } from "../../preload/contract/topology.ts";
import { allInterfaces, interfacesFor, sendAndFollow } from "../capture/send.ts";
import { CaptureSession } from "../capture/session.ts";
import { listShelf, newCaptureId, readBeside, readShelved } from "../capture/shelf.ts";
import type { JourneyWithLayers } from "../capture/store.ts";
import { WorkerStore } from "../capture/worker-store.ts";
import { explainCauses } from "../cause/explain-causes.ts";
import { neededLookups } from "../cause/lookup.ts";
import type { KernelState } from "../cause/state.ts";
import { type FoundLab, findLab, listLabs, summarizeLab } from "../lab/catalogue.ts";
import { requirementsOf } from "../lab/requirements.ts";
import { suggestTraffic } from "../lab/suggest.ts";
import { layOutLab } from "../layout/layout.ts";
import { listSandboxes } from "../sandbox/list.ts";
import { findInterface, type OpenSandbox, openSandbox } from "../sandbox/open-sandbox.ts";
import { startSandbox } from "../sandbox/start.ts";
import { readInterfaceState } from "../sandbox/state.ts";
import { resolveTraffic } from "../sandbox/traffic.ts";
import { chooseTarget } from "../target/choose-target.ts";
import type { Elevation } from "../target/elevated-target.ts";
import { diagnose, requireFeatures } from "../target/probe.ts";
import type { Target } from "../target/target.ts";
import type { Backend, EventListener, Handlers } from "./backend.ts";
import { VERSION } from "./version.ts";

export interface BackendOptions {
  /** The folder of the labs that come with Hoplab. */
  labsDir: string;
  /** Where captures are kept. */
  dataDir: string;
  /** The lab that the page should open first. */
  open?: string;
  /** Become root through this, asked once at the first start. */
  elevate?: Elevation;
}

/** A capture that can be asked: a running or stopped session, or one loaded from the shelf. */
interface OpenCapture {
  capture: () => Capture;
  store: WorkerStore;
  states: () => readonly KernelState[];
  lookups: ReadonlyMap<string, string>;
  session?: CaptureSession;
}

const IS_LINUX = process.platform === "linux";
const NEEDS_LINUX = {
  message: `labs are built by a Linux kernel, and this machine runs ${process.platform}`,
  fix: "Run Hoplab on a Linux machine or in a VM; targets over SSH and an embedded VM are on their way.",
};
/** Captures that are not running and stay loaded, so that looking back at them is quick. */
const LOADED_CAPTURES = 6;
/** How often the sandboxes are looked at while somebody listens. */
const WATCH_MS = 1500;
/** A single event tells at most this many packets; a page asks for the rest. */
const PACKETS_PER_EVENT = 1000;

/** Starts the product's core. Throws where Hoplab should become root and can't; the message says why. */
export async function createBackend(options: BackendOptions): Promise<Backend> {
  const target = await chooseTarget(options.elevate);
  if (!target.ok) throw new Error(`${target.fault.message}. ${target.fault.fix ?? ""}`);
  return new LabBackend(options, target.value);
}

class LabBackend implements Backend {
  readonly #options: BackendOptions;
  readonly #target: Target;
  readonly #listeners = new Set<EventListener>();
  readonly #captures = new Map<string, OpenCapture>();
  /** Captures being started, by sandbox, so that two clients share one. */
  readonly #starting = new Map<string, Promise<Result<CaptureSession>>>();
  /** By lab id: lab files that do not come with Hoplab. */
  readonly #files = new Map<string, string>();
  #watch: NodeJS.Timeout | undefined;
  #known = "";

  constructor(options: BackendOptions, target: Target) {
    this.#options = options;
    this.#target = target;
  }

  readonly handlers: Handlers = {
    hello: async () =>
      ok({
        version: VERSION,
        target: { id: this.#target.id, rootless: !this.#target.root, linux: IS_LINUX },
        ...(await this.#labToOpen()),
      }),
    "lab.list": async () => ok(await this.#listLabs()),
    "lab.open": async ({ lab }) => {
      const found = await this.#find(lab);
      if (!found.ok) return found;
      const { id, title, summary } = found.value.lab;
      const requires = requirementsOf(found.value.lab);
      const traffic = suggestTraffic(found.value.lab);
      const { file, guide } = found.value;
      const topology = layOutLab(found.value.lab);
      return ok({ lab: { id, title, summary, file, requires }, topology, guide, traffic });
    },
    "lab.up": async ({ lab, name }, { signal, progress }) => {
      if (!IS_LINUX) return fail("missing", NEEDS_LINUX.message, { fix: NEEDS_LINUX.fix });
      const found = await this.#find(lab);
      if (!found.ok) return found;
      progress({ done: 0, total: 1, why: `Checking that ${this.#target.id} has what the lab requires` });
      const required = await requireFeatures(this.#target, found.value.lab.id, requirementsOf(found.value.lab));
      if (!required.ok) return required;
      const topology = layOutLab(found.value.lab);
      const started = await startSandbox(this.#target, name ?? found.value.lab.id, topology, {
        signal,
        onProgress: progress,
        file: found.value.file,
      });
      await this.#lookAtSandboxes();
      return started;
    },
    "lab.down": async ({ sandbox }) => {
      const opened = await openSandbox(this.#target, sandbox);
      if (!opened.ok) return opened;
      for (const { session } of this.#captures.values()) {
        if (session?.sandbox.sandbox.pid === opened.value.sandbox.pid) await session.stop();
      }
      const ended = await opened.value.end();
      await this.#lookAtSandboxes();
      return ended;
    },
    "lab.doctor": async () =>
      IS_LINUX ? this.#diagnose() : fail("missing", NEEDS_LINUX.message, { fix: NEEDS_LINUX.fix }),
    "sandbox.list": async () => (IS_LINUX ? listSandboxes(this.#target) : ok([])),
    "sandbox.topology": async ({ sandbox }) => {
      const opened = await openSandbox(this.#target, sandbox);
      return opened.ok ? ok(opened.value.topology) : opened;
    },
    "sandbox.state": async ({ sandbox, netns, interface: name }) => {
      const opened = await openSandbox(this.#target, sandbox);
      if (!opened.ok) return opened;
      const namespace = opened.value.namespace(netns);
      if (!namespace.ok) return namespace;
      const item = findInterface(namespace.value, name);
      return item.ok ? readInterfaceState(opened.value, namespace.value.name, item.value) : item;
    },
    "capture.start": async ({ sandbox, interfaces, filter }) => {
      const opened = await openSandbox(this.#target, sandbox);
      if (!opened.ok) return opened;
      const chosen = interfaces ? chooseInterfaces(opened.value.topology, interfaces) : ok(undefined);
      if (!chosen.ok) return chosen;
      const session = await this.#startCapture(opened.value, chosen.value, filter);
      return session.ok ? ok(session.value.capture) : session;
    },
    "capture.stop": async ({ capture }) => {
      const found = this.#captures.get(capture);
      if (!found) return this.#noCapture(capture);
      return found.session ? found.session.stop() : ok(found.capture());
    },
    "capture.list": async () => {
      const live = [...this.#captures.values()].map((one) => one.capture());
      const shelved = await listShelf(this.#shelf);
      const open = new Set(live.map((one) => one.id));
      return ok([...live, ...shelved.filter((one) => !open.has(one.id))].sort((a, b) => b.startedAt - a.startedAt));
    },
    "capture.open": async ({ capture }) => {
      const found = await this.#openCapture(capture);
      return found.ok ? ok(found.value.capture()) : found;
    },
    "traffic.send": async ({ sandbox, traffic }, { signal }) => {
      const opened = await openSandbox(this.#target, sandbox);
      if (!opened.ok) return opened;
      const way = resolveTraffic(opened.value.topology, traffic);
      if (!way.ok) return way;
      const wanted = interfacesFor(opened.value.topology, way.value);
      const session = await this.#startCapture(opened.value, wanted.interfaces);
      if (!session.ok) return session;
      session.value.leave(wanted.left, wanted.why);
      const sent = await sendAndFollow(session.value, way.value, traffic, signal);
      if (!sent.ok) return sent;
      const answer: Sent = {
        capture: session.value.capture.id,
        sent: sent.value.sent,
        received: sent.value.received,
        output: sent.value.output,
        journeys: sent.value.packets.map((packet) => packet.journey),
        others: sent.value.others.map((packet) => packet.journey),
      };
      return ok(answer);
    },
    "packet.list": async ({ capture, first, count, at }) => {
      const found = await this.#openCapture(capture);
      return found.ok ? ok(await found.value.store.call("packets", first, count, at)) : found;
    },
    "journey.open": async ({ capture, journey }) => {
      const found = await this.#openCapture(capture);
      if (!found.ok) return found;
      const opened = await found.value.store.call("journey", journey);
      if (!opened) return fail("not-found", `the capture ${capture} has no packet number ${journey}`);
      return ok(await this.#explain(found.value, opened));
    },
    "frame.open": async ({ capture, frame }) => {
      const found = await this.#openCapture(capture);
      if (!found.ok) return found;
      const opened = await found.value.store.call("frame", frame);
      return opened ? ok(opened) : fail("not-found", `the capture ${capture} has no frame number ${frame}`);
    },
  };

  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    this.#watch ??= setInterval(() => void this.#lookAtSandboxes(), WATCH_MS).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#watch);
      this.#watch = undefined;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    for (const { session, store } of this.#captures.values()) {
      await session?.stop();
      await store[Symbol.asyncDispose]();
    }
    this.#captures.clear();
    await this.#target[Symbol.asyncDispose]();
  }

  async #diagnose(): Promise<Result<Diagnosis>> {
    return diagnose(this.#target, await this.#listLabs());
  }

  /** A lab by its id or path. One that does not come with Hoplab is known by its id from then on. */
  async #find(ref: string): Promise<Result<FoundLab>> {
    const found = await findLab(this.#files.get(ref) ?? ref, this.#options.labsDir);
    if (!found.ok) return found;
    const file = resolve(found.value.file);
    this.#learnFile(found.value.lab.id, file);
    return ok({ ...found.value, file });
  }

  #learnFile(lab: string, file: string): void {
    if (!file.startsWith(resolve(this.#options.labsDir) + sep)) this.#files.set(lab, file);
  }

  /** The labs that come with Hoplab, and those of the user's own that were opened or are up. */
  async #listLabs(): Promise<LabSummary[]> {
    if (this.#options.open) await this.#find(this.#options.open);
    const sandboxes = IS_LINUX ? await listSandboxes(this.#target) : ok([]);
    for (const { lab, file } of sandboxes.ok ? sandboxes.value : []) if (file) this.#learnFile(lab, file);
    const bundled = await listLabs(this.#options.labsDir);
    const own = await Promise.all([...this.#files].map(([lab, file]) => summarizeLab(lab, file)));
    return [...bundled.filter((lab) => !this.#files.has(lab.id)), ...own].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async #labToOpen(): Promise<{ open?: string }> {
    if (!this.#options.open) return {};
    const found = await this.#find(this.#options.open);
    return found.ok ? { open: found.value.lab.id } : {};
  }

  get #shelf(): string {
    return join(this.#options.dataDir, "captures");
  }

  #tell<E extends EventName>(event: E, data: Events[E]): void {
    for (const listener of this.#listeners) listener(event, data);
  }

  /** Tells when the list of sandboxes is another than before, and ends captures whose sandbox is gone. */
  async #lookAtSandboxes(): Promise<void> {
    if (!IS_LINUX) return;
    const listed = await listSandboxes(this.#target);
    if (!listed.ok) return;
    const pids = new Set(listed.value.map((sandbox: Sandbox) => sandbox.pid));
    for (const { session } of this.#captures.values()) {
      if (session?.capture.running && !pids.has(session.sandbox.sandbox.pid)) void session.stop();
    }
    const now = JSON.stringify(listed.value);
    if (now === this.#known) return;
    this.#known = now;
    this.#tell("sandboxes.changed", listed.value);
  }

  /** The running capture of a sandbox, with these interfaces added; a new one where none runs. */
  async #startCapture(
    sandbox: OpenSandbox,
    interfaces: readonly InterfaceRef[] | undefined,
    filter?: string,
  ): Promise<Result<CaptureSession>> {
    const { name, pid } = sandbox.sandbox;
    const chosen = interfaces ? { interfaces, left: [], why: "" } : interfacesFor(sandbox.topology);
    const running =
      this.#starting.get(name) ??
      [...this.#captures.values()]
        .map((one) => one.session)
        .find((session) => session?.capture.running && session.sandbox.sandbox.pid === pid);
    if (running) {
      const session = running instanceof CaptureSession ? ok(running) : await running;
      if (!session.ok) return session;
      const added = await session.value.add(chosen.interfaces);
      return added.ok ? session : added;
    }
    const id = newCaptureId(name, new Date(), randomBytes(2).toString("hex"));
    const starting = CaptureSession.start(sandbox, chosen.interfaces, {
      id,
      folder: join(this.#shelf, id),
      ...(filter ? { filter } : {}),
      onChange: ({ packets, capture }) => {
        const { frames, dropped, packets: total } = capture;
        this.#tell("packets.changed", {
          capture: id,
          total,
          packets: packets.slice(-PACKETS_PER_EVENT),
          dropped,
          frames,
        });
        if (!capture.running) this.#tell("capture.changed", capture);
      },
    });
    this.#starting.set(name, starting);
    const session = await starting;
    this.#starting.delete(name);
    if (!session.ok) return session;
    session.value.leave(chosen.left, chosen.why);
    this.#captures.set(id, {
      capture: () => session.value.capture,
      store: session.value.store,
      states: () => session.value.states,
      lookups: session.value.lookups,
      session: session.value,
    });
    this.#unloadOldest();
    this.#tell("capture.changed", session.value.capture);
    return session;
  }

  async #openCapture(id: string): Promise<Result<OpenCapture>> {
    const open = this.#captures.get(id);
    if (open) return ok(open);
    const shelved = await readShelved(this.#shelf, id);
    if (!shelved) return this.#noCapture(id);
    const beside = await readBeside(dirname(shelved.file));
    const store = new WorkerStore({ path: shelved.file, ...(beside.topology ? { topology: beside.topology } : {}) });
    const read = await store.call("readAll");
    const capture: Capture = { ...shelved, frames: read.frames, packets: read.packets };
    const opened: OpenCapture = { capture: () => capture, store, states: () => beside.states, lookups: beside.lookups };
    this.#captures.set(id, opened);
    this.#unloadOldest();
    return ok(opened);
  }

  /** Lets go of the captures that were loaded longest ago; they stay on the shelf. */
  #unloadOldest(): void {
    const idle = [...this.#captures].filter(([, open]) => !open.capture().running);
    for (const [id, open] of idle.slice(0, Math.max(0, idle.length - LOADED_CAPTURES))) {
      this.#captures.delete(id);
      void open.store[Symbol.asyncDispose]();
    }
  }

  #noCapture(id: string): Result<never> {
    return fail("not-found", `there is no capture ${JSON.stringify(id)}`, {
      fix: "capture.list names those there are.",
    });
  }

  /** Finds the causes in the state read at capture time; asks for routes while the capture still runs. */
  async #explain(open: OpenCapture, { journey, layers }: JourneyWithLayers): Promise<Journey> {
    const state = open.states().at(-1);
    if (state && open.session?.capture.running) {
      await open.session.lookUp(neededLookups(journey, layers, state));
    }
    return state ? explainCauses(journey, layers, state, open.lookups) : journey;
  }
}

function chooseInterfaces(topology: Topology, names: readonly string[]): Result<InterfaceRef[]> {
  const all = allInterfaces(topology);
  const chosen: InterfaceRef[] = [];
  for (const name of names) {
    const found = all.find((ref) => interfaceName(ref) === name);
    if (!found) {
      return fail("not-found", `the lab ${topology.lab} has no interface ${JSON.stringify(name)}`, {
        fix: `Name them as netns/interface, e.g. ${all.slice(0, 3).map(interfaceName).join(", ")}.`,
      });
    }
    chosen.push(found);
  }
  return ok(chosen);
}
