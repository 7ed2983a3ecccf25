/** Runs the built command line in kernel tests, with a data folder of its own, and looks at what is left afterwards. */

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { argvThere, isRootThere } from "./there.ts";

/** A target that the tests' labs are built on instead of this machine; `HOPLAB_TARGET` names it. */
const TARGET = process.env.HOPLAB_TEST_TARGET;

export const CLI = fileURLToPath(new URL("../../out/main/cli.js", import.meta.url));

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A place for one test file: its own data folder, so that its captures are its own. */
export class Workplace implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "hoplab-test-"));
  /** Starts the names of this file's sandboxes, so that a developer's own labs are left alone. */
  readonly prefix = `test-${process.pid}-`;

  constructor() {
    if (!TARGET) return;
    mkdirSync(join(this.folder, "data"));
    writeFileSync(join(this.folder, "data", "targets.json"), `{"targets":[${TARGET}]}`);
  }

  /** An object in front of the arguments is more environment. */
  start(...args: (string | Record<string, string>)[]): ChildProcess {
    const environment = Object.assign(
      { ...process.env, HOPLAB_DATA: join(this.folder, "data") },
      ...args.filter(isSetting),
    );
    return spawn(process.execPath, [CLI, ...args.filter((arg) => typeof arg === "string")], { env: environment });
  }

  /** Runs `hoplab ARGS` to its end. */
  async hoplab(...args: string[]): Promise<Ran> {
    return finish(this.start(...args));
  }

  /** Runs `hoplab ARGS --json`, and wants exit code 0. */
  // biome-ignore lint/suspicious/noExplicitAny: each test names what it reads of the document
  async json(...args: string[]): Promise<any> {
    const ran = await this.hoplab(...args, "--json");
    if (ran.code !== 0) throw new Error(`hoplab ${args.join(" ")} exited ${ran.code}: ${ran.stdout}${ran.stderr}`);
    return JSON.parse(ran.stdout);
  }

  /** Takes down every sandbox of this file. */
  async downAll(): Promise<void> {
    for (const { name } of await this.json("ps")) {
      if (name.startsWith(this.prefix)) await this.hoplab("down", name);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function isSetting(arg: string | Record<string, string>): arg is Record<string, string> {
  return typeof arg === "object";
}

/** What ends well is quicker than this; in the emulated VM all takes some ten times as long. */
const STUCK_SECONDS = process.env.HOPLAB_TEST_SSH ? 500 : 50;

/** Waits for its end. One that is stuck is ended as by Ctrl-C, and `stderr` then says what it and its sandbox waited for. */
export async function finish(child: ChildProcess): Promise<Ran> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  child.stdin?.end();
  const timer = setTimeout(() => {
    stderr += `\nstuck for ${STUCK_SECONDS} s:\n${waiting()}`;
    child.kill("SIGINT");
  }, STUCK_SECONDS * 1000);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  return { code, stdout, stderr };
}

/** Waits until a command that goes on has said this on stderr. */
export async function untilSaid(child: ChildProcess, words: string): Promise<void> {
  let said = "";
  child.stderr?.on("data", (text) => {
    said += text;
  });
  await until(
    () => said,
    (text) => text.includes(words),
  );
}

/** What each process waits for in the kernel, those of the tests themselves left out. */
function waiting(): string {
  const all = execFileSync("ps", ["-eo", "pid,ppid,stat,wchan:24,args"], { encoding: "utf8" }).split("\n");
  return all.flatMap((line) => (/vitest|\[/.test(line) ? [] : line.trim().slice(0, 120))).join("\n");
}

/** What a lab could leave behind on the machine. */
export interface Traces {
  /** By pid: the argv of this user's processes that are in a sandbox or hold one. */
  processes: Map<number, string>;
  mounts: string[];
}

const PROGRAMS = ["tcpdump", "nsenter", "setpriv", "unshare", "perl"];

export function traces(): Traces {
  const processes = new Map<number, string>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const own = statSync(`/proc/${pid}`).uid === process.getuid?.();
      const program = argv[0]?.split("/").at(-1) ?? "";
      const inside = existsSync(`/proc/${pid}/root/run/hoplab`);
      if (own && (inside || argv.includes("hoplab-sandbox") || PROGRAMS.includes(program))) {
        processes.set(Number(pid), argv.join(" ").trim());
      }
    } catch {
      // ended while it was looked at, or another user's
    }
  }
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n");
  return { processes, mounts };
}

/** What is there now and was not before. A network namespace lives as long as a process or a mount that holds it. */
export function newTraces(before: Traces): string[] {
  const now = traces();
  return [
    ...[...now.processes].flatMap(([pid, argv]) => (before.processes.has(pid) ? [] : [`process ${pid}: ${argv}`])),
    ...now.mounts.flatMap((mount) => (before.mounts.includes(mount) ? [] : [`mount ${mount}`])),
  ];
}

/** Waits until a condition holds; fails with what it saw last. */
export async function until<T>(look: () => Promise<T> | T, holds: (seen: T) => boolean, seconds = 10): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The argv prefix that enters a lab's sandbox from outside, without Hoplab's own code. */
export function enterSandbox(pid: number): string[] {
  const rootless = !isRootThere;
  return ["nsenter", "-t", String(pid), ...(rootless ? ["-U", "--preserve-credentials"] : []), "-m", "-n", "-p", "--"];
}

/**
 * What a shell script prints inside a sandbox, without Hoplab's own code. It does not hold up this process, whose
 * connections would be given up for lost where that takes long, as in the VM.
 */
export async function readInSandbox(pid: number, script: string): Promise<string> {
  const [program = "", ...rest] = argvThere([...enterSandbox(pid), "sh", "-c", script]);
  return (await promisify(execFile)(program, rest, { encoding: "utf8", maxBuffer: 1 << 26 })).stdout;
}

/** Runs a program inside a sandbox, without Hoplab's own code. */
export function inSandbox(pid: number, ...argv: string[]): string {
  const [program = "", ...rest] = argvThere([...enterSandbox(pid), ...argv]);
  return execFileSync(program, rest, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
