/**
 * Hoplab's end of a hub: many programs over one pair of pipes, wherever those lead (sudo, SSH, a container, a sandbox).
 * The hub ends, with all that it started, when its stdin does.
 */

import { PassThrough, Writable } from "node:stream";
import { type Fault, fail, ok, type Result } from "../../preload/contract/result.ts";
import { FrameReader, type HubFrame, writeFrame } from "./hub-frames.ts";
import { HUB_MAGIC, hubScript } from "./hub-script.ts";
import type { Exit, Process, Signal, TargetLink } from "./target.ts";

/** What a hub says of the place where it runs. */
export interface HubGreeting {
  uid: number;
  /** `Linux 6.1.0-37-amd64`. */
  kernel: string;
  hostname: string;
}

export interface HubOptions {
  /** What the fault of a lost hub calls it: `the target lab`. */
  name: string;
  /** What to do where it has ended; by itself it is tried again. */
  fix?: string;
  /** A hub that may be cut off without a word is asked whether it is there, and ends itself where it hears nothing. */
  watched?: boolean;
  /** A person may have to type a password first: there is no hurry. */
  patient?: boolean;
  signal?: AbortSignal;
}

export interface SpawnOptions {
  /** Without a stdin the program reads from /dev/null. */
  stdin?: boolean;
  /** It gets a process group of its own, all of which is killed with it. */
  group?: boolean;
}

interface Running {
  stdout: PassThrough;
  stderr: PassThrough;
  resolve: (exit: Exit) => void;
}

const PING_MS = 1500;
/** A hub that was silent for so long is given up. With PING_MS it is seen within 10 s. */
const LOST_MS = 8000;
/** The hub ends itself after more seconds than that, so that it never goes first. */
const IDLE_SECONDS = 15;
const START_MS = 20_000;
/** Start-up files that print more than this before the hub can speak are a fault of their own. */
const MOST_NOISE_BYTES = 1 << 20;

export class Hub implements TargetLink, AsyncDisposable {
  readonly lost: Promise<Fault>;
  readonly #name: string;
  readonly #process: Process;
  readonly #running = new Map<number, Running>();
  #greeting: HubGreeting = { uid: -1, kernel: "", hostname: "" };
  #fault: Fault | undefined;
  #resolveLost: (fault: Fault) => void = () => {};
  #nextId = 1;
  #heardAt = performance.now();
  /** Pings since then. Time in which this process itself did not run says nothing about the other side. */
  #unanswered = 0;
  #pinger: NodeJS.Timeout | undefined;
  #pingedAt = 0;
  /** The shortest round trip so far, by which the clocks were compared best, and what it told. */
  #clock = { roundTrip: Number.POSITIVE_INFINITY, offset: 0, at: 0 };
  #closing = false;

  private constructor(process: Process, name: string) {
    this.#process = process;
    this.#name = name;
    this.lost = new Promise((resolve) => {
      this.#resolveLost = resolve;
    });
  }

  /**
   * Makes a hub of a process that is a bare `perl`. Faults: `missing` (no perl), `denied`, `timeout`, `cancelled`,
   * `command-failed`; all with what was printed instead.
   */
  static async start(process: Process, options: HubOptions): Promise<Result<Hub>> {
    const hub = new Hub(process, options.name);
    const started = await hub.#start(options);
    if (!started.ok) {
      hub.#closing = true;
      process.stdin.destroy();
      process.kill("SIGKILL");
      return started;
    }
    if (options.watched) hub.#watch();
    return ok(hub);
  }

  get greeting(): HubGreeting {
    return this.#greeting;
  }

  silence(): number {
    return performance.now() - this.#heardAt;
  }

  clockOffset(): number {
    return this.#clock.offset;
  }

