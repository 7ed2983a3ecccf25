/** Expected failures are values: a Result carries either a value or a Fault. Bugs throw. */

export const FAULT_CODES = [
  "bad-input", // the caller's arguments or a lab file are wrong
  "not-found", // no such lab, sandbox, capture, interface
  "exists", // a sandbox of that name is already up
  "missing", // the target lacks a program or a kernel feature
  "denied", // the target refuses: no privilege, authentication failed
  "command-failed", // a command ended non-zero
  "gone", // the target, the sandbox or the server went away
  "cancelled", // the user cancelled
  "timeout", // no answer in the time given
  "storage", // a file could not be read or written
  "internal", // a bug: logged where it was caught
] as const;

export type FaultCode = (typeof FAULT_CODES)[number];

/** What went wrong, to what, and what to do about it. JSON-safe. Never carries a secret. */
export interface Fault {
  code: FaultCode;
  /** One sentence: what happened to what. */
  message: string;
  /** What to try. */
  fix?: string;
  /** Set where a command failed. */
  command?: { argv: string[]; exitCode: number | null; signal?: string; stderr: string; why?: string };
  /** Targets that have what is missing here. */
  targets?: string[];
  /** Several problems found at once, e.g. in a lab file. */
  problems?: Problem[];
}

/** One problem in a file that a person wrote. Lines and columns count from 1. */
export interface Problem {
  file: string;
  line: number;
  column: number;
  message: string;
}

export type Result<T> = { ok: true; value: T } | { ok: false; fault: Fault };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail(
  code: FaultCode,
  message: string,
  more: Omit<Fault, "code" | "message"> = {},
): { ok: false; fault: Fault } {
  return { ok: false, fault: { code, message, ...more } };
}

/** What a thrown value says, for a fault's message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
