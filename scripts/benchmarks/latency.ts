/**
 * How long after the kernel's stamp of its first frame a live packet is with the page: over the WebSocket, as a browser
 * gets it, with all interfaces of the lab flannel-vxlan captured and pings running.
 */

import { WebSocket } from "ws";
import type { CallInput, CallName, CallOutput, Capture, Events } from "../../preload/contract/calls.ts";
import type { ServerMessage } from "../../preload/contract/message.ts";
import type { Result } from "../../preload/contract/result.ts";
import type { Benchmark } from "./benchmark.ts";
import { type Figure, quantile } from "./figure.ts";
import { hoplab, pause, startServer, takeDown } from "./program.ts";

const SECONDS = 10;
const TARGET_MS = 100;
/** What still is on its way to the client when the pings have ended. */
const REST_MS = 1000;

export const latency: Benchmark = {
  name: "latency",
  async run({ folder, say }) {
    const name = `bench-${process.pid}`;
    const { server, url } = await startServer(folder);
    await using _server = server;
    await using client = await Client.connect(url);
    await client.call("lab.up", { lab: "flannel-vxlan", name });
    try {
      // Half as many pings make as many packets: each is answered.
      const loads = [
        { what: "1,000 packets/s (500 pings and their answers)", interval: 0.002 },
        { what: "1,000 pings/s and their answers", interval: 0.001 },
      ];
      const figures: Figure[] = [];
      for (const { what, interval } of loads) {
        say(what);
        const capture = await client.call("capture.start", { sandbox: name });
        const seen = new Arrivals(capture);
        client.onPackets = (event) => seen.take(event);
        const count = String(SECONDS / interval);
        const ping = ["ping", "-q", "-i", String(interval), "-c", count, "10.244.1.2"];
        const began = performance.now();
        const { stdout } = await hoplab(folder, "exec", name, "pod/a", "--", ...ping);
        const rate = Number(count) / ((performance.now() - began) / 1000);
        await pause(REST_MS);
        const stopped = await client.call("capture.stop", { capture: capture.id });
        say(stdout.split("\n").find((line) => line.includes("transmitted")) ?? stdout);
        const p95 = quantile(seen.delays, 0.95);
        figures.push({
          name: `latency: ${what}`,
          measured: `p95 ${p95.toFixed(0)} ms (median ${quantile(seen.delays, 0.5).toFixed(0)}, p99 ${quantile(seen.delays, 0.99).toFixed(0)}, most ${Math.max(...seen.delays).toFixed(0)}); ${rate.toFixed(0)} pings/s sent; ${seen.delays.length} of ${stopped.packets} packets told, ${stopped.frames} frames, ${stopped.dropped} dropped`,
          target: `p95 ≤ ${TARGET_MS} ms`,
          met: p95 <= TARGET_MS,
        });
      }
      return figures;
    } finally {
      await takeDown(folder, name);
    }
  },
};

/** Takes the time at which each packet of a capture was told first. */
class Arrivals {
  /** Milliseconds, one for each packet. */
  readonly delays: number[] = [];
  readonly #capture: string;
  readonly #base: number;
  readonly #known = new Set<number>();

  constructor({ id, startedAt }: Capture) {
    this.#capture = id;
    // A packet's `at` is counted from the whole second in which the capture began.
    this.#base = Math.floor(startedAt / 1000) * 1000;
  }

  take({ capture, packets }: Events["packets.changed"]): void {
    if (capture !== this.#capture) return;
    const now = performance.timeOrigin + performance.now();
    for (const { journey, at } of packets) {
      if (this.#known.has(journey)) continue;
      this.#known.add(journey);
      this.delays.push(now - this.#base - at / 1e6);
    }
  }
}

/** A client of the contract that comes the way a browser does: the token for a cookie, the cookie for the socket. */
class Client implements AsyncDisposable {
  onPackets: (event: Events["packets.changed"]) => void = () => {};
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { resolve: (result: Result<unknown>) => void; reject: (error: Error) => void }>();
  #next = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => this.#take(JSON.parse(data.toString())));
    socket.on("close", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the server hung up with ${code}`));
    });
  }

  static async connect(url: string): Promise<Client> {
    const { origin } = new URL(url);
    const answer = await fetch(url, { redirect: "manual" });
    const cookie = answer.headers.get("set-cookie")?.split(";")[0];
    if (!cookie) throw new Error(`${origin} gave no cookie for its token`);
    const socket = new WebSocket(`${origin.replace("http", "ws")}/rpc`, { headers: { cookie, origin } });
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return new Client(socket);
  }

  async call<N extends CallName>(call: N, input: CallInput<N>): Promise<CallOutput<N>> {
    const id = this.#next++;
    this.#socket.send(JSON.stringify({ type: "call", id, call, input }));
    const result = await new Promise<Result<unknown>>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    if (!result.ok) throw new Error(`${call}: ${result.fault.message}`);
    // The server answers a call with what the contract says of it.
    return result.value as CallOutput<N>;
  }

  #take(message: ServerMessage): void {
    if (message.type === "answer") {
      this.#waiting.get(message.id)?.resolve(message.result);
      this.#waiting.delete(message.id);
    } else if (message.type === "event" && message.event === "packets.changed") {
      this.onPackets(message.data as Events["packets.changed"]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
  }
}
