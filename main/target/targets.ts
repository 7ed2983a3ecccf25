/**
 * All targets of a user: this machine, the embedded VM and those that were added. Connects one when it is first needed,
 * keeps it connected, and connects a lost one again by itself.
 */

import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { PrivilegeChoice, TargetSpec, TargetStep, TargetSummary } from "../../preload/contract/target.ts";
import { type Connected, connectOver, type Way } from "./connect.ts";
import { type Ask, Secrets } from "./secrets.ts";
import type { Target } from "./target.ts";
import type { TargetFile } from "./target-file.ts";

export interface WayOptions {
  ask?: Ask;
  signal?: AbortSignal;
  onStep?: (step: TargetStep) => void;
}

/** Leads to a target: `openWay` in the backend, which knows SSH, commands and the VM. */
export type OpenWay = (spec: TargetSpec | "vm", options: WayOptions) => Promise<Result<Way>>;

export interface TargetsOptions {
  file: TargetFile;
  /** This machine; or why it can't host labs. */
  local: Result<Target>;
  openWay: OpenWay;
  /** Where the VM is, for the list. */
  vmAddress: () => Promise<string>;
  ask?: Ask;
  onChange: (targets: TargetSummary[]) => void;
  /** A person lets a target go: what still runs on it is to be ended first. */
  onDisconnect?: (name: string) => Promise<void>;
}

interface Entry {
  spec: TargetSpec | "vm";
  state: TargetSummary["state"];
  connected?: Connected;
  connecting?: Promise<Result<Target>>;
  fault?: TargetSummary["fault"];
  /** Since when it is lost; kept while it is tried again. */
  since?: number;
  retryAt?: number;
  /** Ends a wait for the next try, or the try itself. */
  abort: AbortController;
}

interface UseOptions {
  signal?: AbortSignal;
  onStep?: (step: TargetStep) => void;
}

/** A lost target is tried again after these waits, the last one over and over. */
const RETRY_MS = [200, 1000, 2000, 4000, 8000, 15_000, 30_000];

export class Targets implements AsyncDisposable {
  readonly #options: TargetsOptions;
  readonly #secrets = new Secrets();
  readonly #entries = new Map<string, Entry>();
  /** Called at every change; those who wait for a lost target look whether it is back. */
  readonly #waiting = new Set<() => void>();
  #disposed = false;

  constructor(options: TargetsOptions) {
    this.#options = options;
  }

