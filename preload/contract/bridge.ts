/** What the Electron preload puts on the page's `window`. Only text crosses: no port and no Electron object does. */

export interface BridgeLine {
  /** Sends one message as JSON text. */
  send(text: string): void;
  close(): void;
}

export interface BridgeListener {
  /** One message of the server as JSON text. */
  onText(text: string): void;
  onClose(): void;
}

export interface Bridge {
  /** Version of Electron. */
  readonly electron: string;
  /** Opens one line to the server in the main process. Messages wait until the server is ready. */
  connect(listener: BridgeListener): BridgeLine;
}