  spawn(argv: readonly string[], { stdin = true, group = false }: SpawnOptions = {}): Process {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    if (argv.some((word) => word.includes("\0"))) {
      stdout.end();
      stderr.end(`${argv[0]}: an argument has a NUL byte in it`);
      return { stdin: sink(), stdout, stderr, exited: Promise.resolve({ code: 127, signal: null }), kill: () => {} };
    }
    const id = this.#nextId++;
    const exited = new Promise<Exit>((resolve) => this.#running.set(id, { stdout, stderr, resolve }));
    const flags = `${stdin ? "i" : ""}${group ? "g" : ""}`;
    this.#send({ type: "spawn", id, data: Buffer.from([flags, ...argv].join("\0")) });
    const kill = (signal: Signal = "SIGTERM") => this.#send({ type: "kill", id, data: Buffer.from(signal) });
    const end = () => this.#send({ type: "end", id, data: Buffer.alloc(0) });
    const input = new Writable({
      write: (chunk: Buffer | string, _encoding, done) => {
        this.#send({ type: "stdin", id, data: Buffer.from(chunk) }, () => done());
      },
      final: (done) => {
        end();
        done();
      },
      destroy: (error, done) => {
        end();
        done(error);
      },
    });
    if (this.#fault) this.#end(id, { code: null, signal: null, lost: this.#fault });
    return { stdin: input, stdout, stderr, exited, kill };
  }

  /** Ends the hub and all that it started; answers when it has gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    clearInterval(this.#pinger);
    this.#process.stdin.end();
    const patience = setTimeout(() => this.#process.kill("SIGKILL"), 3000);
    await this.#process.exited;
    clearTimeout(patience);
  }

  #start(options: HubOptions): Promise<Result<null>> {
    const process = this.#process;
    const noise = new Noise();
    let reader: FrameReader | undefined;
    return new Promise((resolve) => {
      const settle = (result: Result<null>) => {
        clearTimeout(timer);
        options.signal?.removeEventListener("abort", cancel);
        resolve(result);
      };
      const cancel = () => settle(fail("cancelled", `connecting to ${this.#name} was cancelled`));
      const timer = setTimeout(
        () =>
          settle(
            fail("timeout", `${this.#name} took more than ${START_MS / 1000} s to start perl${noise.tail()}`, {
              fix: "Does its shell wait for an answer when it starts? Log in by hand and look.",
            }),
          ),
        options.patient ? 2 ** 31 - 1 : START_MS,
      );
      options.signal?.addEventListener("abort", cancel, { once: true });
      if (options.signal?.aborted) cancel();
      const take = (frame: HubFrame) => {
        this.#heardAt = performance.now();
        this.#unanswered = 0;
        if (frame.type === "ready") {
          const [uid = "", kernel = "", hostname = "", clock = ""] = frame.data.toString("utf8").split("\0");
          this.#greeting = { uid: Number(uid), kernel, hostname };
          this.#clock = { roundTrip: 1e9, offset: Number(clock) - Date.now(), at: performance.now() };
          settle(ok(null));
        } else this.#take(frame);
      };
      process.stdout.on("data", (chunk: Buffer) => {
        if (reader) return this.#read(reader, chunk);
        const rest = noise.push(chunk);
        if (rest) {
          reader = new FrameReader(take);
          this.#read(reader, rest);
        } else if (noise.size > MOST_NOISE_BYTES) {
          settle(
            fail("command-failed", `the shell of ${this.#name} prints without end${noise.tail()}`, {
              fix: "Its start-up files (.bashrc, .cshrc, config.fish) must print nothing where the shell is not interactive.",
            }),
          );
        }
      });
      process.stderr.on("data", (chunk: Buffer) => noise.pushError(chunk));
      process.stdin.on("error", () => {}); // its end is told by `exited`
      void process.exited.then((exit) => {
        settle(startFault(this.#name, exit, noise));
        this.#lose(
          exit.lost ?? {
            code: "gone",
            message: `the connection to ${this.#name} ended${noise.tail()}`,
            fix: options.fix ?? "It is tried again; labs that are up there stay up.",
          },
        );
      });
      process.stdin.write(hubScript({ idleSeconds: options.watched ? IDLE_SECONDS : 0 }));
    });
  }

  #read(reader: FrameReader, chunk: Buffer): void {
    try {
      reader.push(chunk);
    } catch {
      this.#lose({ code: "gone", message: `what ${this.#name} sends makes no sense`, fix: "Connect again." });
      this.#process.kill("SIGKILL");
    }
  }

  #watch(): void {
    this.#pinger = setInterval(() => {
      if (this.#unanswered++ * PING_MS > LOST_MS) {
        const message = `nothing was heard of ${this.#name} for ${Math.round(this.silence() / 1000)} s`;
        this.#lose({ code: "gone", message, fix: "It is tried again; labs that are up there stay up." });
        this.#process.kill("SIGKILL");
        return;
      }
      this.#pingedAt = performance.now();
      this.#send({ type: "ping", id: 0, data: Buffer.alloc(0) });
    }, PING_MS);
    this.#pinger.unref();
    this.#pingedAt = performance.now();
    this.#send({ type: "ping", id: 0, data: Buffer.alloc(0) });
  }

  #send(frame: HubFrame, done: () => void = () => {}): void {
    if (this.#fault || this.#process.stdin.destroyed || this.#process.stdin.writableEnded) done();
    else writeFrame(this.#process.stdin, frame, done);
  }

  #take(frame: HubFrame): void {
    if (frame.type === "pong") {
      this.#compareClocks(Number(frame.data.toString("utf8")));
      return;
    }
    const running = this.#running.get(frame.id);
    if (!running) return;
    if (frame.type === "stdout") running.stdout.write(frame.data);
    else if (frame.type === "stderr") running.stderr.write(frame.data);
    else if (frame.type === "exit") {
      const [code, ...signal] = frame.data.toString("utf8").split(" ");
      this.#end(frame.id, { code: code === "null" ? null : Number(code), signal: signal.join(" ") || null });
    }
  }

  /** Half a round trip ago it was that time there. A short trip tells it best; what was told long ago counts less. */
  #compareClocks(theirs: number): void {
    const now = performance.now();
    const roundTrip = now - this.#pingedAt;
    const best = this.#clock.roundTrip + (now - this.#clock.at) / 1000;
    if (roundTrip > best) return;
    this.#clock = { roundTrip, offset: theirs - (Date.now() - roundTrip / 2), at: now };
  }

  #end(id: number, exit: Exit): void {
    const running = this.#running.get(id);
    this.#running.delete(id);
    running?.stdout.end();
    running?.stderr.end();
    running?.resolve(exit);
  }