  /** Faults: `storage` where the list can't be read. */
  async list(): Promise<Result<TargetSummary[]>> {
    const [specs, vmAddress] = await Promise.all([this.#options.file.read(), this.#options.vmAddress()]);
    if (!specs.ok) return specs;
    // Nothing is waited for from here on: of two lists that are made at once, the later one tells the later state.
    const others = specs.value.map((spec) => this.#summary(spec.name, spec, ""));
    return ok([this.#localSummary(), this.#summary("vm", "vm", vmAddress), ...others]);
  }

  /** A target that can be used; connects it where it is not. One that is lost is waited for only by `back`. */
  async use(name: string, { signal, onStep }: UseOptions = {}): Promise<Result<Target>> {
    if (name === "local") return this.#options.local;
    const entry = await this.#entry(name);
    if (!entry.ok) return entry;
    const attempt = this.#attempt(name, entry.value, onStep);
    // Others may wait for it too: one who gives up does not end it for them.
    return signal ? Promise.race([attempt, aborted(name, signal)]) : attempt;
  }

  /** What is connected, or is being, or a new attempt. */
  async #attempt(name: string, entry: Entry, onStep: UseOptions["onStep"]): Promise<Result<Target>> {
    const { connected, connecting, state, fault } = entry;
    if (connected) return ok(connected.target);
    if (connecting) return connecting;
    if (state === "lost" && fault) return { ok: false, fault };
    return this.#connect(name, entry, { ...(onStep ? { onStep } : {}), ask: this.#options.ask });
  }

  /** Connects now: also one that is lost, without waiting for its next turn. The signal ends the attempt. */
  async connect(name: string, { signal, onStep }: UseOptions = {}): Promise<Result<TargetSummary>> {
    if (name === "local") return this.#options.local.ok ? this.#find(name) : this.#options.local;
    const found = await this.#entry(name);
    if (!found.ok) return found;
    const entry = found.value;
    if (entry.state === "lost") {
      entry.abort.abort();
      entry.state = "idle";
    }
    const used = this.#attempt(name, entry, onStep);
    // Each attempt has a signal of its own, which is there now.
    const cancel = () => entry.abort.abort();
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) cancel();
    const result = await used;
    signal?.removeEventListener("abort", cancel);
    return result.ok ? this.#find(name) : result;
  }

  /** Those that are connected, this machine first. */
  connected(): Target[] {
    const { local } = this.#options;
    const others = [...this.#entries.values()].flatMap(({ connected }) => connected?.target ?? []);
    return [...(local.ok ? [local.value] : []), ...others];
  }

  /** Waits until a lost target is back. Faults: that of a target that can't be connected again; `cancelled`. */
  async back(name: string, signal: AbortSignal): Promise<Result<Target>> {
    for (;;) {
      const entry = this.#entries.get(name);
      if (signal.aborted || this.#disposed) return fail("cancelled", `waiting for ${name} was cancelled`);
      if (!entry) return fail("gone", `the target ${name} was removed or disconnected`);
      if (entry.connected) return ok(entry.connected.target);
      if (entry.state !== "lost" && entry.state !== "connecting") {
        return { ok: false, fault: entry.fault ?? fail("gone", `the target ${name} was disconnected`).fault };
      }
      await this.#nextChange(signal);
    }
  }

  /** Faults: `exists`, `storage`. */
  async add(spec: TargetSpec): Promise<Result<TargetSummary>> {
    const specs = await this.#options.file.read();
    if (!specs.ok) return specs;
    if (specs.value.some(({ name }) => name === spec.name)) {
      return fail("exists", `there is a target called ${spec.name} already`, {
        fix: `Choose another name, or remove it first: hoplab target remove ${spec.name}`,
      });
    }
    const written = await this.#options.file.write([...specs.value, spec]);
    if (!written.ok) return written;
    this.#changed();
    return this.#find(spec.name);
  }

  /** Disconnects it first. Labs that are up there stay up. */
  async remove(name: string): Promise<Result<null>> {
    const specs = await this.#options.file.read();
    if (!specs.ok) return specs;
    if (!specs.value.some((spec) => spec.name === name)) return this.#unknown(name, specs.value);
    await this.disconnect(name);
    const written = await this.#options.file.write(specs.value.filter((spec) => spec.name !== name));
    this.#changed();
    return written;
  }

  /** Lets a target go, with all that runs on it for this Hoplab. Labs that are up there stay up. */
  async disconnect(name: string): Promise<void> {
    await this.#options.onDisconnect?.(name);
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    this.#secrets.forget(name);
    entry?.abort.abort();
    await entry?.connected?.target[Symbol.asyncDispose]();
    this.#changed();
  }

  /** Connects by a connection of its own, which is the caller's to let go. */
  async open(spec: TargetSpec | "vm", options: UseOptions): Promise<Result<Connected>> {
    return this.#open(spec, { ...options, ask: this.#options.ask });
  }

  async spec(name: string): Promise<Result<TargetSpec | "vm">> {
    if (name === "vm") return ok("vm");
    const specs = await this.#options.file.read();
    if (!specs.ok) return specs;
    const spec = specs.value.find((one) => one.name === name);
    return spec ? ok(spec) : this.#unknown(name, specs.value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const name of [...this.#entries.keys()]) await this.disconnect(name);
    if (this.#options.local.ok) await this.#options.local.value[Symbol.asyncDispose]();
  }

  async #entry(name: string): Promise<Result<Entry>> {
    const known = this.#entries.get(name);
    if (known) return ok(known);
    const spec = await this.spec(name);
    if (!spec.ok) return spec;
    const entry: Entry = this.#entries.get(name) ?? { spec: spec.value, state: "idle", abort: new AbortController() };
    this.#entries.set(name, entry);
    return ok(entry);
  }

  /** `again`: it was lost, and stays so where it can't be connected but for a reason that time may mend. */
  #connect(
    name: string,
    entry: Entry,
    { ask, again = false, ...options }: UseOptions & { ask?: Ask | undefined; again?: boolean },
  ): Promise<Result<Target>> {
    entry.abort = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, entry.abort.signal]) : entry.abort.signal;
    this.#become(entry, { state: "connecting" });
    const connecting = this.#open(entry.spec, { ...options, ask, signal }).then(async (connected) => {
      delete entry.connecting;
      if (connected.ok && this.#entries.get(name) !== entry) {
        await connected.value.target[Symbol.asyncDispose]();
        return fail("cancelled", `connecting ${name} was cancelled`);
      }
      if (connected.ok) {
        entry.connected = connected.value;
        delete entry.since;
        void connected.value.target.link?.lost.then((fault) => this.#lost(name, entry, connected.value, fault));
        this.#become(entry, { state: "connected" });
        return ok(connected.value.target);
      }
      const { fault } = connected;
      if (fault.code === "cancelled") this.#become(entry, { state: "idle" });
      else this.#become(entry, { state: again && fault.code !== "denied" ? "lost" : "failed", fault });
      return connected;
    });
    entry.connecting = connecting;
    return connecting;
  }

  async #open(
    spec: TargetSpec | "vm",
    { ask, ...options }: UseOptions & { ask?: Ask | undefined },
  ): Promise<Result<Connected>> {
    const name = spec === "vm" ? "vm" : spec.name;
    const privilege: PrivilegeChoice = spec === "vm" ? "auto" : spec.privilege;
    const more = { ...options, ask: this.#secrets.askFor(ask) };
    const way = await this.#options.openWay(spec, more);
    return way.ok ? connectOver(way.value, { name, privilege, ...more }) : way;
  }

  #lost(name: string, entry: Entry, connected: Connected, fault: NonNullable<Entry["fault"]>): void {
    void connected.target[Symbol.asyncDispose]();
    if (this.#entries.get(name) !== entry || entry.connected !== connected) return;
    delete entry.connected;
    entry.since = Date.now();
    this.#become(entry, { state: "lost", fault });
    void this.#retry(name, entry);
  }

  /** Until it is back, or a person has to do something about it. Nothing is asked: what was typed is remembered. */
  async #retry(name: string, entry: Entry): Promise<void> {
    for (let turn = 0; this.#entries.get(name) === entry && entry.state === "lost"; turn++) {
      const wait = RETRY_MS[Math.min(turn, RETRY_MS.length - 1)] ?? 0;
      const lost = { state: "lost" as const, ...(entry.fault ? { fault: entry.fault } : {}) };
      entry.abort = new AbortController();
      this.#become(entry, { ...lost, retryAt: Date.now() + wait });
      await sleep(wait, entry.abort.signal);
      if (entry.abort.signal.aborted || this.#entries.get(name) !== entry) return;
      const connected = await this.#connect(name, entry, { again: true });
      if (connected.ok) return;
    }
  }

  #become(entry: Entry, { state, fault, retryAt }: Pick<Entry, "state" | "fault" | "retryAt">): void {
    entry.state = state;
    if (fault) entry.fault = fault;
    else delete entry.fault;
    if (retryAt) entry.retryAt = retryAt;
    else delete entry.retryAt;
    this.#changed();
  }

