/** The line over a WebSocket. Connects by itself, and again with growing pauses when the connection is lost. */

import type { ClientMessage } from "../../preload/contract/message.ts";
import type { ConnectionStatus } from "./client.ts";
import { type Line, parseMessage } from "./line.ts";

/** The part of a WebSocket that is used, so that the browser's and node's both fit. */
export interface Socket {
  send(text: string): void;
  close(): void;
  addEventListener(type: "open" | "close" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
}

/** Milliseconds before each new try; the last one repeats. */
const PAUSES = [100, 200, 400, 800, 1600, 3000];

export class WebSocketChannel implements Line {
  status: ConnectionStatus = "connecting";
  onStatus: (status: ConnectionStatus) => void = () => {};
  onMessage: (message: unknown) => void = () => {};
  onClose: () => void = () => {};
  readonly #openSocket: () => Socket;
  readonly #pauses: readonly number[];
  #socket: Socket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #closed = false;

  constructor(openSocket: () => Socket, pauses: readonly number[] = PAUSES) {
    this.#openSocket = openSocket;
    this.#pauses = pauses;
    this.#connect();
  }

  send(message: ClientMessage): void {
    if (this.status === "open") this.#socket?.send(JSON.stringify(message));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#setStatus("lost");
    this.onClose();
  }

  #connect(): void {
    const socket = this.#openSocket();
    this.#socket = socket;
    let ended = false;
    // A refused connection gives both `error` and `close`, in some implementations only one of them.
    const end = () => {
      if (ended) return;
      ended = true;
      if (!this.#closed) this.#retry();
    };
    socket.addEventListener("open", () => {
      if (this.#closed) return;
      this.#tries = 0;
      this.#setStatus("open");
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string" && !this.#closed) this.onMessage(parseMessage(data));
    });
    socket.addEventListener("close", end);
    socket.addEventListener("error", end);
  }

  #retry(): void {
    const pause = this.#pauses[Math.min(this.#tries, this.#pauses.length - 1)] ?? 0;
    this.#tries++;
    this.#timer = setTimeout(() => this.#connect(), pause);
    this.#setStatus("lost");
  }

  #setStatus(status: ConnectionStatus): void {
    if (this.status === status) return;
    this.status = status;
    this.onStatus(status);
  }
}
