/**
 * Every call and event that crosses the border. Inputs are checked with the schema on the way in;
 * outputs and events are JSON-safe. Every call answers with a Result.
 */

import * as z from "zod";
import type { ComparedPacket } from "./comparison.ts";
import type { Frame, OpenedFrame } from "./frame.ts";
import type { Journey, JourneyEnd } from "./journey.ts";
import {
  type Checked,
  type Diagnosis,
  type InterfaceState,
  type LabSummary,
  type Progress,
  type Sandbox,
  type Traffic,
  trafficSchema,
} from "./lab.ts";
import { type LiveLab, labChangeSchema } from "./live.ts";
import {
  type AskedQuestion,
  type SshHost,
  type TargetStep,
  type TargetSummary,
  type TargetTest,
  targetSpecSchema,
  type VmStatus,
} from "./target.ts";
import type { Topology } from "./topology.ts";

/** Carries an output or event type next to its schema; never read at run time. */
interface Typed<Out, Prog = never> {
  readonly out?: Out;
  readonly progress?: Prog;
}
function call<In extends z.ZodType, Out, Prog = never>(input: In): { input: In } & Typed<Out, Prog> {
  return { input };
}

const none = z.object({});
const labRef = z.string().min(1).max(4096);
const sandboxName = z.string().min(1).max(63);
const captureId = z.string().min(1).max(200);
const netns = z.string().min(1).max(200);
const interfaceId = z.string().min(1).max(15);

/** The name of a target; the server's own default where it is left out. */
const target = z.string().min(1).max(63).optional();
const targetOnly = z.object({ target });
const targetRef = z.object({ target: z.string().min(1).max(63) });
/** A target that is there, or one that is being written and was not added yet. */
const testInput = z.union([targetRef, z.object({ spec: targetSpecSchema })]);
const answerInput = z.object({
  question: z.int().min(0),
  /** `yes` to a host key, else what was typed; left out where the person cancelled. */
  answer: z.string().max(10_000).optional(),
});

const sandboxOnly = z.object({ sandbox: sandboxName, target });
const labOnly = z.object({ lab: labRef });
const upInput = z.object({ lab: labRef, name: sandboxName.optional(), target });
const stateInput = z.object({ sandbox: sandboxName, target, netns, interface: interfaceId });
const captureInput = z.object({
  sandbox: sandboxName,
  target,
  /** `netns/interface` each; all of them when left out. */
  interfaces: z.array(z.string()).max(2000).optional(),
  /** A tcpdump filter. */
  filter: z.string().max(4096).optional(),
});
const captureOnly = z.object({ capture: captureId });
const changeInput = z.object({ sandbox: sandboxName, target, change: labChangeSchema });
const sendInput = z.object({ sandbox: sandboxName, target, traffic: trafficSchema });
/** Two sandboxes, on one target or on two. */
const compareInput = z.object({ left: sandboxOnly, right: sandboxOnly, traffic: trafficSchema });
const packetsInput = z.object({
  capture: captureId,
  first: z.int().min(0),
  count: z.int().min(1).max(1000),
  /** Only packets seen at this `netns/interface`. */
  at: z.string().max(300).optional(),
});
const journeyInput = z.object({ capture: captureId, journey: z.int().min(0) });
const frameInput = z.object({ capture: captureId, frame: z.int().min(0) });

export interface Hello {
  version: string;
  /** The target of calls that name none. */
  target: string;
  /** The lab that the page should open first, if one was named at the start. */
  open?: string;
}

export interface LabDetail {
  lab: LabSummary;
  topology: Topology;
  /** Markdown, per language; English always. */
  guide: Record<string, string>;
  /** The traffic that the lab file suggests. */
  traffic: Traffic[];
}

export interface Capture {
  id: string;
  target: string;
  sandbox: string;
  lab: string;
  /** Path of the pcapng file. */
  file: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  running: boolean;
  interfaces: string[];
  /** Interfaces of the lab that are not captured, and why. */
  left?: { interfaces: string[]; why: string };
  frames: number;
  packets: number;
  /** Frames that the kernel or tcpdump dropped. */
  dropped: number;
  bytes: number;
  /** Why it ended by itself: the disk is full, say. */
  problem?: string;
  /** Interfaces whose tcpdump ended by itself, and why. */
  failed?: { interface: string; why: string }[];
  /** Spans of time in which nothing could be seen, oldest first; the last is open while the target is lost. */
  gaps: CaptureGap[];
  /** Set while nothing is heard of the target, so that silence says nothing of the network: since when. */
  stalledSince?: number;
}

/** Milliseconds since 1970. */
export interface CaptureGap {
  from: number;
  to?: number;
  why: string;
}

/** One line of the packet list: a journey without its hops. */
export interface Packet {
  journey: number;
  /** Nanoseconds since the start of the capture. */
  at: number;
  protocol: string;
  source: string;
  destination: string;
  summary: string;
  hops: number;
  end: JourneyEnd;
  /** The journey that it answers. */
  replyTo?: number;
  /** An ICMP error: the journey that it is about. */
  errorOf?: number;
  /** Frame index of the first sighting. */
  frame: number;
}

export interface PacketPage {
  /** All packets that match, of which `packets` are some. */
  total: number;
  first: number;
  packets: Packet[];
}

