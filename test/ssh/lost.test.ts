/** How a connection is lost, and that it is seen within 10 s. */

import { expect, test } from "vitest";
import { TcpProxy } from "./proxy.ts";
import { configFor, connected, firstOutput, runOver } from "./session.ts";
import { startSshd } from "./sshd.ts";

test("an sshd that is killed", async () => {
  await using sshd = await startSshd();
  await using connection = await connected(configFor(sshd));
  const running = connection.exec("cat");
  running.stdin.write("x");
  await firstOutput(running.stdout);
  await sshd.kill();
  expect(await connection.lost).toMatchObject({ code: "gone", message: expect.stringContaining("is gone") });
  expect(await running.exited).toEqual({ code: null, signal: "SIGHUP" });
});

test("a connection that is reset", async () => {
  await using sshd = await startSshd();
  await using proxy = await TcpProxy.start({ port: sshd.port });
  await using connection = await connected(configFor(sshd, { port: proxy.port, newHostKey: "accept" }));
  proxy.cut();
  expect(await connection.lost).toMatchObject({ code: "gone", message: expect.stringContaining("reset") });
  expect(await runOver(connection, "true")).toMatchObject({ code: null, signal: "SIGHUP" });
});

test("a network that falls silent, with and without a program that is being written to", async () => {
  await using sshd = await startSshd();
  await using proxy = await TcpProxy.start({ port: sshd.port });
  const config = configFor(sshd, { port: proxy.port, newHostKey: "accept" });
  await using idle = await connected(config);
  await using busy = await connected(config);
  const running = busy.exec("cat > /dev/null");
  const writing = setInterval(() => running.stdin.write(Buffer.alloc(100_000)), 50);
  proxy.freeze();
  const faults = await Promise.all([idle.lost, busy.lost]);
  clearInterval(writing);
  for (const fault of faults) {
    expect(fault).toMatchObject({ code: "gone", message: expect.stringContaining("Nothing was heard") });
  }
  expect(await running.exited).toEqual({ code: null, signal: "SIGHUP" });
});

test("a slow line and a stop that is shorter than the limit are no loss", async () => {
  await using sshd = await startSshd();
  await using proxy = await TcpProxy.start({ port: sshd.port, delayMs: 200 });
  await using connection = await connected(configFor(sshd, { port: proxy.port, newHostKey: "accept" }));
  let lost = false;
  void connection.lost.then(() => {
    lost = true;
  });
  const running = connection.exec("cat");
  proxy.freeze();
  setTimeout(() => proxy.thaw(), 4_000);
  running.stdin.end("through");
  expect(await firstOutput(running.stdout)).toBe("through");
  expect(lost).toBe(false);
});

test("a restarted listener is no loss: sessions live on", async () => {
  await using sshd = await startSshd();
  await using connection = await connected(configFor(sshd));
  await sshd.stopListening();
  expect(await runOver(connection, "echo still")).toMatchObject({ stdout: "still\n" });
});

test("a connection that was let go is not lost", async () => {
  await using sshd = await startSshd();
  const connection = await connected(configFor(sshd));
  await connection[Symbol.asyncDispose]();
  const first = await Promise.race([
    connection.lost,
    new Promise((resolve) => setImmediate(() => resolve("not lost"))),
  ]);
  expect(first).toBe("not lost");
});
