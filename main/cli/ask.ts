/** Asks the person at the terminal what connecting a target needs to know. */

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import type { Question } from "../../preload/contract/target.ts";
import type { Ask } from "../target/secrets.ts";

/** Undefined where there is no terminal: a script must not hang on a question. */
export function terminalAsk(): Ask | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return (question, signal) => askHere(question, signal);
}

async function askHere(question: Question, signal: AbortSignal | undefined): Promise<string | undefined> {
  if (question.kind === "host-key") {
    const { host, keyType, fingerprint } = question;
    process.stderr.write(`The host key of ${host} is not known yet:\n  ${keyType} ${fingerprint}\n`);
    process.stderr.write("Compare it with what `ssh-keygen -lf` prints of the key in /etc/ssh on that host.\n");
    const answer = await readAnswer("Is it the right one? (yes/no) ", true, signal);
    return answer?.trim().toLowerCase() === "yes" ? "yes" : undefined;
  }
  return readAnswer(`${question.text.replace(/:?\s*$/, "")}: `, question.echo, signal);
}

/** What is typed up to the end of the line; nothing of it is shown without `echo`. Undefined at Ctrl-C and Ctrl-D. */
async function readAnswer(text: string, echo: boolean, signal: AbortSignal | undefined): Promise<string | undefined> {
  process.stderr.write(text);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: echo ? process.stderr : hidden, terminal: true });
  try {
    return await new Promise<string | undefined>((resolve) => {
      lines.on("line", resolve);
      lines.on("close", () => resolve(undefined));
      lines.on("SIGINT", () => resolve(undefined));
      signal?.addEventListener("abort", () => resolve(undefined), { once: true });
    });
  } finally {
    lines.close();
    process.stdin.pause();
    if (!echo) process.stderr.write("\n");
  }
}