export interface Sent {
  capture: string;
  sent: number;
  received: number;
  /** Output of the programs that sent, for a person. */
  output: string;
  /** Of it, the lines that say why something was not answered, each once. */
  complaints: string[];
  /** Journeys that the traffic made, requests and replies in order; and what else was seen meanwhile, ARP and the like. */
  journeys: number[];
  others: number[];
}

export interface Comparison {
  left: Sent;
  right: Sent;
  /** In the order in which they were sent. */
  packets: ComparedPacket[];
  /** How many packets of both sides are not among `packets`, because there are too many. */
  more: number;
}

export const calls = {
  hello: call<typeof none, Hello>(none),
  "lab.list": call<typeof none, LabSummary[]>(none),
  "lab.open": call<typeof labOnly, LabDetail>(labOnly),
  "lab.up": call<typeof upInput, Sandbox, Progress>(upInput),
  "lab.down": call<typeof sandboxOnly, null>(sandboxOnly),
  /** Sends what each of the lab's checks asks for, and says whether what was seen is what it expects. */
  "lab.check": call<typeof sandboxOnly, Checked[], Progress>(sandboxOnly),
  "lab.doctor": call<typeof targetOnly, Diagnosis>(targetOnly),
  "target.list": call<typeof none, TargetSummary[]>(none),
  "target.add": call<typeof targetSpecSchema, TargetSummary>(targetSpecSchema),
  /** Labs that are up there stay up. */
  "target.remove": call<typeof targetRef, null>(targetRef),
  /** Connects one that is not; answers when it can be used. May ask. */
  "target.connect": call<typeof targetRef, TargetSummary, TargetStep>(targetRef),
  "target.disconnect": call<typeof targetRef, null>(targetRef),
  /** Goes through every step with a connection of its own. */
  "target.test": call<typeof testInput, TargetTest, TargetStep>(testInput),
  /** Hosts of ~/.ssh/config. */
  "target.offers": call<typeof none, SshHost[]>(none),
  "question.list": call<typeof none, AskedQuestion[]>(none),
  "question.answer": call<typeof answerInput, null>(answerInput),
  "vm.status": call<typeof none, VmStatus>(none),
  /** Builds the image where there is none or its recipe has changed. */
  "vm.build": call<typeof none, VmStatus, Progress>(none),
  /** Builds first where there is no image; answers when its SSH server does. */
  "vm.up": call<typeof none, VmStatus, Progress>(none),
  "vm.down": call<typeof none, VmStatus>(none),
  /** Removes its disk and saved state, and the image. */
  "vm.delete": call<typeof none, VmStatus>(none),
  /** Of one target; of all that are connected where none is named. */
  "sandbox.list": call<typeof targetOnly, Sandbox[]>(targetOnly),
  /** The topology that the sandbox has now, also where its lab file has changed since. Another revision has another. */
  "sandbox.topology": call<typeof sandboxOnly, Topology>(sandboxOnly),
  /** What can be changed in a lab that is up, and what was. */
  "lab.live": call<typeof sandboxOnly, LiveLab>(sandboxOnly),
  /** Changes it; answers when the kernel's state is the new one. A change that fails goes back. */
  "lab.change": call<typeof changeInput, LiveLab, Progress>(changeInput),
  "sandbox.state": call<typeof stateInput, InterfaceState>(stateInput),
  "capture.start": call<typeof captureInput, Capture>(captureInput),
  "capture.stop": call<typeof captureOnly, Capture>(captureOnly),
  "capture.list": call<typeof none, Capture[]>(none),
  /** Loads a stored capture so that its packets, journeys and frames can be asked for. */
  "capture.open": call<typeof captureOnly, Capture>(captureOnly),
  /** Sends traffic in a sandbox; starts a capture there first when none runs. */
  "traffic.send": call<typeof sendInput, Sent>(sendInput),
  /** Sends the same traffic in two sandboxes at the same time, and aligns the packets of both. */
  "traffic.compare": call<typeof compareInput, Comparison>(compareInput),
  "packet.list": call<typeof packetsInput, PacketPage>(packetsInput),
  "journey.open": call<typeof journeyInput, Journey>(journeyInput),
  "frame.open": call<typeof frameInput, OpenedFrame>(frameInput),
} as const;

export type Calls = typeof calls;
export type CallName = keyof Calls;
/** As the caller writes it (defaults may be left out), and as the server gets it (defaults filled in). */
export type CallInput<N extends CallName> = z.input<Calls[N]["input"]>;
export type CallArgument<N extends CallName> = z.output<Calls[N]["input"]>;
export type CallOutput<N extends CallName> = Calls[N] extends Typed<infer Out, infer _P> ? Out : never;
export type CallProgress<N extends CallName> = Calls[N] extends Typed<infer _O, infer Prog> ? Prog : never;

/** What the server tells every client without being asked. */
export interface Events {
  /** A sandbox came, went or was found gone: the whole list, of all connected targets. */
  "sandboxes.changed": Sandbox[];
  "targets.changed": TargetSummary[];
  /** The questions that wait for an answer: the whole list. */
  "questions.changed": AskedQuestion[];
  "capture.changed": Capture;
  /** New or grown packets of a running capture. At most one event per capture in 30 ms. */
  "packets.changed": { capture: string; total: number; packets: Packet[]; dropped: number; frames: number };
}
export type EventName = keyof Events;

export type { Frame };
