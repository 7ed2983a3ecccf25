/** What the page asks of the server about targets: the list, connecting, testing, adding and removing. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Hello } from "../../preload/contract/calls.ts";
import type { Fault } from "../../preload/contract/result.ts";
import type { SshHost, TargetSpec, TargetSummary } from "../../preload/contract/target.ts";
import type { Client } from "../client/client.ts";
import { latest } from "./latest.ts";
import {
  currentTarget,
  isConnected,
  noTargets,
  noTest,
  type RememberedTarget,
  type TargetPage,
  type TargetSource,
  type TargetsState,
  type TargetTesting,
  targetNamed,
  targetToShow,
  withConnecting,
  withStep,
  withTarget,
  withTargetFault,
} from "./targets.ts";

/** Which target was chosen last, and where that is kept. */
export interface TargetMemory {
  remembered?: RememberedTarget;
  remember?: (chosen: RememberedTarget) => void;
}

interface Options extends TargetMemory {
  /** The embedded VM is not started, nor waited for, just because it was chosen. */
  isVmRunning: () => boolean;
}

export interface TargetSession {
  state: StoreApi<TargetsState>;
  testing: StoreApi<TargetTesting>;
  /** Hosts of ~/.ssh/config. */
  offers: StoreApi<readonly SshHost[]>;
  /** The list as the server has it now; chooses one of them the first time. */
  receive(hello: Hello, targets: TargetSummary[]): void;
  /** Makes a target current and connects it where it is not and can be. */
  use(name: string): void;
  connect(name: string): void;
  cancelConnect(name: string): void;
  disconnect(name: string): void;
  /** Answers with what was wrong, if anything. */
  add(spec: TargetSpec): Promise<Fault | undefined>;
  /** Answers whether it is gone. */
  remove(name: string): Promise<boolean>;
  test(source: TargetSource): void;
  cancelTest(): void;
  forgetTest(): void;
  loadOffers(): void;
  dismissFault(name: string): void;
  /** Opens the dialog about targets, at the current one where none is named. */
  openDialog(page?: TargetPage): void;
  closeDialog(): void;
  close(): void;
}

export function createTargetSession(client: Client, { remembered, remember, isVmRunning }: Options): TargetSession {
  const state = createStore<TargetsState>(() => noTargets);
  const testing = createStore<TargetTesting>(() => noTest);
  const offers = createStore<readonly SshHost[]>(() => []);
  const connects = new Map<string, AbortController>();
  const tests = latest();
  /** The server's default, once it said hello. */
  let given: string | undefined;

  function receive(hello: Hello, targets: TargetSummary[]): void {
    given = hello.target;
    const first = state.getState().current === undefined;
    state.setState((before) => ({
      targets,
      current: targetToShow(targets, hello, before.current, remembered),
    }));
    const target = currentTarget(state.getState());
    if (first && target?.state === "idle") connectIfUp(target);
  }

  function connectIfUp(target: TargetSummary): void {
    if (target.kind !== "vm" || isVmRunning()) connect(target.name);
  }

  function use(name: string): void {
    const target = targetNamed(state.getState(), name);
    if (!target) return;
    state.setState({ current: name });
    if (given !== undefined) remember?.({ name, given });
    if (target.state === "idle" || target.state === "failed") connectIfUp(target);
  }

  async function connectTo(name: string): Promise<void> {
    if (connects.has(name) || isConnected(state.getState(), name)) return;
    const abort = new AbortController();
    connects.set(name, abort);
    state.setState((before) => withTargetFault(withConnecting(before, name, []), name, undefined));
    const result = await client.call(
      "target.connect",
      { target: name },
      {
        signal: abort.signal,
        onProgress: (step) => {
          if (connects.get(name) !== abort) return;
          state.setState((before) => withConnecting(before, name, withStep(before.connecting[name] ?? [], step)));
        },
      },
    );
    connects.delete(name);
    state.setState((before) => {
      const done = withConnecting(before, name, undefined);
      if (result.ok) return withTarget(done, result.value);
      return result.fault.code === "cancelled" ? done : withTargetFault(done, name, result.fault);
    });
  }

  function connect(name: string): void {
    void connectTo(name);
  }

  async function disconnectFrom(name: string): Promise<void> {
    const result = await client.call("target.disconnect", { target: name });
    state.setState((before) => withTargetFault(before, name, result.ok ? undefined : result.fault));
  }

  async function add(spec: TargetSpec): Promise<Fault | undefined> {
    const result = await client.call("target.add", spec);
    if (!result.ok) return result.fault;
    state.setState((before) => withTarget(before, result.value));
    return undefined;
  }

  async function remove(name: string): Promise<boolean> {
    const result = await client.call("target.remove", { target: name });
    if (!result.ok) {
      state.setState((before) => withTargetFault(before, name, result.fault));
      return false;
    }
    state.setState((before) => ({
      ...withTargetFault(before, name, undefined),
      targets: before.targets.filter((target) => target.name !== name),
    }));
    leave();
    return true;
  }

  /** The current target was removed, here or by somebody else: back to the server's default. */
  function leave(): void {
    const { current, targets } = state.getState();
    if (given === undefined || targets.some((target) => target.name === current)) return;
    state.setState({ current: given });
  }

  async function runTest(source: TargetSource): Promise<void> {
    const signal = tests.next();
    testing.setState({ source, running: true, steps: [] }, true);
    const result = await client.call("target.test", source, {
      signal,
      onProgress: (step) => {
        if (!signal.aborted) testing.setState(({ steps }) => ({ steps: withStep(steps, step) }));
      },
    });
    if (signal.aborted) return;
    if (result.ok) testing.setState({ running: false, ok: result.value.ok, steps: result.value.steps });
    else testing.setState({ running: false, fault: result.fault });
  }

  const stop = client.on("targets.changed", (targets) => {
    state.setState({ targets });
    leave();
  });

  return {
    state,
    testing,
    offers,
    receive,
    use,
    connect,
    cancelConnect: (name) => connects.get(name)?.abort(),
    disconnect: (name) => void disconnectFrom(name),
    add,
    remove,
    test: (source) => void runTest(source),
    cancelTest: () => {
      tests.stop();
      testing.setState({ running: false });
    },
    forgetTest: () => {
      tests.stop();
      testing.setState(noTest, true);
    },
    loadOffers: () => {
      void client.call("target.offers", {}).then((result) => {
        if (result.ok) offers.setState(result.value, true);
      });
    },
    dismissFault: (name) => state.setState((before) => withTargetFault(before, name, undefined)),
    openDialog: (page) => {
      const { current } = state.getState();
      state.setState({ dialog: page ?? (current === undefined ? { add: "ssh" } : { target: current }) });
    },
    closeDialog: () => {
      testing.setState(noTest, true);
      tests.stop();
      state.setState({ dialog: undefined });
    },
    close: stop,
  };
}
