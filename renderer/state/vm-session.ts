/** The embedded VM: its status, and what is being done to it. One thing at a time. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Progress } from "../../preload/contract/lab.ts";
import type { Fault, Result } from "../../preload/contract/result.ts";
import type { VmStatus } from "../../preload/contract/target.ts";
import type { CallOptions, Client } from "../client/client.ts";

export type VmAct = "build" | "up" | "down" | "delete";

export interface VmState {
  /** Absent until the server was asked. */
  status?: VmStatus;
  /** What is being done. */
  doing?: VmAct;
  /** Of building and starting; absent until the first step. */
  progress?: Progress;
  fault?: Fault;
}

export interface VmSession {
  state: StoreApi<VmState>;
  load(): void;
  build(): void;
  start(): void;
  /** Starts it where it is not running, then makes it the current target. */
  startAndUse(): void;
  stop(): void;
  delete(): void;
  /** Of building and starting. */
  cancel(): void;
  dismissFault(): void;
}

/** `use` makes the target `vm` current. */
export function createVmSession(client: Client, use: () => void): VmSession {
  const state = createStore<VmState>(() => ({}));
  let abort: AbortController | undefined;

  async function load(): Promise<void> {
    const result = await client.call("vm.status", {});
    if (state.getState().doing !== undefined) return; // its answer says more
    if (result.ok) state.setState({ status: result.value });
    else if (client.status === "open") state.setState({ fault: result.fault });
  }

  async function act(
    doing: VmAct,
    ask: (options: CallOptions<"vm.up">) => Promise<Result<VmStatus>>,
  ): Promise<boolean> {
    if (state.getState().doing !== undefined) return false;
    const own = new AbortController();
    abort = own;
    state.setState({ doing, progress: undefined, fault: undefined });
    const result = await ask({
      signal: own.signal,
      onProgress: (progress) => {
        if (abort === own) state.setState({ progress });
      },
    });
    abort = undefined;
    state.setState({ doing: undefined, progress: undefined });
    if (result.ok) {
      state.setState({ status: result.value });
      return true;
    }
    if (result.fault.code !== "cancelled") state.setState({ fault: result.fault });
    await load();
    return false;
  }

  const up = () => act("up", (options) => client.call("vm.up", {}, options));

  async function startAndUse(): Promise<void> {
    if (state.getState().status?.state === "running" || (await up())) use();
  }

  return {
    state,
    load: () => void load(),
    build: () => void act("build", (options) => client.call("vm.build", {}, options)),
    start: () => void up(),
    startAndUse: () => void startAndUse(),
    stop: () => void act("down", () => client.call("vm.down", {})),
    delete: () => void act("delete", () => client.call("vm.delete", {})),
    cancel: () => abort?.abort(),
    dismissFault: () => state.setState({ fault: undefined }),
  };
}
