/** How the page talks to the server: typed calls, events, and whether the line is up. */

import type { CallInput, CallName, CallOutput, CallProgress, EventName, Events } from "../../preload/contract/calls.ts";
import type { Result } from "../../preload/contract/result.ts";

export type ConnectionStatus = "connecting" | "open" | "lost";

export interface CallOptions<N extends CallName> {
  signal?: AbortSignal;
  onProgress?: (progress: CallProgress<N>) => void;
}

export interface Client {
  readonly status: ConnectionStatus;
  /** Calls back at every change of status. Returns the function that stops it. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void;
  /** Never rejects: a lost connection answers with the fault `gone`, an abort with `cancelled`. */
  call<N extends CallName>(name: N, input: CallInput<N>, options?: CallOptions<N>): Promise<Result<CallOutput<N>>>;
  on<E extends EventName>(event: E, listener: (data: Events[E]) => void): () => void;
  close(): void;
}
