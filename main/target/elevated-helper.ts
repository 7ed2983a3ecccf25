/** The program that runs as root for an ElevatedTarget. It does what its stdin says, and ends with it. */

import { FrameReader, writeFrame } from "./helper-frames.ts";
import { spawnHere } from "./local-target.ts";
import type { Process } from "./target.ts";

const running = new Map<number, Process>();

function start(id: number, argv: string[]): void {
  const child = spawnHere(argv);
  running.set(id, child);
  child.stdin.on("error", () => {}); // the program ended before it read all of its input
  child.stdout.on("data", (data: Buffer) => writeFrame(process.stdout, { type: "stdout", id, data }));
  child.stderr.on("data", (data: Buffer) => writeFrame(process.stdout, { type: "stderr", id, data }));
  void child.exited.then(({ code, signal }) => {
    running.delete(id);
    writeFrame(process.stdout, { type: "exit", id, data: Buffer.from(`${code} ${signal ?? ""}`) });
  });
}

const SIGNALS = ["SIGTERM", "SIGKILL", "SIGINT"] as const;

const reader = new FrameReader(({ type, id, data }) => {
  if (type === "spawn") start(id, JSON.parse(data.toString("utf8")));
  else if (type === "stdin") running.get(id)?.stdin.write(Buffer.from(data));
  else if (type === "end") running.get(id)?.stdin.end();
  else if (type === "kill") running.get(id)?.kill(SIGNALS.find((signal) => signal === data.toString("utf8")));
});

function end(): void {
  for (const child of running.values()) child.kill("SIGKILL");
  process.exit(0);
}

// Ctrl-C in the terminal reaches this process too; the owner decides when to end, by closing our stdin.
process.on("SIGINT", () => {});
process.stdin.on("data", (chunk: Buffer) => reader.push(chunk));
process.stdin.on("end", end);
process.stdin.on("error", end);
process.stdout.on("error", end);
writeFrame(process.stdout, { type: "ready", id: 0, data: Buffer.alloc(0) });
