/** The labs, the sandboxes that are up on each target, and what is being brought up or taken down. Pure. */

import {
  LAB_GROUPS,
  type LabGroup,
  type LabSummary,
  type Language,
  type Progress,
  type Sandbox,
} from "../../preload/contract/lab.ts";
import type { Fault } from "../../preload/contract/result.ts";

export interface Building {
  target: string;
  name: string;
  lab: string;
  /** Absent until the first step. */
  progress?: Progress;
}

export interface LabsState {
  status: "loading" | "ready" | "failed";
  /** Why the list could not be read. */
  fault?: Fault;
  labs: LabSummary[];
  /** The target that the page is about; absent until the server named it. */
  target?: string;
  /** Of all targets that are connected, and those last heard of where the connection was lost. */
  sandboxes: Sandbox[];
  /** What each lab lacks, by target and lab id; a target is absent until it was probed. */
  lacks: Record<string, Record<string, string[]>>;
  building: Building[];
  /** Those that are being taken down. */
  leaving: SandboxRef[];
  /** The last failure to bring a lab up or down, by target and lab id. */
  faults: Record<string, Record<string, Fault>>;
}

/** A sandbox's name is unique on its target only. */
export interface SandboxRef {
  target: string;
  name: string;
}

export const noLabs: LabsState = {
  status: "loading",
  labs: [],
  sandboxes: [],
  lacks: {},
  building: [],
  leaving: [],
  faults: {},
};

export function isSandbox(a: SandboxRef, b: SandboxRef): boolean {
  return a.name === b.name && a.target === b.target;
}

/** The labs by family, in the order of the families; only those that have all words of `filter` in what they are called. */
export function groupLabs(
  labs: readonly LabSummary[],
  filter: string,
  language: Language,
): { group: LabGroup; labs: LabSummary[] }[] {
  const wanted = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = ({ id, title, summary, group, requires }: LabSummary) => {
    const text = [id, title.en, title[language], summary.en, summary[language], group, ...requires]
      .join(" ")
      .toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  return LAB_GROUPS.map((group) => ({
    group,
    labs: labs.filter((lab) => lab.group === group && matches(lab)),
  })).filter((one) => one.labs.length > 0);
}

/** Sandboxes of a lab on the page's target, oldest first. */
export function sandboxesOf(state: LabsState, lab: string): Sandbox[] {
  return state.sandboxes
    .filter((sandbox) => sandbox.lab === lab && sandbox.target === state.target)
    .sort((a, b) => a.startedAt - b.startedAt);
}

/** The other targets on which a lab is up too. */
export function alsoUpOn(state: LabsState, lab: string): string[] {
  const targets = state.sandboxes.filter((sandbox) => sandbox.lab === lab && sandbox.target !== state.target);
  return [...new Set(targets.map(({ target }) => target))].toSorted();
}

export function buildingOf(state: LabsState, lab: string): Building[] {
  return state.building.filter((building) => building.lab === lab && building.target === state.target);
}

/** Absent where the page's target was not probed. */
export function lacksOf(state: LabsState, lab: string): string[] | undefined {
  return state.target === undefined ? undefined : state.lacks[state.target]?.[lab];
}

export function faultOf(state: LabsState, lab: string): Fault | undefined {
  return state.target === undefined ? undefined : state.faults[state.target]?.[lab];
}

/** The other targets that were probed and lack nothing of what a lab needs, and those that its fault names. */
export function targetsThatCan(state: LabsState, lab: string): string[] {
  const probed = Object.entries(state.lacks)
    .filter(([, lacks]) => lacks[lab]?.length === 0)
    .map(([target]) => target);
  const told = faultOf(state, lab)?.targets ?? [];
  return [...new Set([...probed, ...told])].filter((target) => target !== state.target);
}

/** A name for one more sandbox of a lab: its id, else the id with the first number that is free on the target. */
export function freeName(state: LabsState, lab: string): string {
  const taken = (name: string) =>
    [...state.building, ...state.sandboxes].some((other) => other.name === name && other.target === state.target);
  if (!taken(lab)) return lab;
  let number = 2;
  while (taken(`${lab}-${number}`)) number += 1;
  return `${lab}-${number}`;
}

export function withBuilding(state: LabsState, building: Building): LabsState {
  return { ...state, building: [...withoutBuilding(state, building).building, building] };
}

export function withoutBuilding(state: LabsState, ref: SandboxRef): LabsState {
  return { ...state, building: state.building.filter((other) => !isSandbox(other, ref)) };
}

export function withFault(state: LabsState, target: string, lab: string, fault: Fault | undefined): LabsState {
  const { [lab]: _, ...others } = state.faults[target] ?? {};
  return { ...state, faults: { ...state.faults, [target]: fault ? { ...others, [lab]: fault } : others } };
}

/** A sandbox that is gone is no longer leaving. Those of a target in `lost` are only out of sight. */
export function withSandboxes(
  state: LabsState,
  sandboxes: readonly Sandbox[],
  lost: readonly string[] = [],
): LabsState {
  const unseen = state.sandboxes.filter(
    (sandbox) => lost.includes(sandbox.target) && !sandboxes.some((other) => isSandbox(other, sandbox)),
  );
  const all = [...sandboxes, ...unseen];
  return {
    ...state,
    sandboxes: all,
    leaving: state.leaving.filter((leaving) => all.some((sandbox) => isSandbox(sandbox, leaving))),
  };
}
