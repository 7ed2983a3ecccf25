/** A channel to the server that may be lost, and that some transports get back by themselves. */

import type { Channel, ClientMessage } from "../../preload/contract/message.ts";
import type { ConnectionStatus } from "./client.ts";

export interface Line extends Channel<ClientMessage, unknown> {
  readonly status: ConnectionStatus;
  /** Set once by the owner; called at every change of status. */
  onStatus: (status: ConnectionStatus) => void;
}

/** Never throws; undefined where the text is no JSON. */
export function parseMessage(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
