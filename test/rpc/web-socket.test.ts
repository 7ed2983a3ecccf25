/** The contract over a WebSocket through the web server, and how the line comes back after the server was away. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Backend } from "../../main/rpc/backend.ts";
import { startWebServer, type WebServer } from "../../main/web/server.ts";
import { ok } from "../../preload/contract/result.ts";
import type { Client, ConnectionStatus } from "../../renderer/client/client.ts";
import { RpcClient } from "../../renderer/client/rpc-client.ts";
import { WebSocketChannel } from "../../renderer/client/web-socket-channel.ts";
import { contractSuite } from "./contract-suite.ts";
import { gate } from "./gate.ts";
import { TestBackend } from "./test-backend.ts";

let pageDir = "";
beforeAll(async () => {
  pageDir = await mkdtemp(join(tmpdir(), "hoplab-page-"));
  await writeFile(join(pageDir, "index.html"), "<!doctype html>");
});
afterAll(async () => await rm(pageDir, { recursive: true }));

async function start(backend: Backend, port = 0): Promise<WebServer> {
  const server = await startWebServer({ backend, pageDir, port });
  if (!server.ok) throw new Error(server.fault.message);
  return server.value;
}

/** Shows the token as a browser does, and keeps the cookie. */
async function enter(server: WebServer): Promise<string> {
  const response = await fetch(server.url, { redirect: "manual" });
  const [cookie = ""] = response.headers.getSetCookie();
  return cookie.split(";")[0] ?? "";
}

function openSocket(server: WebServer, cookie: string): WebSocket {
  const origin = `http://127.0.0.1:${server.port}`;
  return new WebSocket(`ws://127.0.0.1:${server.port}/rpc`, { origin, headers: { Cookie: cookie } });
}

contractSuite("a WebSocket", async (backend) => {
  const server = await start(backend);
  const cookie = await enter(server);
  const client = new RpcClient(new WebSocketChannel(() => openSocket(server, cookie)));
  return {
    client,
    cut: () => server.close(),
    async [Symbol.asyncDispose]() {
      client.close();
      await server.close();
    },
  };
});

function untilStatus(client: Client, wanted: ConnectionStatus): Promise<void> {
  if (client.status === wanted) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = client.onStatus((status) => {
      if (status !== wanted) return;
      stop();
      resolve();
    });
  });
}

test("after the server was away the line comes back and the listeners hear events again", async () => {
  const backend = new TestBackend({ "sandbox.list": async () => ok([]) });
  let server = await start(backend);
  const cookies = new Map([[server, await enter(server)]]);
  const client = new RpcClient(new WebSocketChannel(() => openSocket(server, cookies.get(server) ?? ""), [1]));
  const event = gate<number>();
  client.on("sandboxes.changed", (sandboxes) => event.open(sandboxes.length));
  await untilStatus(client, "open");

  await server.close();
  await untilStatus(client, "lost");
  expect(await client.call("sandbox.list", {})).toMatchObject({ ok: false, fault: { code: "gone" } });

  const next = await start(backend, server.port);
  cookies.set(next, await enter(next));
  server = next;
  await untilStatus(client, "open");
  expect(await client.call("sandbox.list", {})).toEqual(ok([]));
  backend.tell("sandboxes.changed", []);
  expect(await event.promise).toBe(0);

  client.close();
  await server.close();
  expect(backend.subscribers).toBe(0);
});

test("a line that never opened answers the calls that waited for it with gone", async () => {
  const server = await start(new TestBackend());
  const client = new RpcClient(new WebSocketChannel(() => openSocket(server, "no cookie"), [1]));
  expect(await client.call("hello", {})).toMatchObject({ ok: false, fault: { code: "gone" } });
  client.close();
  await server.close();
});
