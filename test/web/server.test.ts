/** Who the web server lets in, and what it hands out. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startWebServer, type WebServer, type WebServerOptions } from "../../main/web/server.ts";
import { TestBackend } from "../rpc/test-backend.ts";

let dir = "";
let server: WebServer;
let backend: TestBackend;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "hoplab-web-"));
  await mkdir(join(dir, "page", "assets"), { recursive: true });
  await writeFile(join(dir, "page", "index.html"), "<!doctype html><title>the page</title>");
  await writeFile(join(dir, "page", "assets", "index-1a2b.js"), "export {};");
  await writeFile(join(dir, "secret.txt"), "outside of the page");
});
afterAll(async () => await rm(dir, { recursive: true }));

async function start(options: Partial<WebServerOptions> = {}): Promise<WebServer> {
  const started = await startWebServer({ backend, pageDir: join(dir, "page"), ...options });
  if (!started.ok) throw new Error(started.fault.message);
  return started.value;
}

beforeEach(async () => {
  backend = new TestBackend();
  server = await start();
});
afterEach(async () => await server.close());

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A request whose path and headers go out exactly as given. */
function get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port: server.port, path, method, headers }, (response) => {
      let body = "";
      response.on("data", (part) => {
        body += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    })
      .on("error", reject)
      .end();
  });
}

async function enter(): Promise<string> {
  const { search } = new URL(server.url);
  const { headers } = await get(`/${search}`);
  return String(headers["set-cookie"]).split(";")[0] ?? "";
}

describe("the token", () => {
  test("is exchanged for a cookie that scripts and other sites cannot use, and leaves the address", async () => {
    const { status, headers } = await get(`/${new URL(server.url).search}`);
    expect(status).toBe(303);
    expect(headers.location).toBe("/");
    const cookie = String(headers["set-cookie"]);
    expect(cookie).toContain(`hoplab-${server.port}=`);
    expect(cookie).toContain("HttpOnly");
    expect(cookie).toContain("SameSite=Strict");
    expect(cookie).not.toContain(new URL(server.url).searchParams.get("token"));
  });

  test("has 256 bits and is another at each start", async () => {
    await using other = await start();
    const tokens = [server, other].map(({ url }) => new URL(url).searchParams.get("token") ?? "");
    expect(tokens.map((token) => Buffer.from(token, "base64url").length)).toEqual([32, 32]);
    expect(tokens[0]).not.toBe(tokens[1]);
  });

  test("a wrong one, or none, gets a page that says what to do", async () => {
    for (const path of ["/", "/?token=wrong", "/?token=", "/assets/index-1a2b.js"]) {
      const { status, body, headers } = await get(path);
      expect(status).toBe(401);
      expect(body).toContain("Open the whole address");
      expect(headers["set-cookie"]).toBeUndefined();
    }
  });

  test("a made-up cookie does not let in", async () => {
    expect(await get("/", { Cookie: `hoplab-${server.port}=made-up` })).toMatchObject({ status: 401 });
  });

  test("the cookie of one server does not open another on the same host", async () => {
    const cookie = await enter();
    await using other = await start();
    const foreign = await fetch(`http://127.0.0.1:${other.port}/`, {
      headers: { Cookie: cookie.replace(String(server.port), String(other.port)) },
    });
    expect(foreign.status).toBe(401);
    expect(await get("/", { Cookie: cookie })).toMatchObject({ status: 200 });
  });
});

