/** The client over any line: numbers the calls, matches the answers, and hands out events. Never rejects. */

import type { CallInput, CallName, CallOutput, CallProgress, EventName, Events } from "../../preload/contract/calls.ts";
import type { ServerMessage } from "../../preload/contract/message.ts";
import { fail, type Result } from "../../preload/contract/result.ts";
import type { CallOptions, Client, ConnectionStatus } from "./client.ts";
import type { Line } from "./line.ts";

interface Pending {
  answer(result: Result<unknown>): void;
  progress(progress: unknown): void;
  lost(): void;
}

type Listeners = { [E in EventName]: Set<(data: Events[E]) => void> };

export class RpcClient implements Client {
  readonly #line: Line;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners: Listeners = {
    "sandboxes.changed": new Set(),
    "targets.changed": new Set(),
    "questions.changed": new Set(),
    "capture.changed": new Set(),
    "packets.changed": new Set(),
  };
  readonly #statusListeners = new Set<(status: ConnectionStatus) => void>();
  /** Calls made before the first connection; sent as soon as the line opens. */
  #waiting: (() => void)[] = [];
  #nextId = 0;

  constructor(line: Line) {
    this.#line = line;
    line.onMessage = (message) => this.#receive(message);
    line.onClose = () => this.#failAll();
    line.onStatus = (status) => {
      if (status === "open") {
        for (const send of this.#waiting.splice(0)) send();
      }
      if (status === "lost") this.#failAll();
      for (const listener of this.#statusListeners) listener(status);
    };
  }

  get status(): ConnectionStatus {
    return this.#line.status;
  }

  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  on<E extends EventName>(event: E, listener: (data: Events[E]) => void): () => void {
    const listeners: Set<(data: Events[E]) => void> = this.#listeners[event];
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  call<N extends CallName>(
    name: N,
    input: CallInput<N>,
    { signal, onProgress }: CallOptions<N> = {},
  ): Promise<Result<CallOutput<N>>> {
    if (signal?.aborted) return Promise.resolve(fail("cancelled", `${name} was cancelled`));
    if (this.#line.status === "lost") return Promise.resolve(gone(name));

    const id = this.#nextId++;
    return new Promise((resolve) => {
      const cancel = () => {
        if (this.#line.status === "open") this.#line.send({ type: "cancel", id });
        settle(fail("cancelled", `${name} was cancelled`));
      };
      const settle = (result: Result<CallOutput<N>>) => {
        this.#pending.delete(id);
        signal?.removeEventListener("abort", cancel);
        resolve(result);
      };
      // The server is typed by the same contract: what it says is branded with that type here.
      this.#pending.set(id, {
        answer: (result) => settle(result as Result<CallOutput<N>>),
        progress: (progress) => onProgress?.(progress as CallProgress<N>),
        lost: () => settle(gone(name)),
      });
      signal?.addEventListener("abort", cancel);

      const send = () => {
        if (this.#pending.has(id)) this.#line.send({ type: "call", id, call: name, input });
      };
      if (this.#line.status === "open") send();
      else this.#waiting.push(send);
    });
  }

  close(): void {
    this.#line.close();
  }

  #receive(received: unknown): void {
    if (!isServerMessage(received)) return;
    switch (received.type) {
      case "answer":
        this.#pending.get(received.id)?.answer(received.result);
        return;
      case "progress":
        this.#pending.get(received.id)?.progress(received.progress);
        return;
      case "event":
        if (isEventName(received.event, this.#listeners)) this.#tell(received.event, received.data);
    }
  }

  #tell<E extends EventName>(event: E, data: unknown): void {
    const listeners: Set<(data: Events[E]) => void> = this.#listeners[event];
    for (const listener of listeners) listener(data as Events[E]);
  }

  #failAll(): void {
    this.#waiting = [];
    for (const pending of this.#pending.values()) pending.lost();
  }
}

function gone(name: CallName): Result<never> {
  return fail("gone", `the connection to the server was lost before ${name} was answered`, {
    fix: "wait until the page has connected again; if it does not, start hoplab again",
  });
}

function isEventName(name: string, listeners: Listeners): name is EventName {
  return Object.hasOwn(listeners, name);
}

/** Checks the envelope only: what is in it comes from our own server. */
function isServerMessage(message: unknown): message is ServerMessage {
  return typeof message === "object" && message !== null && "type" in message;
}