  #changed(): void {
    for (const wake of [...this.#waiting]) wake();
    if (this.#disposed) return;
    void this.list().then((listed) => listed.ok && !this.#disposed && this.#options.onChange(listed.value));
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  async #find(name: string): Promise<Result<TargetSummary>> {
    const listed = await this.list();
    if (!listed.ok) return listed;
    const found = listed.value.find((one) => one.name === name);
    return found ? ok(found) : fail("not-found", `there is no target called ${name}`);
  }

  #unknown(name: string, specs: readonly TargetSpec[]): { ok: false; fault: NonNullable<Entry["fault"]> } {
    const names = ["local", "vm", ...specs.map((spec) => spec.name)];
    return fail("not-found", `there is no target called ${JSON.stringify(name)}`, {
      fix: `There are ${names.join(", ")}. Add one with \`hoplab target add NAME ssh://user@host\`.`,
    });
  }

  #localSummary(): TargetSummary {
    const { local } = this.#options;
    const common = { name: "local", kind: "local", address: "" } as const;
    if (!local.ok) return { ...common, state: "unusable", fault: local.fault };
    return { ...common, state: "connected", runsAs: local.value.root ? "root" : "rootless" };
  }

  #summary(name: string, spec: TargetSpec | "vm", vmAddress: string): TargetSummary {
    const entry = this.#entries.get(name);
    const address = spec === "vm" ? vmAddress : spec.kind === "ssh" ? spec.address : spec.command.join(" ");
    const clockOffset = entry?.connected?.target.link?.clockOffset();
    return {
      name,
      kind: spec === "vm" ? "vm" : spec.kind,
      address,
      state: entry?.state ?? "idle",
      ...(entry?.connected ? { runsAs: entry.connected.runsAs, kernel: entry.connected.kernel } : {}),
      ...(clockOffset === undefined ? {} : { clockOffset: Math.round(clockOffset) }),
      ...(entry?.fault ? { fault: entry.fault } : {}),
      ...(entry?.since ? { since: entry.since } : {}),
      ...(entry?.retryAt ? { retryAt: entry.retryAt } : {}),
    };
  }
}

function aborted(name: string, signal: AbortSignal): Promise<Result<never>> {
  return new Promise((resolve) => {
    const end = () => resolve(fail("cancelled", `waiting for ${name} was cancelled`));
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
