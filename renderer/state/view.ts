/** What the reader looks at: a lab, its sandbox, a capture, a packet, a hop, an interface. Pure. */

import type { LabDetail } from "../../preload/contract/calls.ts";
import type { OpenedFrame } from "../../preload/contract/frame.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import type { InterfaceState } from "../../preload/contract/lab.ts";
import type { Fault } from "../../preload/contract/result.ts";
import type { InterfaceRef, Topology } from "../../preload/contract/topology.ts";

export const TABS = ["hop", "interface", "guide", "live"] as const;
export type Tab = (typeof TABS)[number];

/** Something asked of the server: not asked, under way, here, or refused. */
export type Asked<T> =
  | { status: "none" }
  | { status: "loading" }
  | { status: "ready"; value: T }
  | { status: "failed"; fault: Fault };

export const notAsked: { status: "none" } = { status: "none" };

export interface ViewState {
  lab?: string;
  detail: Asked<LabDetail>;
  /** The name of the sandbox that is shown; absent while the lab is down. */
  sandbox?: string;
  /** The topology that the sandbox was built from. */
  built?: Topology;
  /** Why `built` could not be read. */
  builtFault?: Fault;
  capture?: string;
  /** A stored capture was opened by hand: a newer one of the sandbox does not replace it. */
  pinned: boolean;
  captureFault?: Fault;
  /** The number of the selected journey. */
  packet?: number;
  journey: Asked<Journey>;
  /** Index of the hop whose frame is open. */
  hop?: number;
  frame: Asked<OpenedFrame>;
  interface?: InterfaceRef;
  state: Asked<InterfaceState>;
  tab: Tab;
}

export const emptyView: ViewState = {
  detail: notAsked,
  pinned: false,
  journey: notAsked,
  frame: notAsked,
  state: notAsked,
  tab: "guide",
};

/** A packet belongs to its capture: another capture starts without one. */
export function withCaptureShown(view: ViewState, capture: string | undefined, pinned: boolean): ViewState {
  return { ...withPacket(view, undefined), capture, pinned, captureFault: undefined };
}

export function withPacket(view: ViewState, packet: number | undefined): ViewState {
  return {
    ...view,
    packet,
    journey: packet === undefined ? notAsked : { status: "loading" },
    hop: undefined,
    frame: notAsked,
  };
}

/** The topology to draw: what was built, else what the lab file says. */
export function shownTopology(view: ViewState): Topology | undefined {
  if (view.sandbox !== undefined && view.built) return view.built;
  return view.detail.status === "ready" ? view.detail.value.topology : undefined;
}
