/** A program on the other side of an SSH connection, in the shape of a local one. */

import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import type { Client, ClientChannel } from "ssh2";
import { messageOf } from "../../../preload/contract/result.ts";
import type { Exit, Process } from "../target.ts";
import { oneLine } from "./one-line.ts";

type Signal = "SIGTERM" | "SIGKILL" | "SIGINT";

/** How long a program that was killed may take to end, before its channel is closed on it. */
const KILL_GRACE_MS = 2_000;

/** So much of its output waits here before the program has to: the window of ssh2 is as large again. */
const OUTPUT_BYTES = 1024 * 1024;

/**
 * Starts a command line in the user's login shell. Never throws. A session that the server does not open exits with 255 and
 * says why on stderr, as ssh does; one that ends with the connection has the signal SIGHUP.
 *
 * An output that is not read makes the program wait, as long as it is quiet on the other one: the two share a window, and
 * ssh2 opens it when either is read.
 */
export function execOn(client: Client, command: string, isOver: () => boolean): Process {
  const stdin = new PassThrough();
  const stdout = new PassThrough({ highWaterMark: OUTPUT_BYTES });
  const stderr = new PassThrough({ highWaterMark: OUTPUT_BYTES });
  let channel: ClientChannel | undefined;
  let killedBy: Signal | undefined;
  let ended = false;
  let settle: (exit: Exit) => void = () => {};
  const exited = new Promise<Exit>((resolve) => {
    settle = resolve;
  });

  const end = async (exit: Exit) => {
    if (ended) return;
    ended = true;
    stdin.destroy(); // whoever still writes is told by the callback of the write
    stdout.end();
    stderr.end();
    await Promise.all([stdout, stderr].map(readOut));
    settle(exit);
  };

  const take = (opened: ClientChannel) => {
    channel = opened;
    let exit: Exit | undefined;
    opened.on("exit", (code: number | null, signal?: string) => {
      exit = { code, signal: signal ?? null };
    });
    // After both outputs have ended. A program that was killed or lost has no exit of its own.
    opened.on("close", () => void end(exit ?? { code: null, signal: killedBy ?? "SIGHUP" }));
    opened.on("error", () => {}); // `close` follows
    stdin.pipe(opened);
    opened.pipe(stdout, { end: false });
    opened.stderr.pipe(stderr, { end: false });
    // What nobody wants any more must not stop the rest.
    stdout.once("close", () => opened.resume());
    stderr.once("close", () => opened.stderr.resume());
    if (killedBy) kill(killedBy);
  };

  const kill = (signal: Signal = "SIGTERM") => {
    killedBy = signal;
    if (!channel || ended) return;
    const open = channel;
    sendSignal(client, open, signal);
    stdin.destroy();
    open.end();
    if (signal === "SIGKILL") open.close();
    // A program may not mind the signal, and sshd gives none to programs of root, nor before its version 7.9: it then loses
    // its input and output, and lives on where it does not end for that.
    setTimeout(() => {
      if (ended) return;
      open.close();
      void end({ code: null, signal });
    }, KILL_GRACE_MS).unref();
  };

  const refuse = (error: unknown) => {
    // ssh2 says the same of a session that the server refused and of one that the end of the connection cut short, and
    // that before it tells of the end.
    setImmediate(() => {
      if (isOver()) {
        void end({ code: null, signal: killedBy ?? "SIGHUP" });
        return;
      }
      const reason = oneLine(messageOf(error));
      stderr.write(
        `hoplab: the SSH server opened no session: ${reason} (is MaxSessions of its sshd_config reached?)\n`,
      );
      void end({ code: 255, signal: null });
    });
  };

  try {
    client.exec(command, (error, opened) => (error ? refuse(error) : take(opened)));
  } catch (error) {
    refuse(error);
  }
  return { stdin, stdout, stderr, exited, kill };
}

/** Until an output has been read to its end. What nobody has begun to read is not waited for. */
async function readOut(output: PassThrough): Promise<void> {
  if (output.readableFlowing === null && output.listenerCount("readable") === 0) output.resume();
  await finished(output, { writable: false }).catch(() => {}); // closed by its reader before its end
}

/** ssh2's own `signal` does nothing once stdin has ended; the protocol (RFC 4254, 6.9) and sshd allow it then too. */
function sendSignal(client: Client, channel: ClientChannel, signal: Signal): void {
  const protocol: unknown = Reflect.get(client, "_protocol");
  const outgoing: unknown = Reflect.get(channel, "outgoing");
  if (!isObject(protocol) || !isObject(outgoing) || outgoing.state === "closed" || outgoing.state === "closing") return;
  if (typeof protocol.signal === "function") protocol.signal(outgoing.id, signal);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
