/**
 * The page and the contract for a browser: static files over HTTP, calls and events over a WebSocket on the same port.
 * Listens on loopback unless told otherwise, and answers nobody who has not shown the token.
 */

import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Backend } from "../rpc/backend.ts";
import { JsonChannel, LONGEST_MESSAGE } from "../rpc/json-channel.ts";
import { PAGE_HEADERS, type Page, readPage } from "../rpc/page.ts";
import { serve } from "../rpc/serve.ts";
import { isOwnHost, isOwnOrigin, newSecret, readCookie, sameSecret } from "./access.ts";

export interface WebServerOptions {
  backend: Backend;
  /** Folder of the built page. */
  pageDir: string;
  /** Default: 127.0.0.1. Anything else lets other machines try the token, which then travels unencrypted. */
  host?: string;
  /** Default: 0, a free one. */
  port?: number;
  /** What a person opens the page with. Default: 256 random bits. */
  token?: string;
  /** What the browser's cookie holds then. Default: 256 random bits. */
  session?: string;
  /** Milliseconds between two signs of life asked of each browser. Default: 15000. */
  heartbeat?: number;
}

export interface WebServer extends AsyncDisposable {
  /** For a person to open: `http://127.0.0.1:PORT/?token=…`. */
  readonly url: string;
  readonly port: number;
  /** Cuts all browsers off and ends their calls. Does not end the backend. */
  close(): Promise<void>;
}

/** Bytes that may wait for a slow browser before it is cut off; the page then connects again. */
const MOST_UNSENT = 64 * 1024 * 1024;

/** Faults: `not-found` without a built page, `bad-input` or `denied` where the port or host cannot be had. */
export async function startWebServer({
  backend,
  pageDir,
  host = "127.0.0.1",
  port: wantedPort = 0,
  token = newSecret(),
  session = newSecret(),
  heartbeat = 15_000,
}: WebServerOptions): Promise<Result<WebServer>> {
  const page = await readPage(pageDir);
  if (!page.ok) return page;

  const http = createServer();
  const listening = await listen(http, host, wantedPort);
  if (!listening.ok) return listening;
  const port = listening.value;

  // A browser sends a cookie to every port of a host: the name keeps two servers apart.
  const cookie = `hoplab-${port}`;
  const isKnown = (request: IncomingMessage) => sameSecret(readCookie(request.headers.cookie, cookie) ?? "", session);

  http.on("request", (request, response) => {
    // Split by hand: a URL object would throw on what a stranger may send, and resolve `..` before it is looked up.
    const [path = "/", query = ""] = (request.url ?? "/").split("?", 2);
    const given = new URLSearchParams(query).get("token");
    for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value);
    response.setHeader("Cache-Control", "no-store");

    if (!isOwnHost(request.headers.host, host)) {
      answerText(response, 403, "This name is not one of this server's. Open the address that hoplab printed.");
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      answerText(response.setHeader("Allow", "GET, HEAD"), 405, "Only GET is allowed here.");
    } else if (given !== null && sameSecret(given, token)) {
      response.setHeader("Set-Cookie", `${cookie}=${session}; HttpOnly; SameSite=Strict; Path=/`);
      response.writeHead(303, { Location: "/" }).end();
    } else if (given !== null || !isKnown(request)) {
      answerText(
        response,
        401,
        "Hoplab does not know this browser. Open the whole address that hoplab printed when it started, " +
          "with its token: http://…/?token=…",
      );
    } else {
      answerFile(request, response, page.value, path);
    }
  });

  const sockets = new WebSocketServer({ noServer: true, maxPayload: LONGEST_MESSAGE, perMessageDeflate: false });
  const served = new Set<AsyncDisposable>();
  http.on("upgrade", (request, socket, head) => {
    // A connection that breaks here has nobody to tell.
    socket.on("error", () => {});
    const refusal = refuseUpgrade(request);
    if (refusal) refuse(socket, refusal);
    else sockets.handleUpgrade(request, socket, head, (webSocket) => connectBrowser(webSocket));
  });

  function refuseUpgrade({ url, headers }: IncomingMessage): string | null {
    if (!isOwnHost(headers.host, host) || !isOwnOrigin(headers.origin, headers.host)) return "403 Forbidden";
    if (url !== "/rpc") return "404 Not Found";
    return sameSecret(readCookie(headers.cookie, cookie) ?? "", session) ? null : "401 Unauthorized";
  }

  const alive = new WeakSet<WebSocket>();
  function connectBrowser(webSocket: WebSocket): void {
    const channel = new JsonChannel({
      send: (text) => {
        webSocket.send(text);
        if (webSocket.bufferedAmount > MOST_UNSENT) webSocket.terminate();
      },
      close: () => webSocket.close(),
    });
    const serving = serve(channel, backend);
    served.add(serving);
    alive.add(webSocket);
    webSocket.on("pong", () => alive.add(webSocket));
    webSocket.on("message", (data, isBinary) => {
      if (isBinary) channel.close();
      else channel.receive(data.toString());
    });
    webSocket.on("close", () => {
      channel.lineClosed();
      served.delete(serving);
    });
    // Broken protocol or connection: `close` follows.
    webSocket.on("error", () => {});
  }
  const beat = setInterval(() => {
    for (const webSocket of sockets.clients) {
      if (!alive.delete(webSocket)) webSocket.terminate();
      else webSocket.ping();
    }
  }, heartbeat);

  async function close(): Promise<void> {
    clearInterval(beat);
    const closed = new Promise<void>((resolve) => {
      http.close(() => resolve());
    });
    const ended = Promise.all([...served].map((serving) => serving[Symbol.asyncDispose]()));
    for (const webSocket of sockets.clients) webSocket.terminate();
    http.closeAllConnections();
    await Promise.all([closed, ended]);
  }

  return ok({
    url: `http://${urlHost(host)}:${port}/?token=${encodeURIComponent(token)}`,
    port,
    close,
    [Symbol.asyncDispose]: close,
  });
}

