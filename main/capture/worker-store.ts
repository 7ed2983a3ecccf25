/** The owner's end of a capture worker: its calls as promises, its changes as a callback. */

import { Worker } from "node:worker_threads";
import type { KernelState } from "../cause/state.ts";
import type { DirectionNumber } from "../journey/wiring.ts";
import type { FromWorker, StoreCalls, ToWorker, WorkerStart } from "./worker-messages.ts";

export type StoreChange = Extract<FromWorker, { type: "changed" }>;

interface Waiting {
  // The worker answers a call with what StoreCalls says of it; the map can't know which call this was.
  resolve: (value: never) => void;
  reject: (error: Error) => void;
}

export class WorkerStore implements AsyncDisposable {
  onChange: (change: StoreChange) => void = () => {};
  /** The capture can't go on: why. */
  onBroken: (message: string) => void = () => {};
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #ended: Error | undefined;
  #nextId = 0;
  #nextStream = 0;

  /** Starts the worker. Throws later, at the first call, where the file can't be opened. */
  constructor(start: WorkerStart) {
    this.#worker = new Worker(workerUrl(), { workerData: start });
    this.#worker.on("message", (message: FromWorker) => this.#take(message));
    this.#worker.on("error", (error) => {
      this.#fail(error);
      this.onBroken(error.message);
    });
    this.#worker.on("exit", () => this.#fail(new Error("the capture worker ended")));
  }

  call<M extends keyof StoreCalls>(method: M, ...args: Parameters<StoreCalls[M]>): Promise<ReturnType<StoreCalls[M]>> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      this.#waiting.set(id, { resolve, reject });
      this.#send({ type: "call", id, method, args } as ToWorker);
    });
  }

  /** Opens a pcap stream for an interface and direction (0 unknown, 1 in, 2 out); answers with what takes its bytes. */
  openStream(interfaceIndex: number, direction: DirectionNumber): (bytes: Uint8Array) => void {
    const stream = this.#nextStream++;
    this.#send({ type: "stream", stream, interface: interfaceIndex, direction });
    return (bytes) => this.#send({ type: "bytes", stream, bytes });
  }

  /** Tells the worker the clock of who captures, less this machine's, in milliseconds. */
  setClock(offset: number): void {
    this.#send({ type: "clock", offset });
  }

  /** Tells the worker the kernel's state, by which it finds the route lookups that causes need. */
  setState(state: KernelState): void {
    this.#send({ type: "state", state });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #take(message: FromWorker): void {
    if (message.type === "changed") {
      this.onChange(message);
      return;
    }
    if (message.type === "broken") {
      this.onBroken(message.message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === "answer") waiting?.resolve(message.value as never);
    else waiting?.reject(new Error(message.message));
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

/** Built, the worker lies beside the bundle that starts it; from source (tests), it is the built one too. */
function workerUrl(): URL {
  const isSource = import.meta.url.endsWith(".ts");
  return new URL(isSource ? "../../out/main/capture-worker.js" : "./capture-worker.js", import.meta.url);
}
