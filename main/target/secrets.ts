/** What was typed while targets were connected, kept in memory so that connecting again asks for nothing. */

import type { Question } from "../../preload/contract/target.ts";

/** Asks a person; undefined where there is nobody or the person cancelled. */
export type Ask = (question: Question, signal?: AbortSignal) => Promise<string | undefined>;

export class Secrets {
  readonly #answers = new Map<string, string>();

  /**
   * For one attempt to connect: answers from memory first. What is asked a second time in the same attempt was wrong
   * in memory, so a person is asked. Host keys are never answered from memory: known_hosts is theirs.
   */
  askFor(ask: Ask | undefined): Ask {
    const asked = new Set<string>();
    return async (question, signal) => {
      if (question.kind === "host-key") return ask?.(question, signal);
      const key = JSON.stringify([question.target, question.kind, question.text]);
      const known = this.#answers.get(key);
      if (known !== undefined && !asked.has(key)) {
        asked.add(key);
        return known;
      }
      asked.add(key);
      this.#answers.delete(key);
      const answer = await ask?.(question, signal);
      if (answer !== undefined) this.#answers.set(key, answer);
      return answer;
    };
  }

  /** Forgets all that was typed for a target. */
  forget(target: string): void {
    for (const key of this.#answers.keys()) if (JSON.parse(key)[0] === target) this.#answers.delete(key);
  }
}
