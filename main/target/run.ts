/** Runs one program on a target to its end. */

import type { Readable } from "node:stream";
import { type Fault, fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Exit, Target } from "./target.ts";

export interface Output {
  stdout: string;
  stderr: string;
  exitCode: number;
}

export interface RunOptions {
  /** Written to the program's stdin, which is then closed. */
  input?: string;
  /** Exit codes that are a result and no failure. Default: 0 only. */
  exitCodes?: readonly number[] | "any";
  /** Aborting kills the program and answers `cancelled`. */
  signal?: AbortSignal;
}

/** More output than this is a bug or an attack; the program is ended. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** Runs argv on the target. Faults: `command-failed` with argv, exit code and stderr; `missing`; `cancelled`. */
export async function run(
  target: Pick<Target, "id" | "spawn">,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Result<Output>> {
  if (options.signal?.aborted) return fail("cancelled", `${argv[0]} was not started: cancelled`);
  const process = target.spawn(argv);
  const abort = () => process.kill("SIGKILL");
  options.signal?.addEventListener("abort", abort, { once: true });
  process.stdin.on("error", () => {}); // it may exit before it reads its input; the exit code tells
  process.stdin.end(options.input ?? "");
  const [stdout, stderr, exit] = await Promise.all([
    readText(process.stdout, abort),
    readText(process.stderr, abort),
    process.exited,
  ]);
  options.signal?.removeEventListener("abort", abort);
  if (options.signal?.aborted) return fail("cancelled", `${argv[0]} was cancelled`);
  const { exitCodes = [0] } = options;
  if (exit.code !== null && exit.code !== 127 && (exitCodes === "any" || exitCodes.includes(exit.code))) {
    return ok({ stdout, stderr, exitCode: exit.code });
  }
  return { ok: false, fault: commandFault(target, argv, exit, stderr) };
}

/** What a failed command tells: argv, exit code, signal, stderr. */
export function commandFault(
  target: Pick<Target, "id">,
  argv: readonly string[],
  exit: Exit,
  stderr: string,
  why?: string,
): Fault {
  if (exit.lost) return exit.lost;
  const command = {
    argv: [...argv],
    exitCode: exit.code,
    ...(exit.signal ? { signal: exit.signal } : {}),
    stderr: stderr.trim(),
    ...(why ? { why } : {}),
  };
  if (exit.code === 127) {
    return {
      code: "missing",
      message: `${argv[0]} is not installed on the target ${target.id}`,
      fix: "Run `hoplab doctor` to see what is missing and how to install it.",
      command,
    };
  }
  const last = stderr.trim().split("\n").at(-1);
  const end = exit.signal ? `was ended by ${exit.signal}` : `failed with exit code ${exit.code}`;
  return { code: "command-failed", message: `${argv[0]} ${end}${last ? `: ${last}` : ""}`, command };
}

/** All text of a stream. Calls `tooMuch` where it grows past the limit. */
async function readText(stream: Readable, tooMuch: () => void): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size > MAX_OUTPUT_BYTES) {
      tooMuch();
      break;
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
