/** Runs programs for a benchmark: to their end with the time that took, or in the background until they are ended. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const ROOT = join(import.meta.dirname, "..", "..");
export const CLI = join(ROOT, "out", "main", "cli.js");

export interface Ended {
  /** From just before the start to the exit, in milliseconds. */
  ms: number;
  stdout: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** What it prints is thrown away by the kernel, so that nobody waits for a reader. */
  quiet?: boolean;
}

/** Runs argv to its end. Throws with its stderr where it fails. */
export async function run(argv: readonly string[], { env = {}, quiet = false }: RunOptions = {}): Promise<Ended> {
  const [program = "", ...rest] = argv;
  const began = performance.now();
  const child = spawn(program, rest, {
    env: { ...process.env, ...env },
    stdio: ["ignore", quiet ? "ignore" : "pipe", "pipe"],
  });
  let ms = 0;
  child.on("exit", () => {
    ms = performance.now() - began;
  });
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${argv.slice(0, 6).join(" ")} … ended with ${code}: ${stderr.trim()}`);
  return { ms, stdout };
}

/** The built `hoplab` command. */
export function hoplab(dataDir: string, ...args: string[]): Promise<Ended> {
  return run([process.execPath, CLI, ...args], { env: { HOPLAB_DATA: dataDir } });
}

/** Removes a lab that a benchmark has brought up. That somebody else did so meanwhile is told by what failed for it. */
export async function takeDown(dataDir: string, name: string): Promise<void> {
  const listed: { name: string }[] = JSON.parse((await hoplab(dataDir, "--json", "ps")).stdout);
  if (listed.some((lab) => lab.name === name)) await hoplab(dataDir, "down", name);
}

/** A program that runs until it is disposed of, which sends it `signal` and waits for its end. */
export class Background implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #signal: NodeJS.Signals;
  readonly #ended: Promise<unknown>;
  #stderr = "";

  constructor(argv: readonly string[], signal: NodeJS.Signals, env: Record<string, string> = {}) {
    const [program = "", ...rest] = argv;
    this.#signal = signal;
    this.child = spawn(program, rest, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#ended = once(this.child, "close");
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
  }

  /** The first line of its stdout that matches, as the match's first group. Throws where it ends before. */
  async line(pattern: RegExp): Promise<string> {
    if (!this.child.stdout) throw new Error("it has no stdout");
    const lines = createInterface({ input: this.child.stdout });
    for await (const line of lines) {
      const found = pattern.exec(line);
      if (!found) continue;
      this.child.stdout.resume(); // it may go on printing, which must not make it wait
      return found[1] ?? found[0];
    }
    throw new Error(`${this.child.spawnargs.join(" ")} ended early: ${this.#stderr.trim()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(this.#signal);
    await this.#ended;
  }
}

/** Starts the page's server; answers with it and the address that it prints. */
export async function startServer(dataDir: string): Promise<{ server: Background; url: string }> {
  const server = new Background([process.execPath, CLI, "serve"], "SIGINT", { HOPLAB_DATA: dataDir });
  return { server, url: await server.line(/(http:\/\/\S+\?token=\S+)/) };
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