describe("the page", () => {
  test("is served with its types and with the headers that fence it in", async () => {
    const cookie = await enter();
    const page = await get("/", { Cookie: cookie });
    expect(page).toMatchObject({ status: 200, body: expect.stringContaining("the page") });
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(page.headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(page.headers["x-content-type-options"]).toBe("nosniff");
    expect(page.headers["referrer-policy"]).toBe("no-referrer");
    const script = await get("/assets/index-1a2b.js", { Cookie: cookie });
    expect(script.headers["content-type"]).toBe("text/javascript; charset=utf-8");
    expect(script.headers["cache-control"]).toContain("immutable");
  });

  test("no path leads out of its folder", async () => {
    const cookie = await enter();
    const paths = [
      "/../secret.txt",
      "/assets/../../secret.txt",
      "/%2e%2e/secret.txt",
      "/..%2fsecret.txt",
      "/..\\secret.txt",
      "//secret.txt",
      `/${dir}/secret.txt`,
      "/assets",
      "/index.html%00.js",
    ];
    for (const path of paths) {
      const { status, body } = await get(path, { Cookie: cookie });
      expect({ path, status }).toEqual({ path, status: 404 });
      expect(body).not.toContain("outside");
    }
  });

  test("is only read, never written", async () => {
    const cookie = await enter();
    expect(await get("/", { Cookie: cookie }, "POST")).toMatchObject({ status: 405 });
    expect(await get("/", { Cookie: cookie }, "HEAD")).toMatchObject({ status: 200, body: "" });
  });
});

describe("the names of the server", () => {
  test("loopback names are answered, whatever port a tunnel gave them", async () => {
    const cookie = await enter();
    for (const host of ["localhost", "127.0.0.1:9000", "[::1]:80", "LocalHost:1"]) {
      expect({ host, ...(await get("/", { Host: host, Cookie: cookie })) }).toMatchObject({ host, status: 200 });
    }
  });

  test("any other name is refused even with the right token, so that DNS rebinding reaches nothing", async () => {
    const { search } = new URL(server.url);
    const hosts = [
      "evil.example",
      `evil.example:${server.port}`,
      "127.0.0.1.evil.example",
      "localhost@evil.example",
      "x y",
    ];
    for (const host of hosts) {
      expect({ host, ...(await get(`/${search}`, { Host: host })) }).toMatchObject({ host, status: 403 });
    }
  });

  test("a server told to listen everywhere answers to addresses, not to names", async () => {
    await using open = await start({ host: "0.0.0.0" });
    const ask = async (host: string) =>
      await new Promise<number | undefined>((resolve, reject) => {
        const headers = { Host: host };
        request({ host: "127.0.0.1", port: open.port, path: "/", headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
    expect(await ask("192.0.2.7:80")).toBe(401);
    expect(await ask("evil.example")).toBe(403);
  });
});

describe("the WebSocket", () => {
  /** What the server answers to a handshake: 101 when it lets in. */
  function handshake(path: string, headers: Record<string, string>, origin?: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers, ...(origin && { origin }) });
      socket.on("open", () => {
        resolve(101);
        socket.close();
      });
      socket.on("unexpected-response", (_, response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      });
      socket.on("error", reject);
    });
  }

  test("opens for the page of this server", async () => {
    const own = `http://127.0.0.1:${server.port}`;
    expect(await handshake("/rpc", { Cookie: await enter() }, own)).toBe(101);
  });

  test("is refused to pages of other origins, even with the cookie", async () => {
    const cookie = await enter();
    const foreign = [
      "http://evil.example",
      "null",
      `http://127.0.0.1:${server.port + 1}`,
      `https://127.0.0.1:${server.port}`,
      `http://localhost:${server.port}`,
      undefined,
    ];
    for (const origin of foreign) {
      expect({ origin, status: await handshake("/rpc", { Cookie: cookie }, origin) }).toEqual({ origin, status: 403 });
    }
  });

  test("is refused under a foreign Host whose origin matches it", async () => {
    const headers = { Cookie: await enter(), Host: "evil.example" };
    expect(await handshake("/rpc", headers, "http://evil.example")).toBe(403);
  });

  test("is refused without the cookie, and elsewhere than at /rpc", async () => {
    const own = `http://127.0.0.1:${server.port}`;
    expect(await handshake("/rpc", {}, own)).toBe(401);
    expect(await handshake("/rpc?token=x", { Cookie: await enter() }, own)).toBe(404);
  });

  async function open(): Promise<WebSocket> {
    const origin = `http://127.0.0.1:${server.port}`;
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rpc`, {
      origin,
      headers: { Cookie: await enter() },
      autoPong: false,
    });
    await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
    return socket;
  }
  const closed = (socket: WebSocket) => new Promise<number>((resolve) => socket.on("close", resolve));

  test("a message above the limit ends the connection", async () => {
    const socket = await open();
    const end = closed(socket);
    socket.on("error", () => {});
    socket.send("x".repeat(1024 * 1024 + 1));
    expect(await end).toBe(1009);
  });

  test("text that is no message of the contract ends the connection, not the server", async () => {
    for (const text of ["{", "[]", '{"type":"call","id":-1,"call":"hello"}', '{"type":"other"}']) {
      const socket = await open();
      const end = closed(socket);
      socket.send(text);
      await end;
    }
    expect(await get("/")).toMatchObject({ status: 401 });
  });

  test("a browser that gives no sign of life is dropped", async () => {
    await server.close();
    server = await start({ heartbeat: 5 });
    const socket = await open();
    expect(backend.subscribers).toBe(1);
    await closed(socket);
    await expect.poll(() => backend.subscribers).toBe(0);
  });
});

describe("starting", () => {
  test("listens on loopback only unless told otherwise", async () => {
    expect(new URL(server.url).hostname).toBe("127.0.0.1");
    const refused = await new Promise((resolve) => {
      createConnection({ host: "::1", port: server.port })
        .on("connect", () => resolve(false))
        .on("error", () => resolve(true));
    });
    expect(refused).toBe(true);
  });

  test("a port in use is told as such, with what to do", async () => {
    const second = await startWebServer({ backend, pageDir: join(dir, "page"), port: server.port });
    expect(second).toMatchObject({
      ok: false,
      fault: { code: "bad-input", message: `port ${server.port} on 127.0.0.1 is in use by another program` },
    });
    expect(second.ok ? undefined : second.fault.fix).toContain("another port");
  });

  test("an address that is not this machine's is told as such", async () => {
    const foreign = await startWebServer({ backend, pageDir: join(dir, "page"), host: "192.0.2.1" });
    expect(foreign).toMatchObject({ ok: false, fault: { code: "bad-input" } });
  });

  test("a page that was not built is told as such", async () => {
    const unbuilt = await startWebServer({ backend, pageDir: join(dir, "nowhere") });
    expect(unbuilt).toMatchObject({ ok: false, fault: { code: "not-found", fix: "run: npm run build" } });
  });
});
