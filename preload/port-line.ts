/** A bridge line over a message port, which itself never leaves the preload. */

import type { BridgeLine, BridgeListener } from "./contract/bridge.ts";

/** The part of a MessagePort that is used. */
export interface Port {
  postMessage(text: string): void;
  start(): void;
  close(): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "close", listener: () => void): void;
}

export function openPortLine(port: Port, { onText, onClose }: BridgeListener): BridgeLine {
  port.addEventListener("message", ({ data }) => {
    if (typeof data === "string") onText(data);
  });
  port.addEventListener("close", () => onClose());
  port.start();
  return {
    send: (text) => port.postMessage(text),
    close: () => port.close(),
  };
}
