/**
 * The page's one connection between the server and its stores: what is asked when, and where the answers
 * go. An answer that belongs to something no longer shown is dropped.
 */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { Capture, Hello } from "../../preload/contract/calls.ts";
import type { Sandbox, Traffic } from "../../preload/contract/lab.ts";
import type { Fault, Result } from "../../preload/contract/result.ts";
import { type InterfaceRef, interfaceName } from "../../preload/contract/topology.ts";
import type { Client, ConnectionStatus } from "../client/client.ts";
import { type Captures, captureOfSandbox, capturesById, withCapture, withCounters } from "./captures.ts";
import { type CompareSession, createCompareSession } from "./compare-session.ts";
import {
  freeName,
  isSandbox,
  type LabsState,
  noLabs,
  type SandboxRef,
  sandboxesOf,
  withBuilding,
  withFault,
  withoutBuilding,
  withSandboxes,
} from "./labs.ts";
import { latest } from "./latest.ts";
import { createLiveSession, type LiveSession } from "./live-session.ts";
import { emptyTable, missingPages, PAGE, type PacketTable, withChanged, withPage } from "./packets.ts";
import { createQuestionSession, type QuestionSession } from "./question-session.ts";
import { createTargetSession, type TargetMemory, type TargetSession } from "./target-session.ts";
import { currentTarget, isConnected, lostNames, targetNamed } from "./targets.ts";
import { emptyView, notAsked, type Tab, type ViewState, withCaptureShown, withPacket } from "./view.ts";
import { createVmSession, type VmSession } from "./vm-session.ts";

export interface Line {
  status: ConnectionStatus;
  hello?: Hello;
}

export interface TrafficState {
  sending: boolean;
  sent?: { sent: number; received: number; output: string; complaints: string[] };
  fault?: Fault;
}

export interface CaptureControl {
  /** Being started or stopped. */
  busy: boolean;
  fault?: Fault;
}

export interface Session {
  line: StoreApi<Line>;
  labs: StoreApi<LabsState>;
  captures: StoreApi<Captures>;
  captureControl: StoreApi<CaptureControl>;
  packets: StoreApi<PacketTable>;
  view: StoreApi<ViewState>;
  traffic: StoreApi<TrafficState>;
  targets: TargetSession;
  vm: VmSession;
  questions: QuestionSession;
  compare: CompareSession;
  live: LiveSession;
  /** Asks for everything again, e.g. after a failure. */
  reload(): void;
  selectLab(lab: string): void;
  /** One of the current target. */
  selectSandbox(name: string): void;
  /** Brings a lab up on the current target, under its own name or the first free one. */
  bringUp(lab: string): void;
  cancelBringUp(sandbox: SandboxRef): void;
  takeDown(sandbox: SandboxRef): void;
  dismissFault(lab: string): void;
  startCapture(): void;
  stopCapture(): void;
  openCapture(capture: string): void;
  send(traffic: Traffic): void;
  /** Forgets how the last traffic went. */
  dismissTraffic(): void;
  /** The rows `first` to `last` are looked at: reads what is missing of them. */
  showRows(first: number, last: number): void;
  selectPacket(journey: number | undefined): void;
  selectHop(hop: number): void;
  selectInterface(ref: InterfaceRef | undefined): void;
  refreshInterface(): void;
  /** Shows only packets seen at an interface; all of them when left out. */
  filterPackets(at: string | undefined): void;
  showTab(tab: Tab): void;
  close(): void;
}

