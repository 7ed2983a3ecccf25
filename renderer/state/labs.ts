/** The labs, the sandboxes that are up, and what is being brought up or taken down. Pure. */

import type { LabSummary, Progress, Sandbox } from "../../preload/contract/lab.ts";
import type { Fault } from "../../preload/contract/result.ts";

export interface Building {
  lab: string;
  /** Absent until the first step. */
  progress?: Progress;
}

export interface LabsState {
  status: "loading" | "ready" | "failed";
  /** Why the list could not be read. */
  fault?: Fault;
  labs: LabSummary[];
  sandboxes: Sandbox[];
  /** What each lab lacks on this target, by lab id; a lab is absent until it was probed. */
  lacks: Record<string, string[]>;
  /** By the sandbox's name. */
  building: Record<string, Building>;
  /** Names of sandboxes that are being taken down. */
  leaving: string[];
  /** The last failure to bring a lab up or down, by lab id. */
  faults: Record<string, Fault>;
}

export const noLabs: LabsState = {
  status: "loading",
  labs: [],
  sandboxes: [],
  lacks: {},
  building: {},
  leaving: [],
  faults: {},
};

/** Sandboxes of a lab, oldest first. */
export function sandboxesOf(state: LabsState, lab: string): Sandbox[] {
  return state.sandboxes.filter((sandbox) => sandbox.lab === lab).sort((a, b) => a.startedAt - b.startedAt);
}

export function buildingOf(state: LabsState, lab: string): [string, Building][] {
  return Object.entries(state.building).filter(([, building]) => building.lab === lab);
}

/** A name for one more sandbox of a lab: its id, else the id with the first number that is free. */
export function freeName(state: LabsState, lab: string): string {
  const taken = (name: string) => name in state.building || state.sandboxes.some((sandbox) => sandbox.name === name);
  if (!taken(lab)) return lab;
  let number = 2;
  while (taken(`${lab}-${number}`)) number += 1;
  return `${lab}-${number}`;
}

export function withBuilding(state: LabsState, name: string, building: Building): LabsState {
  return { ...state, building: { ...state.building, [name]: building } };
}

export function withoutBuilding(state: LabsState, name: string): LabsState {
  const { [name]: _, ...building } = state.building;
  return { ...state, building };
}

export function withFault(state: LabsState, lab: string, fault: Fault | undefined): LabsState {
  const { [lab]: _, ...faults } = state.faults;
  return { ...state, faults: fault ? { ...faults, [lab]: fault } : faults };
}

/** A sandbox that is gone is no longer leaving. */
export function withSandboxes(state: LabsState, sandboxes: Sandbox[]): LabsState {
  return {
    ...state,
    sandboxes,
    leaving: state.leaving.filter((name) => sandboxes.some((sandbox) => sandbox.name === name)),
  };
}
