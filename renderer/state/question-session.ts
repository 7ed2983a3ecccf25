/** The questions that only a person can answer, oldest first. An answer is sent once and kept nowhere. */

import { createStore, type StoreApi } from "zustand/vanilla";
import type { AskedQuestion } from "../../preload/contract/target.ts";
import type { Client } from "../client/client.ts";

export interface QuestionSession {
  state: StoreApi<readonly AskedQuestion[]>;
  load(): void;
  /** Without an answer the question is cancelled. */
  answer(id: number, answer?: string): void;
  close(): void;
}

export function createQuestionSession(client: Client): QuestionSession {
  const state = createStore<readonly AskedQuestion[]>(() => []);
  /** Answered here, and perhaps still on the server's list. */
  const answered = new Set<number>();

  function receive(questions: readonly AskedQuestion[]): void {
    for (const id of answered) {
      if (!questions.some((question) => question.id === id)) answered.delete(id);
    }
    state.setState(
      questions.filter(({ id }) => !answered.has(id)),
      true,
    );
  }

  const stop = client.on("questions.changed", receive);
  return {
    state,
    load: () => {
      void client.call("question.list", {}).then((result) => {
        if (result.ok) receive(result.value);
      });
    },
    answer: (id, answer) => {
      answered.add(id);
      state.setState(
        state.getState().filter((question) => question.id !== id),
        true,
      );
      void client.call("question.answer", { question: id, answer }).then((result) => {
        if (!result.ok) answered.delete(id);
      });
    },
    close: stop,
  };
}
