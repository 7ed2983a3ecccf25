/** Labs and sandboxes as the page and the command line see them. */

import * as z from "zod";

export const LANGUAGES = ["en", "zh-Hant", "zh-Hans"] as const;
export type Language = (typeof LANGUAGES)[number];

/** English is always there; the others where someone wrote them. */
export type Words = { en: string } & Partial<Record<Language, string>>;

/** The families that the list of labs is grouped by; a lab without a network plugin is about the basics. */
export const LAB_GROUPS = ["basics", "flannel", "calico"] as const;
export type LabGroup = (typeof LAB_GROUPS)[number];

export interface LabSummary {
  id: string;
  title: Words;
  summary: Words;
  /** Path of the lab file. */
  file: string;
  group: LabGroup;
  /** Kernel features and programs that it needs. */
  requires: string[];
  /** A comparison builds nothing itself: the ids of the two labs that it is about. */
  compares?: [string, string];
  /** Set where the file is invalid; the rest is then what could be read. */
  problem?: string;
}

export const PROTOCOL_CHOICES = ["icmp", "tcp", "udp"] as const;
export type TrafficProtocol = (typeof PROTOCOL_CHOICES)[number];

/** Who sends what to whom. `from` and `to` name a pod, a node or a namespace: `a`, `pod/a`, `node/node1`; `to` may be an address. */
export const trafficSchema = z.object({
  from: z.string().min(1).max(200),
  to: z.string().min(1).max(200),
  protocol: z.enum(PROTOCOL_CHOICES).default("icmp"),
  port: z.int().min(1).max(65535).optional(),
  count: z.int().min(1).max(100_000).default(1),
  /** Bytes of ICMP, UDP or TCP payload of each. ping's 56, or a short line, unless given. */
  size: z.int().min(0).max(65507).optional(),
  /** The DF bit of what is sent. Left out, the kernel sets it on what fits the path MTU that it knows. */
  dontFragment: z.boolean().optional(),
});
export type Traffic = z.infer<typeof trafficSchema>;

/** One lab that is up (or coming up) on a target. */
export interface Sandbox {
  /** Unique on the target; the lab's id unless given. */
  name: string;
  lab: string;
  /** The lab file that it was built from, which may have changed or gone since. */
  file?: string;
  target: string;
  /** The sandbox's first process, as the target numbers it. */
  pid: number;
  /** Milliseconds since 1970. */
  startedAt: number;
  namespaces: string[];
  rootless: boolean;
  /** How often the lab was changed since it was built (`lab.change`): with another revision, the topology is another. */
  revision: number;
}

/** One check of a lab, with what was seen. */
export interface Checked {
  /** `ping a to c`, `path a to c`. */
  check: string;
  passed: boolean;
  expected: string;
  observed: string;
}

/** How far a build has come: step `done` of `total`, and what it is doing. */
export interface Progress {
  done: number;
  total: number;
  why: string;
}

/** A finding about the target: a program or kernel feature that is there or not. */
export interface Finding {
  /** `vxlan`, `br_netfilter`, `tcpdump` … */
  name: string;
  kind: "program" | "kernel" | "privilege";
  found: boolean;
  detail: string;
  fix?: string;
}

export interface Diagnosis {
  target: string;
  kernel: string;
  findings: Finding[];
  /** What each lab lacks; empty where it can run. */
  labs: { id: string; lacks: string[] }[];
}

/** The live state of one interface, each part as the named command prints it. */
export interface InterfaceState {
  netns: string;
  interface: string;
  parts: {
    name: "link" | "addresses" | "routes" | "neighbours" | "fdb" | "settings" | "rules";
    command: string;
    text: string;
  }[];
}