/** The port it listens on. */
function listen(http: Server, host: string, port: number): Promise<Result<number>> {
  return new Promise((resolve) => {
    http.once("error", (error: NodeJS.ErrnoException) => {
      resolve(listenFault(error, host, port));
    });
    http.listen(port, host, () => {
      http.removeAllListeners("error");
      const address: AddressInfo | string | null = http.address();
      resolve(ok(typeof address === "object" && address ? address.port : port));
    });
  });
}

function listenFault(error: NodeJS.ErrnoException, host: string, port: number): Result<never> {
  switch (error.code) {
    case "EADDRINUSE":
      return fail("bad-input", `port ${port} on ${host} is in use by another program`, {
        fix: "choose another port, or 0 for any free one",
      });
    case "EACCES":
      return fail("denied", `the system refuses port ${port} on ${host} to this user`, {
        fix: "choose a port of 1024 or above, or 0 for any free one",
      });
    default:
      return fail("bad-input", `cannot listen on ${host} port ${port}: ${error.message}`, {
        fix: "choose an address of this machine, such as 127.0.0.1",
      });
  }
}

/** The host as a browser on this machine reaches it. */
function urlHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return isIPv6(host) ? `[${host}]` : host;
}

function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

function answerFile(request: IncomingMessage, response: ServerResponse, page: Page, path: string): void {
  const file = page.get(path);
  if (!file) {
    answerText(response, 404, "There is no such file.");
    return;
  }
  response.setHeader("Content-Type", file.contentType);
  if (file.immutable) response.setHeader("Cache-Control", "private, max-age=31536000, immutable");
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  // The page was built anew and the file is gone: the connection ends, and a reload gets the new one.
  createReadStream(file.path)
    .on("error", () => response.destroy())
    .pipe(response);
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