export function createSession(client: Client, memory?: TargetMemory): Session {
  const line = createStore<Line>(() => ({ status: client.status }));
  const labs = createStore<LabsState>(() => noLabs);
  const captures = createStore<Captures>(() => ({}));
  const captureControl = createStore<CaptureControl>(() => ({ busy: false }));
  const packets = createStore<PacketTable>(() => emptyTable());
  const view = createStore<ViewState>(() => emptyView);
  const traffic = createStore<TrafficState>(() => ({ sending: false }));
  const targets = createTargetSession(client, { ...memory, isVmRunning });
  const vm = createVmSession(client, () => targets.use("vm"));
  const questions = createQuestionSession(client);
  const compare = createCompareSession(client, { state: labs, bringUp: (lab, signal) => build(lab, signal) });

  const live = createLiveSession(client, (sandbox) => {
    if (view.getState().sandbox === sandbox) void loadBuilt(sandbox);
  });

  const loads = latest();
  const labLoads = latest();
  const labLists = latest();
  const builtLoads = latest();
  const captureLoads = latest();
  const journeyLoads = latest();
  const frameLoads = latest();
  const stateLoads = latest();
  const sends = latest();
  /** What is being brought up: what stops it. */
  const builds = new Map<string, AbortController>();
  /** Pages of the present table that are being read. */
  let reading = new Set<number>();
  let looked = { first: 0, last: PAGE - 1 };
  /** A journey grew while it was being read. */
  let journeyGrew = false;
  let journeyReading = false;

  function isVmRunning(): boolean {
    return vm.state.getState().status?.state === "running";
  }

  function sandboxShown(): Sandbox | undefined {
    const { lab, sandbox } = view.getState();
    return lab === undefined ? undefined : sandboxesOf(labs.getState(), lab).find(({ name }) => name === sandbox);
  }

  async function load(): Promise<void> {
    const signal = loads.next();
    questions.load();
    vm.load();
    const rest = Promise.all([
      client.call("lab.list", {}, { signal }),
      client.call("sandbox.list", {}, { signal }),
      client.call("capture.list", {}, { signal }),
    ]);
    const [hello, listed] = await Promise.all([
      client.call("hello", {}, { signal }),
      client.call("target.list", {}, { signal }),
    ]);
    if (signal.aborted) return;
    if (hello.ok) line.setState({ hello: hello.value });
    // At once: held back until the rest is there, it would undo what events have told meanwhile.
    if (hello.ok && listed.ok) targets.receive(hello.value, listed.value);
    const [list, sandboxes, stored] = await rest;
    if (signal.aborted) return;
    const failed = [hello, list, sandboxes, stored, listed].find((result) => !result.ok);
    if (failed && !failed.ok) {
      // A line that broke meanwhile says so itself and loads again when it is back.
      if (client.status === "open") labs.setState({ status: "failed", fault: failed.fault });
      return;
    }
    if (!hello.ok || !list.ok || !sandboxes.ok || !stored.ok || !listed.ok) return;
    labs.setState((state) => ({
      ...withSandboxes(state, sandboxes.value, lostNames(listed.value)),
      labs: list.value,
      status: "ready",
      fault: undefined,
    }));
    captures.setState(capturesById(stored.value), true);
    const shown = view.getState();
    const wanted = shown.lab ?? hello.value.open ?? upFirst(sandboxes.value, labs.getState().target)?.lab;
    const lab = list.value.find((candidate) => candidate.id === wanted) ?? list.value[0];
    if (lab && lab.id !== shown.lab) selectLab(lab.id);
    else if (lab) {
      void loadLab(lab.id);
      followSandbox();
      reloadCapture();
    }
    for (const { name, state } of listed.value) if (state === "connected") void diagnose(name);
  }

  /** What the labs lack on a target. */
  async function diagnose(target: string): Promise<void> {
    const diagnosis = await client.call("lab.doctor", { target });
    if (!diagnosis.ok) return;
    const lacks = Object.fromEntries(diagnosis.value.labs.map((lab) => [lab.id, lab.lacks]));
    labs.setState((state) => ({ lacks: { ...state.lacks, [target]: lacks } }));
  }

  /** Another target: the same lab, and whatever of it is up there. */
  function showTarget(target: string | undefined): void {
    labs.setState({ target });
    const { lab, tab, detail } = view.getState();
    if (lab === undefined) return;
    stateLoads.stop();
    builtLoads.stop();
    view.setState({ ...emptyView, lab, tab, detail, sandbox: undefined, capture: undefined }, true);
    traffic.setState({ sending: traffic.getState().sending }, true);
    captureControl.setState({ busy: false }, true);
    showCapture(undefined, false);
    followSandbox();
  }

  async function loadSandboxes(): Promise<void> {
    const list = await client.call("sandbox.list", {});
    if (list.ok) receiveSandboxes(list.value);
  }

  function receiveSandboxes(sandboxes: readonly Sandbox[]): void {
    labs.setState((state) => withSandboxes(state, sandboxes, lostNames(targets.state.getState().targets)));
    followSandbox();
    // Somebody brought up a lab of their own, from a file that was not listed.
    const { status, labs: known } = labs.getState();
    if (status === "ready" && sandboxes.some(({ lab }) => !known.some(({ id }) => id === lab))) void loadLabs();
  }

  async function loadLabs(): Promise<void> {
    const signal = labLists.next();
    const list = await client.call("lab.list", {}, { signal });
    if (list.ok && !signal.aborted) labs.setState({ labs: list.value });
  }

  async function loadLab(lab: string): Promise<void> {
    const signal = labLoads.next();
    const result = await client.call("lab.open", { lab }, { signal });
    if (signal.aborted) return;
    view.setState({
      detail: result.ok ? { status: "ready", value: result.value } : { status: "failed", fault: result.fault },
    });
    const [left, right] = (result.ok && result.value.lab.compares) || [];
    if (left !== undefined && right !== undefined) compare.open({ left, right });
  }

  function selectLab(lab: string): void {
    const known = labs.getState().labs.find(({ id }) => id === lab);
    // What is compared by hand ends with a choice in the list; a comparison stays its own.
    if (view.getState().lab !== lab || !known?.compares) compare.close();
    if (view.getState().lab === lab && !view.getState().pinned) return;
    stateLoads.stop();
    const { tab } = view.getState();
    view.setState(
      { ...emptyView, lab, tab, detail: { status: "loading" }, sandbox: undefined, capture: undefined },
      true,
    );
    traffic.setState({ sending: traffic.getState().sending }, true);
    captureControl.setState({ busy: false }, true);
    showCapture(undefined, false);
    void loadLab(lab);
    followSandbox();
  }

  /** Keeps to the shown sandbox while it lives; else takes the newest of the lab. */
  function followSandbox(): void {
    const { lab, sandbox } = view.getState();
    if (lab === undefined) return;
    const own = sandboxesOf(labs.getState(), lab);
    const next = own.find((candidate) => candidate.name === sandbox) ?? own.at(-1);
    if (next?.name !== sandbox) {
      builtLoads.stop();
      if (!traffic.getState().sending) traffic.setState({ sending: false }, true);
      view.setState({ sandbox: next?.name, built: undefined, builtFault: undefined, state: notAsked });
    }
    // A lost target answers nothing: what was read before stays shown.
    if (!next || !lostNames(targets.state.getState().targets).includes(next.target)) live.follow(next);
    if (next && !lostNames(targets.state.getState().targets).includes(next.target)) void loadBuilt(next.name);
    followCapture();
  }

  async function loadBuilt(sandbox: string): Promise<void> {
    const signal = builtLoads.next();
    const { target } = labs.getState();
    const result = await client.call("sandbox.topology", { sandbox, target }, { signal });
    if (signal.aborted || view.getState().sandbox !== sandbox) return;
    view.setState(result.ok ? { built: result.value, builtFault: undefined } : { builtFault: result.fault });
    if (view.getState().interface) void loadState();
  }

  function selectSandbox(name: string): void {
    const { sandboxes, target } = labs.getState();
    const sandbox = sandboxes.find((candidate) => candidate.name === name && candidate.target === target);
    if (!sandbox) return;
    selectLab(sandbox.lab);
    view.setState({ sandbox: name, pinned: false, built: undefined, builtFault: undefined, interface: undefined });
    void loadBuilt(name);
    live.follow(sandbox);
    followCapture();
  }

  /** Shows the newest capture of the sandbox unless a stored one was opened by hand. */
  function followCapture(): void {
    const { capture, pinned } = view.getState();
    const sandbox = sandboxShown();
    if (pinned || !sandbox) return;
    const newest = captureOfSandbox(captures.getState(), sandbox);
    if (newest && newest.id !== capture) showCapture(newest, false);
  }

  function showCapture(capture: Capture | undefined, pinned: boolean): void {
    captureLoads.stop();
    journeyLoads.stop();
    frameLoads.stop();
    view.setState((state) => withCaptureShown(state, capture?.id, pinned));
    showTable(capture?.id, undefined);
    if (capture) void loadCapture(capture);
  }

  /** A stored capture has to be opened before its packets can be read; a running one is open. */
  async function loadCapture(capture: Capture): Promise<void> {
    if (!capture.running) {
      const signal = captureLoads.next();
      const result = await client.call("capture.open", { capture: capture.id }, { signal });
      if (signal.aborted) return;
      if (!result.ok) {
        view.setState({ captureFault: result.fault });
        return;
      }
      captures.setState((state) => withCapture(state, result.value), true);
    }
    showRows(looked.first, looked.last);
  }

  /** After a lost connection: the same capture, read anew. */
  function reloadCapture(): void {
    const { capture, packet } = view.getState();
    const known = capture === undefined ? undefined : captures.getState()[capture];
    if (!known) {
      if (capture !== undefined) showCapture(undefined, false);
      return;
    }
    showTable(known.id, packets.getState().at);
    void loadCapture(known);
    if (packet !== undefined) void loadJourney(packet);
  }

  function showTable(capture: string | undefined, at: string | undefined): void {
    reading = new Set();
    looked = { first: 0, last: PAGE - 1 };
    packets.setState(emptyTable(capture, at), true);
  }

  function showRows(first: number, last: number): void {
    looked = { first, last };
    const table = packets.getState();
    const { capture, at } = table;
    if (capture === undefined || view.getState().captureFault) return;
    const now = reading;
    for (const page of missingPages(table, first, last)) {
      if (now.has(page)) continue;
      now.add(page);
      void client.call("packet.list", { capture, first: page * PAGE, count: PAGE, at }).then((result) => {
        now.delete(page);
        if (now !== reading) return; // another table is shown by now
        if (result.ok) packets.setState((state) => withPage(state, result.value), true);
        else if (client.status === "open") view.setState({ captureFault: result.fault });
      });
    }
  }

  async function loadJourney(journey: number): Promise<void> {
    const { capture } = view.getState();
    if (capture === undefined) return;
    const signal = journeyLoads.next();
    journeyReading = true;
    journeyGrew = false;
    const result = await client.call("journey.open", { capture, journey }, { signal });
    if (signal.aborted) return;
    journeyReading = false;
    view.setState({
      journey: result.ok ? { status: "ready", value: result.value } : { status: "failed", fault: result.fault },
    });
    if (result.ok && view.getState().hop === undefined) selectHop(0);
    if (journeyGrew) void loadJourney(journey);
  }

  function selectPacket(journey: number | undefined): void {
    if (journey === view.getState().packet) return;
    journeyLoads.stop();
    frameLoads.stop();
    view.setState((state) => ({
      ...withPacket(state, journey),
      // Until the new journey is here the old one stays drawn, so that nothing flickers.
      journey:
        journey !== undefined && state.journey.status === "ready" ? state.journey : withPacket(state, journey).journey,
      tab: journey === undefined ? state.tab : "hop",
    }));
    if (journey !== undefined) void loadJourney(journey);
  }

  function selectHop(hop: number): void {
    const { journey, capture, packet } = view.getState();
    if (journey.status !== "ready" || journey.value.id !== packet || capture === undefined) return;
    const frame = journey.value.hops[hop]?.frame;
    if (frame === undefined || view.getState().hop === hop) return;
    view.setState({ hop });
    void loadFrame(capture, frame);
  }

  async function loadFrame(capture: string, frame: number): Promise<void> {
    const signal = frameLoads.next();
    if (view.getState().frame.status !== "ready") view.setState({ frame: { status: "loading" } });
    const result = await client.call("frame.open", { capture, frame }, { signal });
    if (signal.aborted) return;
    view.setState({
      frame: result.ok ? { status: "ready", value: result.value } : { status: "failed", fault: result.fault },
    });
  }

  function selectInterface(ref: InterfaceRef | undefined): void {
    const { interface: before } = view.getState();
    const same = ref && before && interfaceName(ref) === interfaceName(before);
    if (!same) {
      stateLoads.stop();
      view.setState({ interface: ref, state: notAsked });
      filterPackets(ref && interfaceName(ref));
    }
    if (!ref) return;
    view.setState({ tab: "interface" });
    void loadState();
  }

  async function loadState(): Promise<void> {
    const { interface: ref } = view.getState();
    const sandbox = sandboxShown();
    if (!ref || !sandbox) return;
    const signal = stateLoads.next();
    if (view.getState().state.status !== "ready") view.setState({ state: { status: "loading" } });
    const result = await client.call(
      "sandbox.state",
      { sandbox: sandbox.name, target: sandbox.target, ...ref },
      { signal },
    );
    if (signal.aborted) return;
    view.setState({
      state: result.ok ? { status: "ready", value: result.value } : { status: "failed", fault: result.fault },
    });
  }

  function filterPackets(at: string | undefined): void {
    const table = packets.getState();
    if (table.at === at) return;
    showTable(table.capture, at);
    showRows(looked.first, looked.last);
  }

  async function build(lab: string, signal?: AbortSignal): Promise<Result<Sandbox>> {
    const { target } = labs.getState();
    if (target === undefined) return { ok: false, fault: { code: "gone", message: "no target is known yet" } };
    const name = freeName(labs.getState(), lab);
    const ref = { target, name };
    const abort = new AbortController();
    const stop = () => abort.abort();
    signal?.addEventListener("abort", stop);
    builds.set(keyOf(ref), abort);
    labs.setState((state) => withFault(withBuilding(state, { ...ref, lab }), target, lab, undefined));
    const result = await client.call(
      "lab.up",
      { lab, name, target },
      {
        signal: abort.signal,
        onProgress: (progress) => {
          if (builds.get(keyOf(ref)) !== abort) return;
          labs.setState((state) => withBuilding(state, { ...ref, lab, progress }));
        },
      },
    );
    builds.delete(keyOf(ref));
    signal?.removeEventListener("abort", stop);
    labs.setState((state) => {
      const done = withoutBuilding(state, ref);
      if (!result.ok) return result.fault.code === "cancelled" ? done : withFault(done, target, lab, result.fault);
      const others = done.sandboxes.filter((sandbox) => !isSandbox(sandbox, ref));
      return withSandboxes(done, [...others, result.value]);
    });
    return result;
  }

  async function bringUp(lab: string): Promise<void> {
    const result = await build(lab);
    if (!result.ok || view.getState().lab !== lab) return;
    if (labs.getState().target === result.value.target) selectSandbox(result.value.name);
  }

  async function destroy(ref: SandboxRef): Promise<void> {
    const { target, name } = ref;
    const { sandboxes, leaving } = labs.getState();
    const lab = sandboxes.find((sandbox) => isSandbox(sandbox, ref))?.lab;
    if (lab === undefined || leaving.some((other) => isSandbox(other, ref))) return;
    labs.setState((state) =>
      withFault({ ...state, leaving: [...state.leaving, { target, name }] }, target, lab, undefined),
    );
    const result = await client.call("lab.down", { sandbox: name, target });
    labs.setState((state) => {
      const done = { ...state, leaving: state.leaving.filter((other) => !isSandbox(other, ref)) };
      if (!result.ok) return withFault(done, target, lab, result.fault);
      return withSandboxes(
        done,
        done.sandboxes.filter((sandbox) => !isSandbox(sandbox, ref)),
      );
    });
    followSandbox();
  }

  async function controlCapture(ask: () => Promise<{ ok: true; value: Capture } | { ok: false; fault: Fault }>) {
    if (captureControl.getState().busy) return;
    captureControl.setState({ busy: true, fault: undefined });
    const result = await ask();
    captureControl.setState({ busy: false, fault: result.ok ? undefined : result.fault });
    if (!result.ok) return;
    captures.setState((state) => withCapture(state, result.value), true);
    if (view.getState().sandbox === result.value.sandbox && labs.getState().target === result.value.target) {
      view.setState({ pinned: false });
      followCapture();
    }
  }

  async function sendTraffic(wanted: Traffic): Promise<void> {
    const sandbox = sandboxShown();
    if (!sandbox || traffic.getState().sending) return;
    const signal = sends.next();
    traffic.setState({ sending: true }, true);
    view.setState({ pinned: false });
    followCapture();
    const result = await client.call(
      "traffic.send",
      { sandbox: sandbox.name, target: sandbox.target, traffic: wanted },
      { signal },
    );
    const { target } = labs.getState();
    if (signal.aborted || view.getState().sandbox !== sandbox.name || target !== sandbox.target) {
      traffic.setState({ sending: false }, true);
      return;
    }
    if (!result.ok) {
      traffic.setState({ sending: false, fault: result.fault }, true);
      return;
    }
    const { sent, received, output, complaints, capture, journeys } = result.value;
    traffic.setState({ sending: false, sent: { sent, received, output, complaints } }, true);
    const known = captures.getState()[capture];
    if (known && view.getState().capture !== capture) showCapture(known, false);
    if (journeys[0] !== undefined && view.getState().capture === capture) selectPacket(journeys[0]);
  }

  function openCapture(id: string): void {
    const capture = captures.getState()[id];
    if (!capture) return;
    if (view.getState().lab !== capture.lab) selectLab(capture.lab);
    showCapture(capture, true);
  }

  const stops = [
    client.onStatus((status) => {
      line.setState({ status });
      if (status === "open") void load();
    }),
    targets.state.subscribe((now, before) => {
      if (now.current !== before.current) showTarget(now.current);
      const connected = now.targets.filter(({ name }) => isConnected(now, name) && !isConnected(before, name));
      if (before.current === undefined || connected.length === 0) return;
      for (const { name } of connected) void diagnose(name);
      void loadSandboxes();
    }),
    targets.state.subscribe((now, before) => {
      // Somebody may have started or stopped it.
      if (targetNamed(now, "vm")?.state !== targetNamed(before, "vm")?.state) vm.load();
    }),
    vm.state.subscribe(({ status }, before) => {
      const target = currentTarget(targets.state.getState());
      const started = status?.state === "running" && before.status?.state !== "running";
      if (started && target?.kind === "vm" && target.state === "idle") targets.connect(target.name);
    }),
    client.on("sandboxes.changed", receiveSandboxes),
    client.on("capture.changed", (capture) => {
      captures.setState((state) => withCapture(state, capture), true);
      followCapture();
    }),
    client.on("packets.changed", (changed) => {
      captures.setState((state) => withCounters(state, changed), true);
      const { capture, packet } = view.getState();
      if (changed.capture !== capture) return;
      packets.setState((state) => withChanged(state, changed), true);
      if (packets.getState().at !== undefined) showRows(looked.first, looked.last);
      if (packet === undefined || !changed.packets.some(({ journey }) => journey === packet)) return;
      if (journeyReading) journeyGrew = true;
      else void loadJourney(packet);
    }),
  ];
  if (client.status === "open") void load();

  return {
    line,
    labs,
    captures,
    captureControl,
    packets,
    view,
    traffic,
    targets,
    vm,
    questions,
    compare,
    live,
    reload: () => {
      labs.setState({ status: "loading", fault: undefined });
      void load();
    },
    selectLab,
    selectSandbox,
    bringUp: (lab) => void bringUp(lab),
    cancelBringUp: (ref) => builds.get(keyOf(ref))?.abort(),
    takeDown: (ref) => void destroy(ref),
    dismissFault: (lab) => {
      const { target } = labs.getState();
      if (target !== undefined) labs.setState((state) => withFault(state, target, lab, undefined));
    },
    startCapture: () => {
      const sandbox = sandboxShown();
      if (!sandbox) return;
      const { name, target } = sandbox;
      void controlCapture(() => client.call("capture.start", { sandbox: name, target }));
    },
    stopCapture: () => {
      const { capture } = view.getState();
      if (capture !== undefined) void controlCapture(() => client.call("capture.stop", { capture }));
    },
    openCapture,
    send: (wanted) => void sendTraffic(wanted),
    dismissTraffic: () => traffic.setState({ sending: traffic.getState().sending }, true),
    showRows,
    selectPacket,
    selectHop,
    selectInterface,
    refreshInterface: () => void loadState(),
    filterPackets,
    showTab: (tab) => view.setState({ tab }),
    close: () => {
      for (const stop of stops) stop();
      targets.close();
      questions.close();
      client.close();
    },
  };
}

function keyOf({ target, name }: SandboxRef): string {
  return `${target} ${name}`;
}

/** One that is up, rather on the target that is shown. */
function upFirst(sandboxes: readonly Sandbox[], target: string | undefined): Sandbox | undefined {
  return sandboxes.find((sandbox) => sandbox.target === target) ?? sandboxes[0];
}
