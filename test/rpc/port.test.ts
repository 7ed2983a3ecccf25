/** The contract over a message port pair, joined as the preload and the main process join it. */

import type { MessagePort } from "node:worker_threads";
import { MessageChannel } from "node:worker_threads";
import { portChannel, type ServerPort } from "../../main/desktop/port.ts";
import { serve } from "../../main/rpc/serve.ts";
import { openPortLine, type Port } from "../../preload/port-line.ts";
import { PortChannel } from "../../renderer/client/port-channel.ts";
import { RpcClient } from "../../renderer/client/rpc-client.ts";
import { contractSuite } from "./contract-suite.ts";

/** Node's port with the events of the page's MessagePort and of Electron's MessagePortMain. */
class NodePort implements Port, ServerPort {
  readonly #port: MessagePort;
  constructor(port: MessagePort) {
    this.#port = port;
  }
  postMessage(text: string): void {
    this.#port.postMessage(text);
  }
  start(): void {
    this.#port.start();
  }
  close(): void {
    this.#port.close();
  }
  on(event: "message" | "close", listener: (event: { data: unknown }) => void): void {
    this.#port.on(event, (data?: unknown) => listener({ data }));
  }
  addEventListener(event: "message" | "close", listener: (event: { data: unknown }) => void): void {
    this.on(event, listener);
  }
}

contractSuite("a message port", async (backend) => {
  const { port1, port2 } = new MessageChannel();
  const port = new NodePort(port2);
  const serving = serve(portChannel(port), backend);
  port.start();
  const client = new RpcClient(new PortChannel({ connect: (listener) => openPortLine(new NodePort(port1), listener) }));
  const cut = async () => await serving[Symbol.asyncDispose]();
  return {
    client,
    cut,
    async [Symbol.asyncDispose]() {
      client.close();
      await cut();
    },
  };
});
