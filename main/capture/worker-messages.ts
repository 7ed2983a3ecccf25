/** What passes between the capture worker and its owner. */

import type { Packet, PacketPage } from "../../preload/contract/calls.ts";
import type { OpenedFrame } from "../../preload/contract/frame.ts";
import type { InterfaceRef, Topology } from "../../preload/contract/topology.ts";
import type { RouteLookup } from "../cause/lookup.ts";
import type { KernelState } from "../cause/state.ts";
import type { DirectionNumber } from "../journey/wiring.ts";
import type { JourneyWithLayers } from "./store.ts";

/**
 * Given to the worker when it starts. With `write` it makes the file, else it reads one that is there. `startedAt` is in
 * milliseconds since 1970 by the clock of who captures, `clockOffset` that clock less this machine's.
 */
export interface WorkerStart {
  path: string;
  topology?: Topology;
  write?: { lab: string; startedAt: number; clockOffset: number };
}

/** The calls that the worker answers. */
export interface StoreCalls {
  /** Answers with the interface's number. */
  addInterface(ref: InterfaceRef): number;
  /** The lab has changed. */
  rewire(topology: Topology): null;
  packets(first: number, count: number, at?: string): PacketPage;
  /** How many packets there are now: the number of the next one. */
  packetCount(): number;
  /** The packets with this number and later ones. */
  packetsFrom(first: number): Packet[];
  received(): number;
  journey(id: number): JourneyWithLayers | undefined;
  frame(index: number): OpenedFrame | undefined;
  readAll(): { problem: string | undefined; interfaces: string[]; frames: number; packets: number };
  /** Nothing more is captured; what was can be asked for as before. */
  finish(): null;
}

export type ToWorker =
  /** A new pcap stream of one interface and one direction. */
  | { type: "stream"; stream: number; interface: number; direction: DirectionNumber }
  | { type: "bytes"; stream: number; bytes: Uint8Array }
  /** The clock of who captures, less this machine's, in milliseconds. */
  | { type: "clock"; offset: number }
  /** What the worker finds the needed route lookups by. */
  | { type: "state"; state: KernelState }
  | {
      [M in keyof StoreCalls]: { type: "call"; id: number; method: M; args: Parameters<StoreCalls[M]> };
    }[keyof StoreCalls];

export type FromWorker =
  | { type: "answer"; id: number; value: unknown }
  | { type: "failed"; id: number; message: string }
  /** The capture can't go on, e.g. because the disk is full. What was written stays. */
  | { type: "broken"; message: string }
  | {
      type: "changed";
      packets: Packet[];
      /** Routes that the causes of these packets need and that were not asked for before. */
      lookups: RouteLookup[];
      total: number;
      frames: number;
      bytes: number;
    };