  #lose(fault: Fault): void {
    if (this.#fault) return;
    this.#fault = fault;
    clearInterval(this.#pinger);
    for (const id of [...this.#running.keys()]) this.#end(id, { code: null, signal: null, lost: fault });
    if (!this.#closing) this.#resolveLost(fault);
  }
}

/** What comes before the hub's first word: the noise of start-up files, or the reason why there will be no word. */
class Noise {
  #bytes = Buffer.alloc(0);
  #errors = "";

  get size(): number {
    return this.#bytes.length;
  }

  /** Answers with what follows the hub's mark, once it is there. */
  push(chunk: Buffer): Buffer | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const at = this.#bytes.indexOf(HUB_MAGIC);
    if (at < 0) return undefined;
    const rest = this.#bytes.subarray(at + HUB_MAGIC.length);
    this.#bytes = this.#bytes.subarray(0, at);
    return rest;
  }

  pushError(chunk: Buffer): void {
    this.#errors = (this.#errors + chunk.toString("utf8")).slice(-4000);
  }

  get errors(): string {
    return this.#errors.trim();
  }

  /** `: the last line that was printed`, or nothing. */
  tail(): string {
    const [line] = [this.#errors, this.#bytes.toString("utf8")].flatMap((text) => text.trim().split("\n").at(-1) || []);
    return line ? `: ${line.slice(0, 300)}` : "";
  }
}

function startFault(name: string, exit: Exit, noise: Noise): Result<never> {
  if (exit.lost) return { ok: false, fault: exit.lost };
  if (exit.code === 127 || /perl.*(not found|no such file)/i.test(noise.errors)) {
    return fail("missing", `${name} has no perl${noise.tail()}`, {
      fix: "Install it there: apt-get install perl-base (it is part of every Debian and Ubuntu; elsewhere the package is called perl).",
    });
  }
  const end = exit.signal ? `by ${exit.signal}` : `with exit code ${exit.code}`;
  return fail("command-failed", `perl did not start on ${name}, it ended ${end}${noise.tail()}`, {
    fix: "Whatever command leads there must run its arguments and pass on their stdin and stdout.",
  });
}

function sink(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
