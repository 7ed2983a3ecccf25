/** A Linux machine that hosts labs: starts programs there. Everything else is built on `spawn`. */

import type { Readable, Writable } from "node:stream";

export interface Exit {
  /** Null where a signal ended it. 127 where the program does not exist. */
  code: number | null;
  signal: string | null;
}

export interface Process {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Never rejects. Resolves after both outputs have ended. */
  readonly exited: Promise<Exit>;
  kill(signal?: "SIGTERM" | "SIGKILL" | "SIGINT"): void;
}

export interface Target extends AsyncDisposable {
  /** As `--target` names it. */
  readonly id: string;
  /** Whether programs run as root there; if not, labs are built in a user namespace. */
  readonly root: boolean;
  /** Starts a program by its argv; no shell in between. Never throws: what can't start exits with 127. */
  spawn(argv: readonly string[]): Process;
}
