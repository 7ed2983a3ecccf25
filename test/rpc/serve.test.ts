/** How the server treats clients that do not keep to the protocol, and how it ends. */

import { expect, test } from "vitest";
import { MOST_CALLS, serve } from "../../main/rpc/serve.ts";
import type { Channel, ServerMessage } from "../../preload/contract/message.ts";
import { fail, ok } from "../../preload/contract/result.ts";
import { gate } from "./gate.ts";
import { TestBackend } from "./test-backend.ts";

/** A channel in memory that keeps what the server sent. */
class MemoryChannel implements Channel<ServerMessage, unknown> {
  readonly sent: ServerMessage[] = [];
  onMessage: (message: unknown) => void = () => {};
  onClose: () => void = () => {};
  open = true;
  send(message: ServerMessage): void {
    this.sent.push(message);
  }
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.onClose();
  }
}

const hello = ok({ version: "1", target: "local" });

test("a call that does not exist is answered with those that do", async () => {
  const channel = new MemoryChannel();
  await using _ = serve(channel, new TestBackend());
  for (const call of ["lab.destroy", "__proto__", "toString"]) {
    channel.sent.length = 0;
    channel.onMessage({ type: "call", id: 1, call, input: {} });
    await expect.poll(() => channel.sent.length).toBe(1);
    expect(channel.sent[0]).toMatchObject({ id: 1, result: { ok: false, fault: { code: "bad-input" } } });
    expect(JSON.stringify(channel.sent[0])).toContain("lab.up");
  }
});

test("more calls at once than allowed are refused until one has ended", async () => {
  const channel = new MemoryChannel();
  const end = gate();
  const backend = new TestBackend({
    "lab.list": async () => {
      await end.promise;
      return ok([]);
    },
  });
  await using _ = serve(channel, backend);
  for (let id = 0; id <= MOST_CALLS; id++) channel.onMessage({ type: "call", id, call: "lab.list", input: {} });
  expect(channel.sent).toMatchObject([{ id: MOST_CALLS, result: { ok: false, fault: { code: "bad-input" } } }]);
  end.open();
  await expect.poll(() => channel.sent.length).toBe(MOST_CALLS + 1);
  channel.sent.length = 0;
  channel.onMessage({ type: "call", id: 1000, call: "lab.list", input: {} });
  await expect.poll(() => channel.sent).toEqual([{ type: "answer", id: 1000, result: ok([]) }]);
});

test("a client that uses one number for two calls under way is cut off", async () => {
  const channel = new MemoryChannel();
  const backend = new TestBackend({
    "lab.up": async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return fail("cancelled", "undone");
    },
  });
  await using _ = serve(channel, backend);
  channel.onMessage({ type: "call", id: 7, call: "lab.up", input: { lab: "x" } });
  channel.onMessage({ type: "call", id: 7, call: "lab.up", input: { lab: "x" } });
  expect(channel.open).toBe(false);
});

test("a cancel for a call that has ended, or never was, changes nothing", async () => {
  const channel = new MemoryChannel();
  await using _ = serve(channel, new TestBackend({ hello: async () => hello }));
  channel.onMessage({ type: "cancel", id: 5 });
  channel.onMessage({ type: "call", id: 5, call: "hello", input: {} });
  await expect.poll(() => channel.sent).toEqual([{ type: "answer", id: 5, result: hello }]);
  channel.onMessage({ type: "cancel", id: 5 });
  expect(channel.open).toBe(true);
});

test("a handler that throws because it was cancelled is no bug", async () => {
  const channel = new MemoryChannel();
  const logged: unknown[] = [];
  const backend = new TestBackend({
    "lab.up": async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw signal.reason;
    },
  });
  await using _ = serve(channel, backend, { log: (_message, error) => logged.push(error) });
  channel.onMessage({ type: "call", id: 1, call: "lab.up", input: { lab: "x" } });
  channel.onMessage({ type: "cancel", id: 1 });
  await expect.poll(() => channel.sent).toMatchObject([{ result: { fault: { code: "cancelled" } } }]);
  expect(logged).toEqual([]);
});

test("an answer that is not JSON-safe is a bug like any other, and is answered", async () => {
  const channel = new MemoryChannel();
  const send = channel.send.bind(channel);
  channel.send = (message) => send(JSON.parse(JSON.stringify(message)));
  const logged: unknown[] = [];
  const circular = ok([]);
  Object.assign(circular, { circular });
  await using _ = serve(channel, new TestBackend({ "lab.list": async () => circular }), {
    log: (_message, error) => logged.push(error),
  });
  channel.onMessage({ type: "call", id: 1, call: "lab.list", input: {} });
  await expect.poll(() => channel.sent).toMatchObject([{ id: 1, result: { fault: { code: "internal" } } }]);
  expect(logged).toEqual([expect.any(TypeError)]);
});

test("ending the server waits until the calls under way have undone their work", async () => {
  const channel = new MemoryChannel();
  const undone: string[] = [];
  const undo = gate();
  const backend = new TestBackend({
    "lab.up": async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await undo.promise;
      undone.push("lab.up");
      return fail("cancelled", "undone");
    },
  });
  const serving = serve(channel, backend);
  channel.onMessage({ type: "call", id: 1, call: "lab.up", input: { lab: "x" } });
  const ended = serving[Symbol.asyncDispose]().then(() => undone.push("server"));
  undo.open();
  await ended;
  expect(undone).toEqual(["lab.up", "server"]);
  expect(backend.subscribers).toBe(0);
});
