/**
 * A client of QEMU's Machine Protocol: one JSON object per line, a greeting first, then one answer per command, with
 * events in between. https://www.qemu.org/docs/master/interop/qmp-spec.html
 */

import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import * as z from "zod";
import { fail, messageOf, ok, type Result } from "../../preload/contract/result.ts";
import { type Channel, connectChannel } from "./channel.ts";

const answerSchema = z.object({
  return: z.unknown().optional(),
  error: z.object({ class: z.string(), desc: z.string() }).optional(),
});

type Answer = z.infer<typeof answerSchema>;

export class Qmp implements Disposable {
  readonly #socket: Socket;
  readonly #waiting: ((answer: Answer | undefined) => void)[] = [];

  private constructor(socket: Socket, greeted: (yes: boolean) => void) {
    this.#socket = socket;
    const lost = () => {
      greeted(false);
      for (const waiting of this.#waiting.splice(0)) waiting(undefined);
    };
    socket.on("close", lost);
    socket.on("error", lost);
    createInterface({ input: socket }).on("line", (line) => {
      const message = parseLine(line);
      if (message && "QMP" in message) greeted(true);
      else if (message && ("return" in message || "error" in message)) {
        this.#waiting.shift()?.(answerSchema.safeParse(message).data);
      }
    });
  }

  /** Faults: `gone` where nobody listens, `timeout` where QEMU does not answer (it serves one client at a time). */
  static async connect(channel: Channel, seconds = 5): Promise<Result<Qmp>> {
    const connected = await connectChannel(channel);
    if (!connected.ok) return connected;
    const socket = connected.value;
    const qmp = await new Promise<Qmp | "silent" | "closed">((resolve) => {
      const timer = setTimeout(() => resolve("silent"), seconds * 1000);
      const made: Qmp = new Qmp(socket, (yes) => {
        clearTimeout(timer);
        resolve(yes ? made : "closed");
      });
    });
    if (typeof qmp === "string") {
      socket.destroy();
      return qmp === "silent"
        ? fail("timeout", `the VM's QEMU did not answer within ${seconds} s`)
        : fail("gone", "the VM's QEMU closed the connection");
    }
    const ready = await qmp.execute("qmp_capabilities", {}, seconds);
    if (ready.ok) return ok(qmp);
    socket.destroy();
    return ready;
  }

  /** Faults: `command-failed` with QEMU's reason, `gone`, `timeout`. */
  async execute(command: string, args: Record<string, unknown> = {}, seconds = 10): Promise<Result<unknown>> {
    if (this.#socket.destroyed) return fail("gone", `the VM ended before ${command}`);
    const answer = await new Promise<Answer | undefined | "silent">((resolve) => {
      const timer = setTimeout(() => resolve("silent"), seconds * 1000);
      this.#waiting.push((got) => {
        clearTimeout(timer);
        resolve(got);
      });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    });
    if (answer === "silent") return fail("timeout", `the VM's QEMU did not answer ${command} within ${seconds} s`);
    if (!answer) return fail("gone", `the VM ended during ${command}`);
    if (answer.error) return fail("command-failed", `the VM's QEMU refused ${command}: ${answer.error.desc}`);
    return ok(answer.return);
  }

  /** A command of QEMU's human monitor, which says nothing where it worked. */
  async monitor(line: string, seconds: number): Promise<Result<null>> {
    const said = await this.execute("human-monitor-command", { "command-line": line }, seconds);
    if (!said.ok) return said;
    const text = String(said.value ?? "").trim();
    return text === "" ? ok(null) : fail("command-failed", `the VM's QEMU refused ${line}: ${text}`);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

function parseLine(line: string): object | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === "object" && message !== null ? message : undefined;
  } catch (error) {
    console.error(`hoplab: QEMU sent a line that is no JSON: ${messageOf(error)}`);
    return undefined;
  }
}
