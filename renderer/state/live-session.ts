/** What can be changed in the lab that is shown, and the change that is under way. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Progress, Sandbox } from "../../preload/contract/lab.ts";
import type { LabChange, LiveLab } from "../../preload/contract/live.ts";
import type { Fault } from "../../preload/contract/result.ts";
import type { Client } from "../client/client.ts";
import { latest } from "./latest.ts";
import { type Asked, notAsked } from "./view.ts";

export interface LiveState {
  live: Asked<LiveLab>;
  /** What is being changed, and how far it is. */
  changing?: { change: LabChange; progress?: Progress };
  /** The last change that failed, and why. */
  failed?: { change: LabChange; fault: Fault };
}

export interface LiveSession {
  state: StoreApi<LiveState>;
  /** The sandbox that is shown is this one, or it was changed. */
  follow(sandbox: Sandbox | undefined): void;
  reload(): void;
  change(change: LabChange): void;
  cancel(): void;
  dismiss(): void;
}

const nothing: LiveState = { live: notAsked };

/** `onChanged`: the topology is another one now. */
export function createLiveSession(client: Client, onChanged: (sandbox: string) => void): LiveSession {
  const state = createStore<LiveState>(() => nothing);
  const loads = latest();
  const changes = latest();
  let shown: Sandbox | undefined;

  async function load(): Promise<void> {
    if (!shown) return;
    const signal = loads.next();
    if (state.getState().live.status !== "ready") state.setState({ live: { status: "loading" } });
    const result = await client.call("lab.live", { sandbox: shown.name, target: shown.target }, { signal });
    if (signal.aborted) return;
    state.setState({
      live: result.ok ? { status: "ready", value: result.value } : { status: "failed", fault: result.fault },
    });
  }

  async function change(wanted: LabChange): Promise<void> {
    if (!shown || state.getState().changing) return;
    const { name, target } = shown;
    const signal = changes.next();
    state.setState({ changing: { change: wanted }, failed: undefined });
    const result = await client.call(
      "lab.change",
      { sandbox: name, target, change: wanted },
      {
        signal,
        onProgress: (progress) => {
          if (!signal.aborted) state.setState({ changing: { change: wanted, progress } });
        },
      },
    );
    // A change that was cancelled has gone back by itself; another lab's answer is none of this one's.
    if (shown?.name !== name || shown.target !== target) return;
    state.setState({ changing: undefined });
    if (result.ok) {
      loads.stop();
      state.setState({ live: { status: "ready", value: result.value } });
    } else if (result.fault.code !== "cancelled") state.setState({ failed: { change: wanted, fault: result.fault } });
    onChanged(name);
    if (!result.ok) void load();
  }

  return {
    state,
    follow: (sandbox) => {
      const same = sandbox?.name === shown?.name && sandbox?.target === shown?.target && sandbox?.pid === shown?.pid;
      const sameState = same && sandbox?.revision === shown?.revision;
      shown = sandbox;
      if (sameState) return;
      if (!same) {
        loads.stop();
        changes.stop();
        state.setState(nothing, true);
      }
      const { live, changing } = state.getState();
      const isKnown = live.status === "ready" && live.value.revision === sandbox?.revision;
      if (sandbox && !changing && !isKnown) void load();
    },
    reload: () => void load(),
    change: (wanted) => void change(wanted),
    cancel: () => changes.stop(),
    dismiss: () => state.setState({ failed: undefined }),
  };
}

/** The names of the faults that are injected now. */
export function injectedFaults({ live }: LiveState): string[] {
  return live.status === "ready" ? live.value.faults.filter(({ injected }) => injected).map(({ name }) => name) : [];
}
