/** What a server needs of the product: a handler for every call, and the events it tells. */

import type {
  CallArgument,
  CallName,
  CallOutput,
  CallProgress,
  EventName,
  Events,
} from "../../preload/contract/calls.ts";
import type { Result } from "../../preload/contract/result.ts";

export interface CallContext<Prog> {
  /** Aborted when the client cancels or goes away. */
  signal: AbortSignal;
  progress(progress: Prog): void;
}

export type Handlers = {
  [N in CallName]: (input: CallArgument<N>, context: CallContext<CallProgress<N>>) => Promise<Result<CallOutput<N>>>;
};

export type EventListener = <E extends EventName>(event: E, data: Events[E]) => void;

export interface Backend extends AsyncDisposable {
  readonly handlers: Handlers;
  /**
   * Every client subscribes once. `answers`: it can put questions to a person, which is so unless it says otherwise.
   * Returns the function that ends the subscription.
   */
  subscribe(listener: EventListener, options?: { answers: boolean }): () => void;
}
