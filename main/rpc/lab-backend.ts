/** What Hoplab does for a page or a command: the contract's calls over targets, labs, sandboxes and captures. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EventName, Events, Sent } from "../../preload/contract/calls.ts";
import type { Sandbox } from "../../preload/contract/lab.ts";
import { type Fault, fail, ok, type Result } from "../../preload/contract/result.ts";
import { type InterfaceRef, interfaceName, type Topology } from "../../preload/contract/topology.ts";
import { allInterfaces } from "../capture/interfaces.ts";
import { interfacesFor, sendAndFollow } from "../capture/send.ts";
import { type ReadLab, summaryOf } from "../lab/catalogue.ts";
import { requirementsOf } from "../lab/requirements.ts";
import { suggestTraffic } from "../lab/suggest.ts";
import { layOutLab } from "../layout/layout.ts";
import { applyChange } from "../live/change.ts";
import { describeLive } from "../live/describe.ts";
import { withoutLeft } from "../live/left.ts";
import { startLive } from "../live/start.ts";
import { topologyOf } from "../live/topology.ts";
import { changeSandbox } from "../sandbox/change.ts";
import { listSandboxes } from "../sandbox/list.ts";
import { readLive } from "../sandbox/live.ts";
import { findInterface, type OpenSandbox, openSandbox } from "../sandbox/open-sandbox.ts";
import { startSandbox } from "../sandbox/start.ts";
import { readInterfaceState } from "../sandbox/state.ts";
import { resolveTraffic } from "../sandbox/traffic.ts";
import { chooseLocalTarget } from "../target/choose-target.ts";
import type { Elevation } from "../target/elevated-target.ts";
import { diagnose, requireFeatures } from "../target/probe.ts";
import type { Ask } from "../target/secrets.ts";
import type { Target } from "../target/target.ts";
import { TargetFile } from "../target/target-file.ts";
import { Targets } from "../target/targets.ts";
import type { Backend, EventListener, Handlers } from "./backend.ts";
import { Captures } from "./captures.ts";
import { runChecks } from "./checks.ts";
import { compareTraffic } from "./compare.ts";
import { LabFiles } from "./lab-files.ts";
import { Questions } from "./questions.ts";
import { targetHandlers } from "./target-calls.ts";
import { VERSION } from "./version.ts";
import { Vm } from "./vm.ts";
import { openWays } from "./ways.ts";

export interface BackendOptions {
  /** The folder of the labs that come with Hoplab. */
  labsDir: string;
  /** Where captures are kept. */
  dataDir: string;
  /** The lab that the page should open first. */
  open?: string;
  /** Become root on this machine through this, asked once at the first start. */
  elevate?: Elevation;
  /** The target of calls that name none. Default: this machine. */
  target?: string;
  /** Asks the person at the terminal, where no page is open. */
  ask?: Ask;
  acceptNewHostKey?: boolean;
}

/** How often the sandboxes are looked at while somebody listens. */
const WATCH_MS = 1500;
/** A single event tells at most this many packets; a page asks for the rest. */
const PACKETS_PER_EVENT = 1000;

/** Starts the product's core. Throws where Hoplab should become root and can't; the message says why. */
export async function createBackend(options: BackendOptions): Promise<LabBackend> {
  const local = process.platform === "linux" ? await chooseLocalTarget(options.elevate) : notLinux();
  if (!local.ok && options.elevate) throw new Error(`${local.fault.message}. ${local.fault.fix ?? ""}`);
  return new LabBackend(options, local);
}

function notLinux(): Result<never> {
  return fail("missing", `labs are built by a Linux kernel, and this machine runs ${process.platform}`, {
    fix: "Use the built-in VM (hoplab vm up) or another Linux machine (hoplab target add NAME ssh://user@host).",
  });
}

export class LabBackend implements Backend {
  readonly handlers: Handlers;
  readonly targets: Targets;
  readonly vm: Vm;
  readonly #options: BackendOptions;
  readonly #listeners = new Set<EventListener>();
  /** Those of the listeners that can put questions to a person. */
  readonly #pages = new Set<EventListener>();
  readonly #questions = new Questions((questions) => this.#tell("questions.changed", questions));
  readonly #captures: Captures;
  readonly #labs: LabFiles;
  #watch: NodeJS.Timeout | undefined;
  #looking = false;
  #known = "";

