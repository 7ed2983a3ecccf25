/** An SSH connection, through jump hosts where there are some. It is seen within 10 s when it is lost. */

import type { Duplex } from "node:stream";
import { type Fault, fail, messageOf, ok, type Result } from "../../../preload/contract/result.ts";
import type { ConnectionStep } from "../../../preload/contract/target.ts";
import type { Process } from "../target.ts";
import { printSshAddress } from "./address.ts";
import { execOn } from "./channel-process.ts";
import { type Link, shakeHands } from "./handshake.ts";
import type { Ask } from "./host-key.ts";
import { oneLine } from "./one-line.ts";
import { cancelled, finish, openSocket, type Report } from "./reach.ts";
import type { SshConfig, SshHop } from "./resolve.ts";
import { SilenceWatch } from "./silence.ts";

/** Several answers to keepalives are missing by then. A loss is to be seen within 10 s, on a busy machine too. */
const SILENCE_MS = 8_000;

/** How long a server may take to say goodbye. */
const GOODBYE_MS = 1_000;

export interface ConnectOptions {
  /** Answers what a person must decide or type. Default: nobody is there. */
  ask?: Ask;
  onStep?: (step: ConnectionStep) => void;
  /** Aborting ends the attempt with `cancelled`; the connection itself is ended by disposing it. */
  signal?: AbortSignal;
}

/** Faults as of each step: see `openSocket` and `shakeHands`. What fails half-way leaves no connection behind. */
export async function connectSsh(config: SshConfig, options: ConnectOptions = {}): Promise<Result<SshConnection>> {
  const { ask = async () => undefined, onStep = () => {}, signal = new AbortController().signal } = options;
  const links: Link[] = [];
  for (const hop of [...config.jump, config]) {
    const report: Report = (step) => onStep({ ...step, host: printSshAddress({ ...hop, user: undefined }) });
    const previous = links.at(-1);
    const stream = previous ? await openThrough(previous, hop, report, signal) : await openSocket(hop, report, signal);
    const link = stream.ok
      ? await shakeHands(stream.value, hop, { target: config.target, ask, report, signal })
      : stream;
    if (!link.ok) {
      await hangUp(links);
      return link;
    }
    links.push(link.value);
  }
  return ok(new SshConnection(links));
}

export class SshConnection implements AsyncDisposable {
  readonly #links: readonly Link[];
  readonly #watches: SilenceWatch[];
  #over = false;
  /** Resolves with `gone` and what happened when the connection is lost; never where it was disposed. */
  readonly lost: Promise<Fault>;

  /** Takes over clients that are logged in, the nearest first; the last one is where commands run. */
  constructor(links: readonly Link[]) {
    this.#links = links;
    let lose: (fault: Fault) => void = () => {};
    this.lost = new Promise((resolve) => {
      lose = (fault) => {
        if (this.#over) return;
        this.#end();
        resolve(fault);
      };
    });
    this.#watches = links.map(({ stream, hop }) => new SilenceWatch(stream, SILENCE_MS, () => lose(silent(hop))));
    for (const { ended, hop } of links) void ended.then((error) => lose(closed(hop, error)));
  }

  /** One command line for the user's login shell, which may be sh, bash, fish or tcsh, and may print noise of its own. */
  exec(command: string): Process {
    return execOn(this.#last.client, command, () => this.#over);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    for (const watch of this.#watches) watch.stop();
    await hangUp(this.#links);
  }

  get #last(): Link {
    const link = this.#links.at(-1);
    if (!link) throw new Error("a connection without a client");
    return link;
  }

  /** What is lost is not waited for: the streams of everything that ran on it end now. */
  #end(): void {
    this.#over = true;
    for (const watch of this.#watches) watch.stop();
    for (const { stream } of this.#links.toReversed()) stream.destroy();
  }
}

async function openThrough(
  { client, hop: jump }: Link,
  { host, port, connectTimeoutMs }: SshHop,
  report: Report,
  signal: AbortSignal,
): Promise<Result<Duplex>> {
  const at = printSshAddress({ host, port });
  const by = printSshAddress({ host: jump.host, port: jump.port });
  const opened = await new Promise<Result<Duplex>>((resolve) => {
    const late = () =>
      resolve(
        fail("timeout", `${by} did not reach ${at} in ${connectTimeoutMs / 1000} s`, {
          fix: "Is the machine on, and does its network let the jump host in?",
        }),
      );
    const timer = setTimeout(late, connectTimeoutMs);
    const abort = () => resolve(cancelled(host));
    signal.addEventListener("abort", abort, { once: true });
    client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      if (!error) resolve(ok(channel));
      else {
        resolve(
          fail("gone", `${by} can't reach ${at}: ${oneLine(messageOf(error))}`, {
            fix: "Check the name as the jump host knows it and the port, and that its sshd allows it (AllowTcpForwarding).",
          }),
        );
      }
    });
    if (signal.aborted) abort();
  });
  return finish("connect", opened, report, () => `through ${by}`);
}

/** Ends clients in order, the farthest first, and waits until their sockets are closed. */
async function hangUp(links: readonly Link[]): Promise<void> {
  for (const { client, stream, ended } of links.toReversed()) {
    client.end();
    const timer = setTimeout(() => stream.destroy(), GOODBYE_MS);
    await ended;
    clearTimeout(timer);
  }
}

function silent(hop: SshHop): Fault {
  return {
    code: "gone",
    message: `Nothing was heard from ${printSshAddress(hop)} for ${SILENCE_MS / 1000} s: the network or the machine is down`,
    fix: "Check the network to it (a VPN that ended, a laptop that changed its network), and that the machine is on.",
  };
}

function closed(hop: SshHop, error: Error | undefined): Fault {
  const code = error && "code" in error ? String(error.code) : "";
  const why =
    error === undefined || code === "EPIPE"
      ? "the server closed the connection"
      : code === "ECONNRESET"
        ? "the connection was reset"
        : oneLine(error.message);
  return {
    code: "gone",
    message: `${printSshAddress(hop)} is gone: ${why}`,
    fix: "Its sshd or the machine was stopped or restarted, or a firewall ended the connection. Connect again.",
  };
}
