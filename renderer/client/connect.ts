/** Connects the page to its server: over the bridge in Electron, over a WebSocket in a browser. */

import type { Bridge } from "../../preload/contract/bridge.ts";
import type { Client } from "./client.ts";
import { PortChannel } from "./port-channel.ts";
import { RpcClient } from "./rpc-client.ts";
import { WebSocketChannel } from "./web-socket-channel.ts";

declare global {
  interface Window {
    /** Set by the preload in Electron only. */
    readonly hoplab?: Bridge;
  }
}

export function connect(): Client {
  if (window.hoplab) return new RpcClient(new PortChannel(window.hoplab));
  const url = new URL("/rpc", window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return connectWeb(url.href);
}

/** `url` is that of the WebSocket: `ws://127.0.0.1:8080/rpc`. */
export function connectWeb(url: string): Client {
  return new RpcClient(new WebSocketChannel(() => new WebSocket(url)));
}
