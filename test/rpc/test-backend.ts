/** A backend whose answers the test gives; every other call is not found. */

import type { Backend, EventListener, Handlers } from "../../main/rpc/backend.ts";
import type { CallName, EventName, Events } from "../../preload/contract/calls.ts";
import { fail } from "../../preload/contract/result.ts";

export class TestBackend implements Backend {
  readonly handlers: Handlers;
  readonly #listeners = new Set<EventListener>();

  constructor(handlers: Partial<Handlers> = {}) {
    const absent = async () => fail("not-found", "this test has no answer to that call");
    this.handlers = {
      hello: absent,
      "lab.list": absent,
      "lab.open": absent,
      "lab.up": absent,
      "lab.down": absent,
      "lab.check": absent,
      "lab.doctor": absent,
      "lab.live": absent,
      "lab.change": absent,
      "sandbox.list": absent,
      "sandbox.topology": absent,
      "sandbox.state": absent,
      "capture.start": absent,
      "capture.stop": absent,
      "capture.list": absent,
      "capture.open": absent,
      "target.list": absent,
      "target.add": absent,
      "target.remove": absent,
      "target.connect": absent,
      "target.disconnect": absent,
      "target.test": absent,
      "target.offers": absent,
      "question.list": absent,
      "question.answer": absent,
      "vm.status": absent,
      "vm.build": absent,
      "vm.up": absent,
      "vm.down": absent,
      "vm.delete": absent,
      "traffic.send": absent,
      "traffic.compare": absent,
      "packet.list": absent,
      "journey.open": absent,
      "frame.open": absent,
      ...handlers,
    } satisfies Record<CallName, unknown>;
  }

  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get subscribers(): number {
    return this.#listeners.size;
  }

  tell<E extends EventName>(event: E, data: Events[E]): void {
    for (const listener of this.#listeners) listener(event, data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
  }
}
