/** How a connection fails before and while it greets: each step says which, why, and what to do. */

import { type AddressInfo, createServer, type Server } from "node:net";
import { expect, test } from "vitest";
import { connectSsh } from "../../main/target/ssh/connect.ts";
import { TcpProxy } from "./proxy.ts";
import { attempt, configFor } from "./session.ts";
import { freePort, startSshd } from "./sshd.ts";

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

test("a good connection tells its four steps", async () => {
  await using sshd = await startSshd();
  const { fault, steps, details } = await attempt(configFor(sshd));
  expect(fault).toBeUndefined();
  expect(steps).toEqual(["resolve ok", "connect ok", "host-key ok", "authenticate ok"]);
  expect(details[2]).toMatch(/^ssh-ed25519 SHA256:\S+, known from .*known_hosts:1$/);
});

test("a name that nobody has fails to resolve", async () => {
  await using sshd = await startSshd();
  const { fault, steps } = await attempt(configFor(sshd, { host: "no-such-host.invalid" }));
  expect(steps).toEqual(["resolve not-found"]);
  expect(fault?.message).toContain("no-such-host.invalid");
});

test("a name with several addresses is reached by the one that answers", async () => {
  await using sshd = await startSshd();
  const { steps } = await attempt(configFor(sshd, { host: "localhost", newHostKey: "accept", knownHostsFiles: [] }));
  expect(steps.at(-1)).toBe("authenticate ok");
});

test("a port where nobody listens refuses", async () => {
  await using sshd = await startSshd();
  const port = await freePort();
  const { fault, steps } = await attempt(configFor(sshd, { port }));
  expect(steps).toEqual(["resolve ok", "connect gone"]);
  expect(fault?.message).toContain(`127.0.0.1 port ${port}`);
  expect(fault?.message).toContain("refused");
});

test("a server that takes connections and says nothing times out", async () => {
  await using sshd = await startSshd();
  await using proxy = await TcpProxy.start({ port: sshd.port });
  proxy.freeze();
  const { fault, steps } = await attempt(configFor(sshd, { port: proxy.port, connectTimeoutMs: 500 }));
  expect(steps).toEqual(["resolve ok", "connect ok", "connect timeout"]);
  expect(fault?.message).toContain("said nothing for 0.5 s");
});

test("a web server is no SSH server, and what it said is told", async () => {
  await using sshd = await startSshd();
  const web = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
  });
  const { fault, steps } = await attempt(configFor(sshd, { port: await listen(web) }));
  web.close();
  expect(steps).toEqual(["resolve ok", "connect ok", "connect gone"]);
  expect(fault?.message).toContain("is no SSH server");
  expect(fault?.message).toContain("HTTP/1.1 400 Bad Request");
});

test("a server that closes at once is told from one that says something else", async () => {
  await using sshd = await startSshd();
  const closing = createServer((socket) => socket.destroy());
  const { fault } = await attempt(configFor(sshd, { port: await listen(closing) }));
  closing.close();
  expect(fault).toMatchObject({ code: "gone", message: expect.stringContaining("before it said anything") });
});

test("what a server says can't move the cursor of a terminal", async () => {
  await using sshd = await startSshd();
  const rude = createServer((socket) => socket.end("\u001b[2Jgone\u0007\n"));
  const { fault } = await attempt(configFor(sshd, { port: await listen(rude) }));
  rude.close();
  expect(fault?.message).toContain("gone");
  expect(fault?.message).not.toMatch(/\p{Cc}/u);
});

test("a server without an algorithm in common is told as that", async () => {
  await using sshd = await startSshd({ config: ["KexAlgorithms diffie-hellman-group14-sha1"] });
  const { fault } = await attempt(configFor(sshd));
  expect(fault).toMatchObject({ code: "gone", message: expect.stringContaining("no matching key exchange") });
});

test("a cancelled connection is cancelled in each step, and leaves none behind", async () => {
  await using sshd = await startSshd();
  await using proxy = await TcpProxy.start({ port: sshd.port });
  proxy.freeze();
  const controller = new AbortController();
  const connecting = connectSsh(configFor(sshd, { port: proxy.port }), {
    signal: controller.signal,
    onStep: ({ step }) => step === "connect" && controller.abort(),
  });
  expect(await connecting).toMatchObject({ ok: false, fault: { code: "cancelled" } });

  const asked = new AbortController();
  const asking = connectSsh(configFor(sshd, { knownHostsFiles: [] }), {
    signal: asked.signal,
    ask: () => {
      asked.abort();
      return new Promise(() => {}); // a person who never answers
    },
  });
  expect(await asking).toMatchObject({ ok: false, fault: { code: "cancelled" } });
  expect(await connectSsh(configFor(sshd), { signal: AbortSignal.abort() })).toMatchObject({
    ok: false,
    fault: { code: "cancelled" },
  });
});
