/** What the SSH tests share: a configuration for an sshd of theirs, a person who answers, and the steps that were told. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { connectSsh, type SshConnection } from "../../main/target/ssh/connect.ts";
import type { SshConfig } from "../../main/target/ssh/resolve.ts";
import type { Exit } from "../../main/target/target.ts";
import type { Fault } from "../../preload/contract/result.ts";
import type { ConnectionStep, Question } from "../../preload/contract/target.ts";
import type { Sshd } from "./sshd.ts";

/** Its key gets in, its host keys are known, and nothing of this machine's user is read. */
export function configFor(sshd: Sshd, change: Partial<SshConfig> = {}): SshConfig {
  const knownHosts = join(sshd.folder, "known_hosts");
  writeFileSync(knownHosts, sshd.knownHosts());
  return {
    target: "test",
    host: "127.0.0.1",
    port: sshd.port,
    user: sshd.user,
    identities: [sshd.userKey],
    identitiesOnly: false,
    agent: undefined,
    connectTimeoutMs: 10_000,
    knownHostsFiles: [knownHosts],
    newHostKey: "ask",
    hashKnownHosts: false,
    jump: [],
    ...change,
  };
}

/** Connects, or throws with the fault. */
export async function connected(config: SshConfig): Promise<SshConnection> {
  const connection = await connectSsh(config);
  if (!connection.ok) throw new Error(`${connection.fault.message} ${connection.fault.fix ?? ""}`);
  return connection.value;
}

export interface Attempt {
  fault: Fault | undefined;
  /** `step ok` or `step code`, in order. */
  steps: string[];
  details: string[];
  questions: Question[];
}

/** Tries to connect with a person who answers in turn, and then no more; lets a connection go again. */
export async function attempt(config: SshConfig, answers: readonly string[] = []): Promise<Attempt> {
  const steps: ConnectionStep[] = [];
  const questions: Question[] = [];
  const connection = await connectSsh(config, {
    ask: async (question) => {
      questions.push(question);
      return answers[questions.length - 1];
    },
    onStep: (step) => steps.push(step),
  });
  if (connection.ok) await connection.value[Symbol.asyncDispose]();
  return {
    fault: connection.ok ? undefined : connection.fault,
    steps: steps.map(({ step, fault }) => `${step} ${fault?.code ?? "ok"}`),
    details: steps.map(({ detail }) => detail),
    questions,
  };
}

export interface Ran extends Exit {
  stdout: string;
  stderr: string;
}

export async function runOver(connection: SshConnection, command: string, input = ""): Promise<Ran> {
  const process = connection.exec(command);
  process.stdin.end(input);
  const [stdout, stderr, exit] = await Promise.all([text(process.stdout), text(process.stderr), process.exited]);
  return { ...exit, stdout, stderr };
}

/** The first bytes that a program prints. */
export async function firstOutput(stream: Readable): Promise<string> {
  return new Promise((resolve) => stream.once("data", (bytes: Buffer) => resolve(bytes.toString())));
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
