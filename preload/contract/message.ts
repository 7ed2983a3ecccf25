/**
 * The messages that carry calls and events over any transport, and the channel that moves them.
 * A client sends `call` and `cancel`; the server sends `progress`, `answer` and `event`.
 */

import * as z from "zod";
import type { Result } from "./result.ts";

export const clientMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("call"), id: z.int().min(0), call: z.string().max(100), input: z.unknown() }),
  z.object({ type: z.literal("cancel"), id: z.int().min(0) }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;

export type ServerMessage =
  | { type: "answer"; id: number; result: Result<unknown> }
  | { type: "progress"; id: number; progress: unknown }
  | { type: "event"; event: string; data: unknown };

/** Moves JSON-safe messages in order, both ways. `Out` is what this end sends. */
export interface Channel<Out, In> {
  send(message: Out): void;
  /** Set once by the owner. */
  onMessage: (message: In) => void;
  onClose: () => void;
  close(): void;
}
