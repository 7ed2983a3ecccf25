/**
 * The server's end of a channel that carries JSON as text, over whatever moves text: a WebSocket or a message port.
 * What comes in is parsed but not checked: `serve` does that. Text that is too long or is no JSON closes the channel.
 */

import type { Channel, ServerMessage } from "../../preload/contract/message.ts";

/** The longest text that a client may send, in UTF-16 units. A capture of 2000 named interfaces takes 600 kB. */
export const LONGEST_MESSAGE = 1024 * 1024;

export interface TextLine {
  send(text: string): void;
  close(): void;
}

export class JsonChannel implements Channel<ServerMessage, unknown> {
  onMessage: (message: unknown) => void = () => {};
  onClose: () => void = () => {};
  readonly #line: TextLine;
  #open = true;

  constructor(line: TextLine) {
    this.#line = line;
  }

  send(message: ServerMessage): void {
    if (this.#open) this.#line.send(JSON.stringify(message));
  }

  close(): void {
    if (!this.#open) return;
    this.#line.close();
    this.lineClosed();
  }

  /** To be called with every text that the line brings. */
  receive(text: string): void {
    if (!this.#open) return;
    const message = text.length > LONGEST_MESSAGE ? undefined : parse(text);
    if (message === undefined) this.close();
    else this.onMessage(message);
  }

  /** To be called when the line has closed. */
  lineClosed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.onClose();
  }
}

/** Never throws; undefined where the text is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
