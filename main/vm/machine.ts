/** What is known of the VM on this machine: its image, its QEMU, the way in. What a client is told is VmStatus of the contract. */

import type { Fault } from "../../preload/contract/result.ts";

export interface VmImage {
  /** Milliseconds since 1970. */
  builtAt: number;
  bytes: number;
  kernel: string;
  /** Whether the recipe is still the one that it was built with. */
  current: boolean;
}

export type Accelerator = "kvm" | "hvf" | "whpx" | "tcg";

/**
 * `none`: no image was built. `stopped`: the next start boots it. `saved`: the next start goes on from a saved state.
 * `starting`: its QEMU runs, and it has not answered yet. `broken`: it runs but does not answer, or is stopped by an error.
 */
export type VmState = "none" | "stopped" | "saved" | "starting" | "running" | "broken";

export interface VmMachine {
  state: VmState;
  image?: VmImage;
  /** What its files take on this machine's disk beside the image. */
  diskBytes: number;
  /** Set while its QEMU runs. */
  running?: { pid: number; port: number; memoryMiB: number; accelerator: Accelerator; startedAt: number };
  /** What is wrong, and what to do about it. */
  problem?: Fault;
}

/** How the SSH target reaches the VM. */
export interface VmAddress {
  host: string;
  port: number;
  user: string;
  /** A private key in OpenSSH's format, without passphrase, that only this user can read. */
  identityFile: string;
  /** OpenSSH's known_hosts, with the one line of this VM. */
  knownHostsFile: string;
}

export interface VmStarted {
  address: VmAddress;
  /** Booted, resumed from the saved state, or found running. */
  how: "booted" | "resumed" | "found";
  accelerator: Accelerator;
  /** How long it took until sshd answered. */
  seconds: number;
  /** The guest's clock less this machine's, after it was set. */
  clockOffsetMs: number;
}
