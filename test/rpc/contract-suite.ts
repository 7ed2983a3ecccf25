/** What every transport must do, as tests that run over each of them. */

import { describe, expect, test, vi } from "vitest";
import type { Backend } from "../../main/rpc/backend.ts";
import type { Hello, Sent } from "../../preload/contract/calls.ts";
import type { Progress, Sandbox } from "../../preload/contract/lab.ts";
import { fail, ok } from "../../preload/contract/result.ts";
import type { Client, ConnectionStatus } from "../../renderer/client/client.ts";
import { gate } from "./gate.ts";
import { TestBackend } from "./test-backend.ts";

export interface Connection extends AsyncDisposable {
  client: Client;
  /** The server closes its end. */
  cut(): Promise<void>;
}

const hello: Hello = { version: "1", target: "local" };
const sandbox: Sandbox = {
  name: "flannel-vxlan",
  lab: "flannel-vxlan",
  target: "local",
  pid: 4711,
  startedAt: 1_700_000_000_000,
  namespaces: ["node/node1"],
  rootless: true,
  revision: 0,
};

export function contractSuite(transport: string, connect: (backend: Backend) => Promise<Connection>): void {
  describe(`the contract over ${transport}`, () => {
    test("a call made while the line is still opening is answered", async () => {
      await using line = await connect(new TestBackend({ hello: async () => ok(hello) }));
      expect(await line.client.call("hello", {})).toEqual(ok(hello));
      expect(line.client.status).toBe("open");
    });

    test("what the caller leaves out of the traffic is filled in before the handler sees it", async () => {
      const backend = new TestBackend({
        "traffic.send": async ({ traffic }) =>
          ok({
            capture: "c",
            sent: traffic.count,
            received: 0,
            output: traffic.protocol,
            complaints: [],
            journeys: [],
            others: [],
          } satisfies Sent),
      });
      await using line = await connect(backend);
      const sent = await line.client.call("traffic.send", { sandbox: "s", traffic: { from: "a", to: "b" } });
      expect(sent).toMatchObject(ok({ sent: 1, output: "icmp" }));
    });

    test("calls answered in another order reach their own callers", async () => {
      const first = gate();
      const backend = new TestBackend({
        "lab.down": async ({ sandbox }) => {
          if (sandbox === "slow") await first.promise;
          return fail("not-found", `no sandbox ${sandbox}`);
        },
      });
      await using line = await connect(backend);
      const slow = line.client.call("lab.down", { sandbox: "slow" });
      expect(await line.client.call("lab.down", { sandbox: "fast" })).toEqual(fail("not-found", "no sandbox fast"));
      first.open();
      expect(await slow).toEqual(fail("not-found", "no sandbox slow"));
    });

    test("the progress of a build arrives step by step, before its answer", async () => {
      const backend = new TestBackend({
        "lab.up": async (_, { progress }) => {
          for (let done = 0; done <= 3; done++) progress({ done, total: 3, why: `step ${done}` });
          return ok(sandbox);
        },
      });
      await using line = await connect(backend);
      const seen: (Progress | string)[] = [];
      const onProgress = (progress: Progress) => seen.push(progress);
      const answer = await line.client.call("lab.up", { lab: "flannel-vxlan" }, { onProgress });
      seen.push("answer");
      expect(answer).toEqual(ok(sandbox));
      expect(seen).toEqual([...[0, 1, 2, 3].map((done) => ({ done, total: 3, why: `step ${done}` })), "answer"]);
    });

    test("cancelling a call answers cancelled and stops its handler", async () => {
      const started = gate();
      const stopped = gate();
      const backend = new TestBackend({
        "lab.up": async (_, { signal }) => {
          signal.addEventListener("abort", () => stopped.open());
          started.open();
          await stopped.promise;
          return fail("cancelled", "undone");
        },
      });
      await using line = await connect(backend);
      const abort = new AbortController();
      const answer = line.client.call("lab.up", { lab: "flannel-vxlan" }, { signal: abort.signal });
      await started.promise;
      abort.abort();
      expect(await answer).toEqual(fail("cancelled", "lab.up was cancelled"));
      await stopped.promise;
    });

    test("a call that is cancelled before it is made never reaches the server", async () => {
      const open = vi.fn(async () => fail("not-found", "never"));
      await using line = await connect(new TestBackend({ hello: async () => ok(hello), "lab.open": open }));
      const signal = AbortSignal.abort();
      expect(await line.client.call("lab.open", { lab: "x" }, { signal })).toMatchObject({
        fault: { code: "cancelled" },
      });
      await line.client.call("hello", {});
      expect(open).not.toHaveBeenCalled();
    });

    test("a fault arrives whole, with the command that failed", async () => {
      const fault = fail("command-failed", "ip ended with 2", {
        fix: "load the module vxlan",
        command: { argv: ["ip", "link", "add"], exitCode: 2, stderr: "Unknown device type.", why: "the tunnel device" },
      });
      await using line = await connect(new TestBackend({ "lab.up": async () => fault }));
      expect(await line.client.call("lab.up", { lab: "x" })).toEqual(fault);
    });

    test("a bad input is refused with the place and what is allowed there, and the handler is not run", async () => {
      const send = vi.fn(async () => fail("not-found", "never"));
      await using line = await connect(new TestBackend({ "traffic.send": send }));
      const traffic = { from: "a", to: "b", count: 0, port: 70_000 };
      const answer = await line.client.call("traffic.send", { sandbox: "s", traffic });
      expect(answer).toMatchObject({ ok: false, fault: { code: "bad-input" } });
      const message = answer.ok ? "" : answer.fault.message;
      expect(message).toContain("input.traffic.count: ");
      expect(message).toContain(">=1");
      expect(message).toContain("input.traffic.port: ");
      expect(message).toContain("<=65535");
      expect(send).not.toHaveBeenCalled();
    });

    test("a bug in a handler is logged once and told without its stack", async () => {
      const log = vi.spyOn(console, "error").mockImplementation(() => {});
      const bug = new TypeError("secret detail");
      const backend = new TestBackend({
        "lab.list": async () => {
          throw bug;
        },
      });
      await using line = await connect(backend);
      const answer = await line.client.call("lab.list", {});
      expect(answer).toMatchObject({ ok: false, fault: { code: "internal" } });
      expect(JSON.stringify(answer)).not.toContain("secret detail");
      expect(log).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("lab.list"), bug);
      log.mockRestore();
    });

    test("events reach the listeners of their name until these stop listening", async () => {
      const backend = new TestBackend({ hello: async () => ok(hello) });
      await using line = await connect(backend);
      await line.client.call("hello", {});
      const seen: number[] = [];
      const stop = line.client.on("sandboxes.changed", (sandboxes) => seen.push(sandboxes.length));
      line.client.on("capture.changed", () => seen.push(-1));
      backend.tell("sandboxes.changed", []);
      backend.tell("sandboxes.changed", [sandbox]);
      // Messages keep their order: once the call is answered, the events have been handed out.
      await line.client.call("hello", {});
      stop();
      backend.tell("sandboxes.changed", []);
      await line.client.call("hello", {});
      expect(seen).toEqual([0, 1]);
    });

    test("when the client goes away its calls are aborted and it is told no more events", async () => {
      const started = gate();
      const stopped = gate();
      const backend = new TestBackend({
        "lab.up": async (_, { signal }) => {
          signal.addEventListener("abort", () => stopped.open());
          started.open();
          await stopped.promise;
          return fail("cancelled", "undone");
        },
      });
      await using line = await connect(backend);
      const answer = line.client.call("lab.up", { lab: "x" });
      await started.promise;
      expect(backend.subscribers).toBe(1);
      line.client.close();
      expect(await answer).toMatchObject({ fault: { code: "gone" } });
      await stopped.promise;
      expect(backend.subscribers).toBe(0);
      expect(await line.client.call("hello", {})).toMatchObject({ fault: { code: "gone" } });
    });

    test("when the server goes away the calls under way answer gone and the status says lost", async () => {
      const started = gate();
      const backend = new TestBackend({
        "lab.up": async (_, { signal }) => {
          started.open();
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          return fail("cancelled", "undone");
        },
      });
      await using line = await connect(backend);
      const statuses: ConnectionStatus[] = [];
      const answer = line.client.call("lab.up", { lab: "x" });
      await started.promise;
      line.client.onStatus((status) => statuses.push(status));
      await line.cut();
      expect(await answer).toMatchObject({ ok: false, fault: { code: "gone" } });
      expect(statuses[0]).toBe("lost");
    });
  });
}
