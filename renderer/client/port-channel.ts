/** The line over the Electron bridge. It is open from the start; once closed it stays so, for the server went with it. */

import type { Bridge, BridgeLine } from "../../preload/contract/bridge.ts";
import type { ClientMessage } from "../../preload/contract/message.ts";
import type { ConnectionStatus } from "./client.ts";
import { type Line, parseMessage } from "./line.ts";

export class PortChannel implements Line {
  status: ConnectionStatus = "open";
  onStatus: (status: ConnectionStatus) => void = () => {};
  onMessage: (message: unknown) => void = () => {};
  onClose: () => void = () => {};
  readonly #line: BridgeLine;

  constructor(bridge: Pick<Bridge, "connect">) {
    this.#line = bridge.connect({
      onText: (text) => this.onMessage(parseMessage(text)),
      onClose: () => this.#end(),
    });
  }

  send(message: ClientMessage): void {
    if (this.status === "open") this.#line.send(JSON.stringify(message));
  }

  close(): void {
    this.#line.close();
    this.#end();
  }

  #end(): void {
    if (this.status === "lost") return;
    this.status = "lost";
    this.onStatus("lost");
    this.onClose();
  }
}
