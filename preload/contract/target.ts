/** Targets as the page and the command line see them: the Linux machines that host labs. */

import * as z from "zod";
import type { Finding } from "./lab.ts";
import type { Fault } from "./result.ts";

/** What only a person can decide or type. `target` is named as `--target` does; `host` is the machine that is meant, which may be a jump host. */
export type Question =
  | {
      /** Answered with "yes" to trust it from now on; anything else is a no. */
      kind: "host-key";
      target: string;
      host: string;
      /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
      keyType: string;
      /** `SHA256:` and base64, as ssh-keygen -l prints it. */
      fingerprint: string;
    }
  | {
      /** Answered with the text, which is a secret unless `echo`. */
      kind: "password" | "passphrase" | "sudo-password" | "prompt";
      target: string;
      text: string;
      echo: boolean;
    };

/** One step of a connection, told when it ended. With jump hosts the steps come once for each host on the way. */
export interface ConnectionStep {
  step: "resolve" | "connect" | "host-key" | "authenticate";
  host: string;
  ok: boolean;
  detail: string;
  /** Set where it failed. */
  fault?: Fault;
}

/** A question that waits: answered by the first client that does. */
export interface AskedQuestion {
  id: number;
  question: Question;
}

/** How programs are to run on a target: as root when logged in as root, else through sudo, else rootless. */
export const PRIVILEGE_CHOICES = ["auto", "root", "sudo", "rootless"] as const;
export type PrivilegeChoice = (typeof PRIVILEGE_CHOICES)[number];

/** This machine and the embedded VM are always there and need no adding. */
export const BUILT_IN_TARGETS = ["local", "vm"] as const;

export const targetName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "allowed are lower-case letters, digits and hyphens, at most 63")
  .refine((name) => !BUILT_IN_TARGETS.some((builtIn) => builtIn === name), "local and vm are built in");

const privilege = z.enum(PRIVILEGE_CHOICES).default("auto");

/** What is kept of a target that a person added. Holds no secret. */
export const targetSpecSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("ssh"),
    name: targetName,
    /** `ssh://user@host:port`, or a Host of ~/.ssh/config. */
    address: z.string().min(1).max(1000),
    /** A private key file. */
    identity: z.string().min(1).max(4096).optional(),
    /** Hosts to go through, first to last, each written as an address. */
    jump: z.array(z.string().min(1).max(1000)).max(8).optional(),
    privilege,
  }),
  z.strictObject({
    kind: z.literal("command"),
    name: targetName,
    /** Program and arguments, to which the program to run there and its arguments are added. */
    command: z.array(z.string().min(1).max(4096)).min(1).max(100),
    privilege,
  }),
]);
export type TargetSpec = z.output<typeof targetSpecSchema>;

export type TargetKind = "local" | "vm" | TargetSpec["kind"];

export interface TargetSummary {
  /** As `--target` names it. */
  name: string;
  kind: TargetKind;
  /** Where it is, for a person: an ssh:// URL, a command line, the VM's port; empty for this machine. */
  address: string;
  /**
   * `idle`: not asked for yet. `lost`: it was connected and is tried again by itself. `failed`: it could not be
   * connected. `unusable`: it can't host labs at all, as `local` on a machine that is not Linux.
   */
  state: "idle" | "connecting" | "connected" | "lost" | "failed" | "unusable";
  /** Set while connected. */
  runsAs?: "root" | "sudo" | "rootless";
  /** `Linux 6.1.0-37-amd64`, while connected. */
  kernel?: string;
  /** The target's clock less this machine's, in milliseconds, while connected. */
  clockOffset?: number;
  /** Why it is lost, failed or unusable. */
  fault?: Fault;
  /** Since when a lost one is lost: milliseconds since 1970. */
  since?: number;
  /** When a lost one is tried again: milliseconds since 1970. */
  retryAt?: number;
}

/** In this order; a target that is no SSH host has only those from `shell` on. */
export const TARGET_STEPS = [
  "resolve",
  "connect",
  "host-key",
  "authenticate",
  "shell",
  "privileges",
  "programs",
  "kernel",
] as const;
export type TargetStepName = (typeof TARGET_STEPS)[number];

/** One step of connecting or testing a target. */
export interface TargetStep {
  step: TargetStepName;
  state: "running" | "ok" | "warning" | "failed";
  /** What was found, for a person. */
  detail: string;
  /** What to do about a failure, or about what is missing. */
  fix?: string;
  /** Of `programs` and `kernel`. */
  findings?: Finding[];
}

export interface TargetTest {
  ok: boolean;
  steps: TargetStep[];
}

/** A host of ~/.ssh/config that could be added as it is. */
export interface SshHost {
  /** As written after `Host`. */
  name: string;
  /** What it stands for: `ssh://user@host:port`. */
  address: string;
}

export interface VmStatus {
  /**
   * `absent`: no image was built. `stopped`: the next start boots it. `saved`: the next start resumes from memory.
   * `starting`: it runs and has not answered yet. `broken`: see `fault`.
   */
  state: "absent" | "stopped" | "saved" | "starting" | "running" | "broken";
  /** `current`: the recipe is still the one that it was built by. */
  image?: { bytes: number; kernel: string; builtAt: number; current: boolean };
  /** What its files take on this machine's disk beside the image. */
  diskBytes: number;
  /** Set while it runs. Of the accelerators, `tcg` is software and slow. `port` is the loopback port of its SSH server. */
  running?: { pid: number; port: number; memoryMiB: number; accelerator: "kvm" | "hvf" | "whpx" | "tcg" };
  /** Why it is broken. */
  fault?: Fault;
}
