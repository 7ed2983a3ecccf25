/** A backend of its own for a test, in this process, with its own data folder; and calls that throw their faults. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Handlers } from "../../main/rpc/backend.ts";
import { type BackendOptions, createBackend, type LabBackend } from "../../main/rpc/lab-backend.ts";
import {
  type CallArgument,
  type CallInput,
  type CallName,
  type CallOutput,
  type CallProgress,
  calls,
  type EventName,
  type Events,
} from "../../preload/contract/calls.ts";
import type { Result } from "../../preload/contract/result.ts";
import type { Question, TargetSummary } from "../../preload/contract/target.ts";

const LABS_DIR = fileURLToPath(new URL("../../labs", import.meta.url));

export class BackendClient implements AsyncDisposable {
  readonly backend: LabBackend;
  readonly dataDir: string;
  readonly #answered = new Set<number>();
  readonly #heard: { event: EventName; data: unknown }[] = [];

  readonly #isOwn: boolean;

  private constructor(backend: LabBackend, dataDir: string, isOwn: boolean) {
    this.backend = backend;
    this.dataDir = dataDir;
    this.#isOwn = isOwn;
    backend.subscribe((event, data) => this.#heard.push({ event, data }));
  }

  static async start(options: Partial<BackendOptions> = {}): Promise<BackendClient> {
    const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "hoplab-backend-"));
    const backend = await createBackend({ labsDir: LABS_DIR, ...options, dataDir });
    return new BackendClient(backend, dataDir, options.dataDir === undefined);
  }

  /** Throws the fault's message. */
  async call<N extends CallName>(
    name: N,
    input: CallInput<N>,
    progress?: (progress: CallProgress<N>) => void,
  ): Promise<CallOutput<N>> {
    const answer = await this.ask(name, input, progress);
    if (!answer.ok) throw new Error(`${name}: ${answer.fault.code}: ${answer.fault.message}`);
    return answer.value;
  }

  ask<N extends CallName>(
    name: N,
    input: CallInput<N>,
    progress: (progress: CallProgress<N>) => void = () => {},
  ): Promise<Result<CallOutput<N>>> {
    const handler: Handlers[N] = this.backend.handlers[name];
    const context = { signal: new AbortController().signal, progress };
    return handler(calls[name].input.parse(input) as CallArgument<N>, context);
  }

  /** Answers every question from now on. */
  onQuestion(answer: (question: Question) => string | undefined): void {
    this.backend.subscribe((event) => {
      if (event !== "questions.changed") return;
      void this.call("question.list", {}).then((questions) => {
        for (const { id, question } of questions) {
          if (this.#answered.has(id)) continue;
          this.#answered.add(id);
          const text = answer(question);
          void this.ask("question.answer", { question: id, ...(text === undefined ? {} : { answer: text }) });
        }
      });
    });
  }

  /** What was told of that event so far, oldest first. */
  heard<E extends EventName>(event: E): Events[E][] {
    return this.#heard.filter((one) => one.event === event).map(({ data }) => data as Events[E]);
  }

  async target(name: string): Promise<TargetSummary | undefined> {
    return (await this.call("target.list", {})).find((target) => target.name === name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.backend[Symbol.asyncDispose]();
    if (this.#isOwn) rmSync(this.dataDir, { recursive: true, force: true });
  }
}
