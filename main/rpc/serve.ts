/**
 * Serves the contract to one client over a channel: checks what comes in, runs the handlers, answers, and forwards
 * events. A client that breaks the protocol is cut off; one that only sends a bad input is told so.
 */

import type * as z from "zod";
import { type CallArgument, type CallName, calls } from "../../preload/contract/calls.ts";
import { type Channel, clientMessage, type ServerMessage } from "../../preload/contract/message.ts";
import { fail, type Result } from "../../preload/contract/result.ts";
import type { Backend, CallContext } from "./backend.ts";

/** Calls that one client may have under way. The page has a handful. */
export const MOST_CALLS = 64;

export interface ServeOptions {
  /** Told of every bug once, where it is caught. */
  log?: (message: string, error: unknown) => void;
}

type Inputs = { [N in CallName]: { input: z.ZodType<CallArgument<N>> } };
const inputs: Inputs = calls;

/**
 * Serves until the channel closes; then every call under way is aborted.
 * Disposing closes the channel and waits until those calls have ended.
 */
export function serve(
  channel: Channel<ServerMessage, unknown>,
  backend: Backend,
  { log = logBug }: ServeOptions = {},
): AsyncDisposable {
  const running = new Map<number, { abort: AbortController; done: Promise<void> }>();

  const unsubscribe = backend.subscribe((event, data) => channel.send({ type: "event", event, data }));

  channel.onClose = () => {
    unsubscribe();
    for (const { abort } of running.values()) abort.abort();
  };

  channel.onMessage = (received) => {
    const parsed = clientMessage.safeParse(received);
    if (!parsed.success) {
      // Without a trustworthy id there is no call to answer.
      channel.close();
      return;
    }
    const message = parsed.data;
    if (message.type === "cancel") {
      running.get(message.id)?.abort.abort();
      return;
    }
    if (running.has(message.id)) {
      // Two calls of one number: no answer could be told apart.
      channel.close();
      return;
    }
    if (running.size >= MOST_CALLS) {
      channel.send({
        type: "answer",
        id: message.id,
        result: fail("bad-input", `this client has ${MOST_CALLS} calls under way, which is the most allowed`, {
          fix: "wait until one ends, or cancel one",
        }),
      });
      return;
    }
    const abort = new AbortController();
    const done = answer(message.id, message.call, message.input, abort.signal).finally(() => {
      running.delete(message.id);
    });
    running.set(message.id, { abort, done });
  };

  async function answer(id: number, call: string, input: unknown, signal: AbortSignal): Promise<void> {
    let over = false;
    const progress = (progress: unknown) => {
      if (!over) channel.send({ type: "progress", id, progress });
    };
    try {
      const result = await run(call, input, { signal, progress });
      over = true;
      channel.send({ type: "answer", id, result });
    } catch (error) {
      over = true;
      channel.send({ type: "answer", id, result: explain(call, error, signal) });
    }
  }

  function explain(call: string, error: unknown, signal: AbortSignal): Result<never> {
    if (signal.aborted && isAbort(error, signal)) return fail("cancelled", `${call} was cancelled`);
    log(`${call} failed by a bug`, error);
    return fail("internal", `${call} failed by a bug in hoplab`, { fix: "see the log of the server for details" });
  }

  async function run(call: string, input: unknown, context: CallContext<unknown>): Promise<Result<unknown>> {
    if (!isCallName(call)) {
      return fail("bad-input", `there is no call "${call}"`, { fix: `allowed: ${Object.keys(calls).join(", ")}` });
    }
    return await runCall(call, input, context);
  }

  async function runCall<N extends CallName>(
    call: N,
    input: unknown,
    context: CallContext<unknown>,
  ): Promise<Result<unknown>> {
    const argument = inputs[call].input.safeParse(input);
    if (!argument.success) return badInput(call, argument.error.issues);
    return await backend.handlers[call](argument.data, context);
  }

  return {
    async [Symbol.asyncDispose]() {
      channel.close();
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}

function isCallName(name: string): name is CallName {
  return Object.hasOwn(calls, name);
}

function badInput(call: CallName, issues: z.core.$ZodIssue[]): Result<never> {
  const found = issues.map((issue) => `${["input", ...issue.path].join(".")}: ${issue.message}`);
  return fail("bad-input", `${call} was given a bad input: ${found.join("; ")}`);
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === "AbortError");
}

function logBug(message: string, error: unknown): void {
  console.error(message, error);
}
