/** This machine. Programs run as the user that runs Hoplab. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { delimiter } from "node:path";
import { PassThrough } from "node:stream";
import type { Exit, Process, Target } from "./target.ts";

export class LocalTarget implements Target {
  readonly id = "local";
  readonly root = process.getuid?.() === 0;

  spawn(argv: readonly string[]): Process {
    return spawnHere(argv);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Messages of the programs that are read by Hoplab must not be translated. */
const ENVIRONMENT = { ...process.env, LC_ALL: "C.UTF-8", LANG: "C.UTF-8" };

/** Debian keeps ip and tcpdump in sbin, which is not on every user's PATH. */
const SBIN = process.platform === "win32" ? [] : ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
const PATH = [...new Set([...(process.env.PATH ?? "").split(delimiter), ...SBIN])]
  .filter((folder) => folder !== "")
  .join(delimiter);

/** Starts a program on this machine. What can't start exits with 127 and says why on stderr. */
export function spawnHere(argv: readonly string[]): Process {
  const [program = "", ...rest] = argv;
  let child: ChildProcessWithoutNullStreams;
  try {
    child = spawn(program, rest, { env: { ...ENVIRONMENT, PATH }, cwd: "/" });
  } catch (error) {
    return failedProcess(String(error)); // e.g. a NUL byte in an argument
  }
  const exited = new Promise<Exit>((resolve) => {
    child.on("error", (error) => {
      if (child.pid === undefined) resolve({ code: 127, signal: null });
      else console.error(`hoplab: ${program}: ${error.message}`);
    });
    child.on("close", (code, signal) => resolve({ code: child.pid === undefined ? 127 : code, signal }));
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    kill: (signal = "SIGTERM") => child.kill(signal),
  };
}

function failedProcess(message: string): Process {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.resume();
  stdout.end();
  stderr.end(message);
  return { stdin, stdout, stderr, exited: Promise.resolve({ code: 127, signal: null }), kill: () => {} };
}
