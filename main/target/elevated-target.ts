/**
 * This machine as root, through sudo or pkexec: one long-lived helper process, so one authentication. The helper
 * starts programs and carries their streams; it ends, with all that it started, when its own stdin does.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { PassThrough, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { FrameReader, type HelperFrame, writeFrame } from "./helper-frames.ts";
import { spawnHere } from "./local-target.ts";
import type { Exit, Process, Target } from "./target.ts";

export type Elevation = "sudo" | "pkexec";

interface Running {
  stdout: PassThrough;
  stderr: PassThrough;
  resolve: (exit: Exit) => void;
}

export class ElevatedTarget implements Target {
  readonly id = "local";
  readonly root = true;
  readonly #helper: ChildProcess;
  readonly #running = new Map<number, Running>();
  #nextId = 1;
  #gone = false;

  private constructor(helper: ChildProcess) {
    this.#helper = helper;
  }

  /**
   * Starts the helper; sudo asks for a password on the terminal, pkexec in a window of its own.
   * Faults: `missing` (no sudo or pkexec), `denied`.
   */
  static async start(elevation: Elevation, program: readonly string[] = [elevation]): Promise<Result<ElevatedTarget>> {
    // In Electron the running program is Electron itself, which is Node when it is told so.
    const argv = [...program, "env", "ELECTRON_RUN_AS_NODE=1", process.execPath, helperPath()];
    const helper = spawn(argv[0] ?? "", argv.slice(1), { stdio: ["pipe", "pipe", "inherit"], cwd: "/" });
    const target = new ElevatedTarget(helper);
    return new Promise((resolve) => {
      helper.on("error", () =>
        resolve(
          fail("missing", `${elevation} is not installed`, { fix: "Run hoplab as root, or without it (rootless)." }),
        ),
      );
      helper.on("exit", () => {
        target.#lost();
        resolve(
          fail("denied", `${elevation} did not let Hoplab become root`, {
            fix: "Run hoplab without it: labs are rootless by default.",
          }),
        );
      });
      const reader = new FrameReader((frame) => {
        if (frame.type === "ready") resolve(ok(target));
        else target.#take(frame);
      });
      helper.stdout?.on("data", (chunk: Buffer) => reader.push(chunk));
      helper.stdin?.on("error", () => target.#lost());
    });
  }

  spawn(argv: readonly string[]): Process {
    if (this.#gone) return spawnHere(["/nonexistent/the-root-helper-ended"]);
    const id = this.#nextId++;
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const exited = new Promise<Exit>((resolve) => this.#running.set(id, { stdout, stderr, resolve }));
    this.#send({ type: "spawn", id, data: Buffer.from(JSON.stringify(argv)) });
    const stdin = new Writable({
      write: (chunk: Buffer | string, _encoding, done) => {
        this.#send({ type: "stdin", id, data: Buffer.from(chunk) });
        done();
      },
      final: (done) => {
        this.#send({ type: "end", id, data: Buffer.alloc(0) });
        done();
      },
      destroy: (error, done) => {
        this.#send({ type: "end", id, data: Buffer.alloc(0) });
        done(error);
      },
    });
    const kill = (signal = "SIGTERM") => this.#send({ type: "kill", id, data: Buffer.from(signal) });
    return { stdin, stdout, stderr, exited, kill };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#helper.stdin?.end();
    if (this.#helper.exitCode === null) await new Promise((resolve) => this.#helper.once("exit", resolve));
  }

  #send(frame: HelperFrame): void {
    if (!this.#gone && this.#helper.stdin) writeFrame(this.#helper.stdin, frame);
  }

  #take(frame: HelperFrame): void {
    const running = this.#running.get(frame.id);
    if (!running) return;
    if (frame.type === "stdout") running.stdout.write(frame.data);
    else if (frame.type === "stderr") running.stderr.write(frame.data);
    else if (frame.type === "exit") {
      const [code, signal] = frame.data.toString("utf8").split(" ");
      this.#end(frame.id, { code: code === "null" ? null : Number(code), signal: signal || null });
    }
  }

  #end(id: number, exit: Exit): void {
    const running = this.#running.get(id);
    this.#running.delete(id);
    running?.stdout.end();
    running?.stderr.end();
    running?.resolve(exit);
  }

  #lost(): void {
    this.#gone = true;
    for (const id of [...this.#running.keys()]) this.#end(id, { code: null, signal: "SIGHUP" });
  }
}

/** Built, the helper lies beside the bundle that starts it; from source (tests), it is the built one too. */
function helperPath(): string {
  const isSource = import.meta.url.endsWith(".ts");
  return fileURLToPath(
    new URL(isSource ? "../../out/main/elevated-helper.js" : "./elevated-helper.js", import.meta.url),
  );
}
