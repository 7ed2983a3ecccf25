/** The server's end of a message port that the preload opened. */

import { JsonChannel } from "../rpc/json-channel.ts";

/** The part of Electron's MessagePortMain that is used. */
export interface ServerPort {
  postMessage(text: string): void;
  start(): void;
  close(): void;
  on(event: "message", listener: (event: { data: unknown }) => void): unknown;
  on(event: "close", listener: () => void): unknown;
}

/** The caller must `start()` the port once the channel is served: what came before has waited. */
export function portChannel(port: ServerPort): JsonChannel {
  const channel = new JsonChannel({
    send: (text) => port.postMessage(text),
    close: () => port.close(),
  });
  port.on("message", ({ data }) => {
    if (typeof data === "string") channel.receive(data);
    else channel.close();
  });
  port.on("close", () => channel.lineClosed());
  return channel;
}
