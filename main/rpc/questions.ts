/** Questions that wait for a person: told to every client, answered by the first that does. */

import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { AskedQuestion, Question } from "../../preload/contract/target.ts";

export class Questions {
  readonly #waiting = new Map<number, { question: Question; resolve: (answer: string | undefined) => void }>();
  readonly #onChange: (questions: AskedQuestion[]) => void;
  #nextId = 1;

  constructor(onChange: (questions: AskedQuestion[]) => void) {
    this.#onChange = onChange;
  }

  list(): AskedQuestion[] {
    return [...this.#waiting].map(([id, { question }]) => ({ id, question }));
  }

  /** Undefined where the person cancels, or the signal does. */
  ask(question: Question, signal?: AbortSignal): Promise<string | undefined> {
    if (signal?.aborted) return Promise.resolve(undefined);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const settle = (answer: string | undefined) => {
        if (!this.#waiting.delete(id)) return;
        resolve(answer);
        this.#onChange(this.list());
      };
      this.#waiting.set(id, { question, resolve: settle });
      signal?.addEventListener("abort", () => settle(undefined), { once: true });
      this.#onChange(this.list());
    });
  }

  /** Faults: `not-found` where it was answered before or is asked no more. */
  answer(id: number, answer: string | undefined): Result<null> {
    const waiting = this.#waiting.get(id);
    if (!waiting) return fail("not-found", "that question was answered, or is asked no more");
    waiting.resolve(answer);
    return ok(null);
  }

  /** Nobody is left who could answer. */
  cancelAll(): void {
    for (const { resolve } of [...this.#waiting.values()]) resolve(undefined);
  }
}
