/** A Linux machine that hosts labs: starts programs there. Everything else is built on `spawn`. */

import type { Readable, Writable } from "node:stream";
import type { Fault } from "../../preload/contract/result.ts";

export interface Exit {
  /** Null where a signal ended it. 127 where the program does not exist. */
  code: number | null;
  signal: string | null;
  /** Set where nobody knows how it ended, because the target went away. */
  lost?: Fault;
}

export type Signal = "SIGTERM" | "SIGKILL" | "SIGINT" | "SIGUSR1";

export interface Process {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Never rejects. Resolves after both outputs have ended. */
  readonly exited: Promise<Exit>;
  kill(signal?: Signal): void;
}

/** Whether a target can be heard. */
export interface TargetLink {
  /** Resolves when the target has gone away; from then on everything on it fails with this fault. */
  readonly lost: Promise<Fault>;
  /** Milliseconds since it was last heard of. It is asked every second or so. */
  silence(): number;
  /** The target's clock less this machine's, in milliseconds. */
  clockOffset(): number;
}

export interface Target extends AsyncDisposable {
  /** As `--target` names it. */
  readonly id: string;
  /** Whether programs run as root there; if not, labs are built in a user namespace. */
  readonly root: boolean;
  /** Absent on this machine itself, which can't be lost. */
  readonly link?: TargetLink;
  /** Starts a program by its argv; no shell in between. Never throws: what can't start exits with 127. */
  spawn(argv: readonly string[]): Process;
}
