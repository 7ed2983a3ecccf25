/** Two labs that are compared: their topologies, the traffic that is sent in both, and the row that is looked at. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Comparison, LabDetail } from "../../preload/contract/calls.ts";
import { SIDES, type Side } from "../../preload/contract/comparison.ts";
import type { Sandbox, Traffic } from "../../preload/contract/lab.ts";
import type { Fault, Result } from "../../preload/contract/result.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import type { Client } from "../client/client.ts";
import { type LabsState, sandboxesOf } from "./labs.ts";
import { latest } from "./latest.ts";
import { type Asked, notAsked } from "./view.ts";

export interface CompareState {
  /** Their ids; absent where nothing is compared. */
  labs?: Record<Side, string>;
  details: Asked<Record<Side, LabDetail>>;
  /** Bringing labs up, or waiting for the packets. */
  doing?: "building" | "sending";
  fault?: Fault;
  result?: Comparison;
  /** The topologies that `result` was seen in. */
  built?: Record<Side, Topology>;
  /** Index of the packet that is shown. */
  packet: number;
  /** Index of the row that is selected. */
  row?: number;
}

export interface CompareSession {
  state: StoreApi<CompareState>;
  open(labs: Record<Side, string>): void;
  close(): void;
  /** Brings up what is not up, then sends in both. */
  send(traffic: Traffic): void;
  cancel(): void;
  selectPacket(packet: number): void;
  selectRow(row: number): void;
  dismissFault(): void;
}

interface Labs {
  state: StoreApi<LabsState>;
  /** Under the lab's own name or the first free one; undefined where that was cancelled. */
  bringUp(lab: string, signal: AbortSignal): Promise<Result<Sandbox>>;
}

const nothing: CompareState = { details: notAsked, packet: 0 };

export function createCompareSession(client: Client, labs: Labs): CompareSession {
  const state = createStore<CompareState>(() => nothing);
  const loads = latest();
  const sends = latest();

  async function load(wanted: Record<Side, string>): Promise<void> {
    const signal = loads.next();
    const [left, right] = await Promise.all(
      SIDES.map((side) => client.call("lab.open", { lab: wanted[side] }, { signal })),
    );
    if (signal.aborted || !left || !right) return;
    const failed = [left, right].find((result) => !result.ok);
    if (failed && !failed.ok) state.setState({ details: { status: "failed", fault: failed.fault } });
    if (!left.ok || !right.ok) return;
    state.setState({ details: { status: "ready", value: { left: left.value, right: right.value } } });
  }

  /** The sandboxes to send in: those that are up, and new ones. */
  async function bothUp(wanted: Record<Side, string>, signal: AbortSignal): Promise<Result<Record<Side, Sandbox>>> {
    const up = sandboxesCompared(labs.state.getState(), wanted);
    // One after the other where both are copies of one lab: the second takes the next free name.
    const left = up.left ? { ok: true as const, value: up.left } : await labs.bringUp(wanted.left, signal);
    if (!left.ok) return left;
    const right = up.right ? { ok: true as const, value: up.right } : await labs.bringUp(wanted.right, signal);
    return right.ok ? { ok: true, value: { left: left.value, right: right.value } } : right;
  }

  async function send(traffic: Traffic): Promise<void> {
    const { labs: wanted, doing } = state.getState();
    if (!wanted || doing) return;
    const signal = sends.next();
    state.setState({ doing: "building", fault: undefined });
    const result = await sendInBoth(wanted, traffic, signal);
    if (signal.aborted) return;
    if (result.ok) state.setState({ doing: undefined, ...result.value, packet: 0, row: 0 });
    else state.setState({ doing: undefined, fault: result.fault.code === "cancelled" ? undefined : result.fault });
  }

  async function sendInBoth(
    wanted: Record<Side, string>,
    traffic: Traffic,
    signal: AbortSignal,
  ): Promise<Result<{ result: Comparison; built: Record<Side, Topology> }>> {
    const up = await bothUp(wanted, signal);
    if (!up.ok || signal.aborted) return up.ok ? { ok: false, fault: { code: "cancelled", message: "" } } : up;
    state.setState({ doing: "sending" });
    const ref = ({ name, target }: Sandbox) => ({ sandbox: name, target });
    const compared = await client.call(
      "traffic.compare",
      { left: ref(up.value.left), right: ref(up.value.right), traffic },
      { signal },
    );
    if (!compared.ok) return compared;
    const left = await client.call("sandbox.topology", ref(up.value.left), { signal });
    if (!left.ok) return left;
    const right = await client.call("sandbox.topology", ref(up.value.right), { signal });
    if (!right.ok) return right;
    return { ok: true, value: { result: compared.value, built: { left: left.value, right: right.value } } };
  }

  return {
    state,
    open: (wanted) => {
      const before = state.getState().labs;
      if (before?.left === wanted.left && before.right === wanted.right) return;
      sends.stop();
      state.setState({ ...nothing, labs: wanted, details: { status: "loading" } }, true);
      void load(wanted);
    },
    close: () => {
      loads.stop();
      sends.stop();
      state.setState(nothing, true);
    },
    send: (traffic) => void send(traffic),
    cancel: () => {
      sends.stop();
      state.setState({ doing: undefined });
    },
    selectPacket: (packet) => state.setState({ packet, row: 0 }),
    selectRow: (row) => state.setState({ row }),
    dismissFault: () => state.setState({ fault: undefined }),
  };
}

/** Those of the two labs that are up on the page's target: the newest; of one lab twice, the two newest. */
export function sandboxesCompared(state: LabsState, labs: Record<Side, string>): Partial<Record<Side, Sandbox>> {
  const own = sandboxesOf(state, labs.left);
  if (labs.left === labs.right) {
    const [left, right] = own.slice(-2);
    return { left, right };
  }
  return { left: own.at(-1), right: sandboxesOf(state, labs.right).at(-1) };
}

/** What both labs have: who can send to whom in either. */
export function sharedTopology(left: Topology, right: Topology): Topology {
  const names = new Set(right.namespaces.map(({ name }) => name));
  return { ...left, namespaces: left.namespaces.filter(({ name }) => names.has(name)) };
}