  constructor(options: BackendOptions, local: Result<Target>) {
    this.#options = options;
    this.#labs = new LabFiles(options.labsDir);
    const vm = new Vm(options.dataDir);
    this.vm = vm;
    this.targets = new Targets({
      file: new TargetFile(options.dataDir),
      local,
      openWay: openWays({ acceptNewHostKey: options.acceptNewHostKey ?? false, vmConfig: () => vm.sshConfig() }),
      vmAddress: () => vm.address(),
      ask: (question, signal) => this.#ask(question, signal),
      onDisconnect: (name) => this.#captures.stopWhere((target) => target === name),
      onChange: (targets) => {
        this.#tell("targets.changed", targets);
        void this.#lookAtSandboxes();
      },
    });
    this.#captures = new Captures({
      shelf: join(options.dataDir, "captures"),
      onCapture: (capture) => this.#tell("capture.changed", capture),
      onPackets: ({ id: capture, packets: total, dropped, frames }, packets) =>
        this.#tell("packets.changed", { capture, total, packets: packets.slice(-PACKETS_PER_EVENT), dropped, frames }),
      reopen: (sandbox, signal) => this.#reopen(sandbox, signal),
    });
    this.handlers = { ...this.#labHandlers(), ...targetHandlers(this.targets, this.#questions, vm) };
  }

  #labHandlers(): Omit<Handlers, keyof ReturnType<typeof targetHandlers>> {
    return {
      hello: async () => ok({ version: VERSION, target: this.#defaultTarget, ...(await this.#labToOpen()) }),
      "lab.list": async () => {
        if (this.#options.open) await this.#labs.find(this.#options.open);
        return ok(await this.#labs.list(await this.#sandboxes()));
      },
      "lab.open": async ({ lab }) => {
        const found = await this.#labs.find(lab);
        if (!found.ok) return found;
        const { lab: opened, guide } = found.value;
        const topology = layOutLab(opened);
        return ok({ lab: summaryOf(found.value), topology, guide, traffic: suggestTraffic(opened) });
      },
      "lab.up": async ({ lab, name, target: wanted }, { signal, progress }) => {
        const found = await this.#labs.find(lab);
        if (!found.ok) return found;
        if (found.value.compared) return comparisonFault(found.value.lab.id, found.value.compared);
        const target = await this.#use(wanted, signal);
        if (!target.ok) return target;
        const requires = requirementsOf(found.value.lab);
        progress({ done: 0, total: 1, why: `Checking that ${target.value.id} has what the lab requires` });
        const required = await requireFeatures(target.value, found.value.lab.id, requires);
        if (!required.ok)
          return { ok: false, fault: await this.#withOtherTargets(required.fault, target.value, requires) };
        const live = startLive(found.value.lab);
        const started = await startSandbox(target.value, name ?? found.value.lab.id, topologyOf(live), {
          signal,
          onProgress: progress,
          file: found.value.file,
          live,
        });
        await this.#lookAtSandboxes();
        return started;
      },
      "lab.down": async (ref) => {
        const opened = await this.#sandbox(ref);
        if (!opened.ok) return opened;
        const { target, pid } = opened.value.sandbox;
        await this.#captures.stopWhere((ofTarget, ofPid) => ofTarget === target && ofPid === pid);
        const ended = await opened.value.end();
        await this.#lookAtSandboxes();
        return ended;
      },
      "lab.check": async (ref, context) => {
        const opened = await this.#sandbox(ref);
        if (!opened.ok) return opened;
        const { lab, file } = opened.value.sandbox;
        const found = await this.#labs.find(file && existsSync(file) ? file : lab);
        if (!found.ok) return found;
        const record = await readLive(opened.value);
        const asked = record.ok ? withoutLeft(found.value.lab, record.value.live.lab) : found.value.lab;
        return runChecks(this.#captures, opened.value, asked.checks, context);
      },
      "lab.doctor": async ({ target: wanted }, { signal }) => {
        const target = await this.#use(wanted, signal);
        return target.ok ? diagnose(target.value, await this.#labs.list(await this.#sandboxes())) : target;
      },
      "lab.live": async (ref) => {
        const opened = await this.#sandbox(ref);
        if (!opened.ok) return opened;
        const record = await readLive(opened.value);
        return record.ok ? ok(describeLive(record.value.live, opened.value.sandbox.name)) : record;
      },
      "lab.change": async ({ change, ...ref }, { signal, progress }) => {
        const opened = await this.#sandbox(ref);
        if (!opened.ok) return opened;
        await using sandbox = opened.value;
        const changed = await changeSandbox(sandbox, (live) => applyChange(live, change), {
          signal,
          onProgress: progress,
          onPlanned: ({ topology }) => this.#captures.release(sandbox.sandbox, topology),
        });
        const now = await this.#sandbox(ref);
        if (now.ok) await this.#captures.adopt(now.value);
        await this.#lookAtSandboxes();
        return changed.ok ? ok(describeLive(changed.value.live, sandbox.sandbox.name)) : changed;
      },
      "sandbox.list": async ({ target: wanted }, { signal }) => {
        if (wanted === undefined) return ok(await this.#sandboxes());
        const target = await this.#use(wanted, signal);
        return target.ok ? listSandboxes(target.value) : target;
      },
      "sandbox.topology": async (ref) => {
        const opened = await this.#sandbox(ref);
        return opened.ok ? ok(opened.value.topology) : opened;
      },
      "sandbox.state": async ({ netns, interface: name, ...ref }) => {
        const opened = await this.#sandbox(ref);
        if (!opened.ok) return opened;
        const namespace = opened.value.namespace(netns);
        if (!namespace.ok) return namespace;
        const item = findInterface(namespace.value, name);
        return item.ok ? readInterfaceState(opened.value, namespace.value.name, item.value) : item;
      },
      "capture.start": async ({ interfaces, filter, ...ref }) => {
        const opened = await this.#sandbox(ref);
        if (!opened.ok) return opened;
        const chosen = interfaces ? chooseInterfaces(opened.value.topology, interfaces) : ok(undefined);
        if (!chosen.ok) return chosen;
        const session = await this.#captures.start(opened.value, chosen.value, filter);
        return session.ok ? ok(session.value.capture) : session;
      },
      "capture.stop": ({ capture }) => this.#captures.stop(capture),
      "capture.list": async () => ok(await this.#captures.list()),
      "capture.open": async ({ capture }) => {
        const found = await this.#captures.load(capture);
        return found.ok ? ok(found.value.capture()) : found;
      },
      "traffic.send": async ({ traffic, ...ref }, { signal }) => {
        const opened = await this.#sandbox(ref);
        if (!opened.ok) return opened;
        const way = resolveTraffic(opened.value.topology, traffic);
        if (!way.ok) return way;
        const wanted = interfacesFor(opened.value.topology, way.value);
        const session = await this.#captures.start(opened.value, wanted.interfaces);
        if (!session.ok) return session;
        session.value.leave(wanted.left, wanted.why);
        const sent = await sendAndFollow(session.value, way.value, traffic, signal);
        if (!sent.ok) return sent;
        const answer: Sent = {
          capture: session.value.capture.id,
          sent: sent.value.sent,
          received: sent.value.received,
          output: sent.value.output,
          complaints: sent.value.complaints,
          journeys: sent.value.packets.map((packet) => packet.journey),
          others: sent.value.others.map((packet) => packet.journey),
        };
        return ok(answer);
      },
      "traffic.compare": async ({ left, right, traffic }, { signal }) => {
        const [ours, theirs] = await Promise.all([this.#sandbox(left), this.#sandbox(right)]);
        if (!ours.ok) return ours;
        if (!theirs.ok) return theirs;
        return compareTraffic(ours.value, theirs.value, traffic, {
          send: (ref) => this.handlers["traffic.send"](ref, { signal, progress: () => {} }),
          open: (ref) => this.handlers["journey.open"](ref, { signal, progress: () => {} }),
        });
      },
      "packet.list": async ({ capture, first, count, at }) => {
        const found = await this.#captures.load(capture);
        return found.ok ? ok(await found.value.store.call("packets", first, count, at)) : found;
      },
      "journey.open": async ({ capture, journey }) => {
        const found = await this.#captures.load(capture);
        if (!found.ok) return found;
        const opened = await found.value.store.call("journey", journey);
        if (!opened) return fail("not-found", `the capture ${capture} has no packet number ${journey}`);
        return ok(await this.#captures.explain(found.value, opened));
      },
      "frame.open": async ({ capture, frame }) => {
        const found = await this.#captures.load(capture);
        if (!found.ok) return found;
        const opened = await found.value.store.call("frame", frame);
        return opened ? ok(opened) : fail("not-found", `the capture ${capture} has no frame number ${frame}`);
      },
    };
  }

  subscribe(listener: EventListener, { answers } = { answers: true }): () => void {
    this.#listeners.add(listener);
    if (answers) this.#pages.add(listener);
    this.#watch ??= setInterval(() => void this.#lookAtSandboxes(), WATCH_MS).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#pages.delete(listener) && this.#pages.size === 0) this.#questions.cancelAll();
      if (this.#listeners.size > 0) return;
      clearInterval(this.#watch);
      this.#watch = undefined;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    this.#questions.cancelAll();
    await this.#captures[Symbol.asyncDispose]();
    await this.targets[Symbol.asyncDispose]();
  }

  get #defaultTarget(): string {
    return this.#options.target ?? "local";
  }

  #use(name: string | undefined, signal?: AbortSignal): Promise<Result<Target>> {
    return this.targets.use(name ?? this.#defaultTarget, signal ? { signal } : {});
  }

  async #sandbox({
    sandbox,
    target: wanted,
  }: {
    sandbox: string;
    target?: string | undefined;
  }): Promise<Result<OpenSandbox>> {
    const target = await this.#use(wanted);
    return target.ok ? openSandbox(target.value, sandbox) : target;
  }

  /** Those of all connected targets. One that does not answer has none for now. */
  async #sandboxes(): Promise<Sandbox[]> {
    const lists = await Promise.all(this.targets.connected().map((target) => listSandboxes(target)));
    return lists.flatMap((list) => (list.ok ? list.value : []));
  }

  /** Waits until the sandbox's target is back. Faults: `gone` where the sandbox is not there any more. */
  async #reopen({ sandbox }: OpenSandbox, signal: AbortSignal): Promise<Result<OpenSandbox>> {
    for (;;) {
      const target = await this.targets.back(sandbox.target, signal);
      if (!target.ok) return target;
      const opened = await openSandbox(target.value, sandbox.name);
      if (!opened.ok && opened.fault.code === "gone" && !signal.aborted) continue; // lost once more
      if (!opened.ok) return opened;
      if (opened.value.sandbox.pid === sandbox.pid && opened.value.sandbox.startedAt === sandbox.startedAt)
        return opened;
      return fail("gone", `the lab ${sandbox.name} was taken down while ${sandbox.target} was lost`);
    }
  }

  /** Which of the other targets have what this one lacks: those that are connected are asked, the VM is known to. */
  async #withOtherTargets(fault: Fault, lacking: Target, requires: readonly string[]): Promise<Fault> {
    if (fault.code !== "missing") return fault;
    const others = this.targets.connected().filter((target) => target.id !== lacking.id);
    const able = await Promise.all(
      others.map(async (target) => ((await requireFeatures(target, "", requires)).ok ? [target.id] : [])),
    );
    const targets = [...new Set([...able.flat(), ...(lacking.id === "vm" ? [] : ["vm"])])];
    if (targets.length === 0) return fault;
    const ways = targets.map((target) =>
      target === "vm"
        ? "the built-in VM has it: `hoplab vm up`, then --target vm"
        : `${target} has it: --target ${target}`,
    );
    return { ...fault, targets, fix: [fault.fix, `Or: ${ways.join("; or ")}.`].filter(Boolean).join("\n") };
  }

  /** A page answers where one is open, else whoever is at the terminal. */
  #ask: Ask = async (question, signal) =>
    this.#pages.size > 0 ? this.#questions.ask(question, signal) : this.#options.ask?.(question, signal);

  async #labToOpen(): Promise<{ open?: string }> {
    if (!this.#options.open) return {};
    const found = await this.#labs.find(this.#options.open);
    return found.ok ? { open: found.value.lab.id } : {};
  }

  #tell<E extends EventName>(event: E, data: Events[E]): void {
    for (const listener of this.#listeners) listener(event, data);
  }

  /** Tells when the list of sandboxes is another than before, and ends captures whose sandbox is gone. */
  async #lookAtSandboxes(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const targets = this.targets.connected();
      const lists = await Promise.all(targets.map((target) => listSandboxes(target)));
      const sandboxes = lists.flatMap((list) => (list.ok ? list.value : []));
      for (const [index, target] of targets.entries()) {
        const list = lists[index];
        if (!list?.ok) continue; // lost: its captures wait for it
        const pids = new Set(list.value.map(({ pid }) => pid));
        const isGone = (ofTarget: string, pid: number) => ofTarget === target.id && !pids.has(pid);
        void this.#captures.stopWhere(isGone, (name) => `the lab ${name} is not up any more`);
      }
      // Another client has changed them.
      for (const { name, target } of this.#captures.outdated(sandboxes)) {
        const opened = await this.#sandbox({ sandbox: name, target });
        if (opened.ok) await this.#captures.adopt(opened.value);
      }
      const now = JSON.stringify(sandboxes);
      if (now === this.#known) return;
      this.#known = now;
      this.#tell("sandboxes.changed", sandboxes);
    } finally {
      this.#looking = false;
    }
  }
}

function comparisonFault(id: string, compared: readonly ReadLab[]): Result<never> {
  const names = compared.map(({ lab }) => lab.id);
  return fail("bad-input", `${id} is a comparison of ${names.join(" and ")} and builds nothing itself`, {
    fix: `Compare them with \`hoplab compare ${id}\`, or bring one of them up.`,
  });
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
