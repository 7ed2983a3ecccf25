/** The targets, which of them the page is about, and the steps of connecting or testing one. Pure. */

import type { Hello } from "../../preload/contract/calls.ts";
import type { Fault } from "../../preload/contract/result.ts";
import {
  TARGET_STEPS,
  type TargetKind,
  type TargetSpec,
  type TargetStep,
  type TargetStepName,
  type TargetSummary,
} from "../../preload/contract/target.ts";

/** What the dialog about targets shows: one that is there, or the form for a new one. */
export type TargetPage = { target: string } | { add: TargetSpec["kind"] };

export interface TargetsState {
  targets: TargetSummary[];
  /** The one that labs, captures and traffic are about; absent until the server named them. */
  current?: string;
  /** What this page is connecting, and the steps so far. */
  connecting: Record<string, TargetStep[]>;
  /** Why what was asked of a target last could not be done, by target. */
  faults: Record<string, Fault>;
  /** Absent while the dialog is closed. */
  dialog?: TargetPage;
}

export const noTargets: TargetsState = { targets: [], connecting: {}, faults: {} };

/** What was chosen, and the server's default at that time: another default was asked for on purpose and comes first. */
export interface RememberedTarget {
  name: string;
  given: string;
}

/** Keeps to the target that is shown; else takes the one chosen last, unless the start named a lab or another target. */
export function targetToShow(
  targets: readonly TargetSummary[],
  hello: Hello,
  current: string | undefined,
  remembered: RememberedTarget | undefined,
): string {
  const known = (name: string) => targets.some((target) => target.name === name);
  if (current !== undefined && known(current)) return current;
  const obeyed = hello.open === undefined && remembered?.given === hello.target && known(remembered.name);
  return obeyed ? remembered.name : hello.target;
}

export function targetNamed(state: TargetsState, name: string | undefined): TargetSummary | undefined {
  return state.targets.find((target) => target.name === name);
}

export function currentTarget(state: TargetsState): TargetSummary | undefined {
  return targetNamed(state, state.current);
}

export function isConnected(state: TargetsState, name: string): boolean {
  return targetNamed(state, name)?.state === "connected";
}

export function isCurrentConnected(state: TargetsState): boolean {
  return currentTarget(state)?.state === "connected";
}

/** Targets of which the page keeps what it knew: a connection that broke ends no lab. */
export function lostNames(targets: readonly TargetSummary[]): string[] {
  return targets.filter(({ state }) => state === "lost").map(({ name }) => name);
}

export function withTarget(state: TargetsState, target: TargetSummary): TargetsState {
  const known = state.targets.some(({ name }) => name === target.name);
  return {
    ...state,
    targets: known
      ? state.targets.map((other) => (other.name === target.name ? target : other))
      : [...state.targets, target],
  };
}

export function withConnecting(state: TargetsState, name: string, steps: TargetStep[] | undefined): TargetsState {
  const { [name]: _, ...connecting } = state.connecting;
  return { ...state, connecting: steps ? { ...connecting, [name]: steps } : connecting };
}

export function withTargetFault(state: TargetsState, name: string, fault: Fault | undefined): TargetsState {
  const { [name]: _, ...faults } = state.faults;
  return { ...state, faults: fault ? { ...faults, [name]: fault } : faults };
}

/** A step is told when it begins and again when it ends. */
export function withStep(steps: readonly TargetStep[], step: TargetStep): TargetStep[] {
  const known = steps.some((other) => other.step === step.step);
  return known ? steps.map((other) => (other.step === step.step ? step : other)) : [...steps, step];
}

/** What is written of a target before it is added: as the form has it. */
export type TargetSource = { target: string } | { spec: TargetSpec };

export interface TargetTesting {
  /** What is or was tested; absent before the first test. */
  source?: TargetSource;
  running: boolean;
  steps: TargetStep[];
  /** How it ended; absent while it runs and where it was cancelled. */
  ok?: boolean;
  /** Why it could not be tested at all. */
  fault?: Fault;
}

export const noTest: TargetTesting = { running: false, steps: [] };

/** `waiting`: its turn has not come. `skipped`: it will not come, because an earlier one failed or it was cancelled. */
export type StepRow = TargetStep | { step: TargetStepName; state: "waiting" | "skipped" };

/** Every step that a kind of target has, from the start, so that the list does not grow under the reader. */
export function stepRows(kind: TargetKind, steps: readonly TargetStep[], running: boolean): StepRow[] {
  const first = kind === "ssh" || kind === "vm" ? 0 : TARGET_STEPS.indexOf("shell");
  return TARGET_STEPS.flatMap((step, index): StepRow[] => {
    const told = steps.find((other) => other.step === step);
    if (told) return [told];
    return index < first ? [] : [{ step, state: running ? "waiting" : "skipped" }];
  });
}
