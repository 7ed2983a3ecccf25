/** Joins this terminal with a program in a lab: one that is started here, or one that a hub starts elsewhere. */

import { spawn } from "node:child_process";
import type { Result } from "../../preload/contract/result.ts";
import type { OpenSandbox } from "../sandbox/open-sandbox.ts";
import type { Process } from "../target/target.ts";

/** Runs it here with this terminal as its own. Its fd 3 closes when Hoplab ends. Answers with its exit code. */
export function runHere(argv: readonly string[]): Promise<number> {
  const [program = "", ...rest] = argv;
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => {}); // they are the command's to answer
  const child = spawn(program, rest, { stdio: ["inherit", "inherit", "inherit", "pipe"], cwd: "/" });
  return new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("exit", (code, signal) => resolve(signal ? 128 : (code ?? 1)));
  });
}

/**
 * Runs it in the lab's namespace, wherever that is, and passes on what is typed and printed. On a terminal it gets one
 * of its own there, made by script(1), in the size of this one. Answers with its exit code.
 */
export async function runThere(sandbox: OpenSandbox, netns: string, argv: readonly string[]): Promise<Result<number>> {
  const { stdin, stdout } = process;
  const isTerminal = stdin.isTTY && stdout.isTTY;
  const started = await sandbox.stream(netns, isTerminal ? inTerminal(argv, stdout) : argv, { files: true });
  if (!started.ok) return started;
  const program = started.value;
  program.stdin.on("error", () => {});
  stdin.pipe(program.stdin);
  program.stdout.pipe(stdout, { end: false });
  program.stderr.pipe(process.stderr, { end: false });
  if (isTerminal) stdin.setRawMode(true);
  else passSignals(program);
  const exit = await program.exited;
  if (isTerminal) stdin.setRawMode(false);
  stdin.unpipe(program.stdin);
  stdin.destroy();
  if (exit.lost) return { ok: false, fault: exit.lost };
  return { ok: true, value: exit.code ?? 128 };
}

function passSignals(program: Process): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => program.kill(signal));
}

function inTerminal(argv: readonly string[], { rows, columns }: { rows: number; columns: number }): string[] {
  const command = `stty rows ${rows} cols ${columns}; exec ${argv.map(quote).join(" ")}`;
  return ["env", `TERM=${process.env.TERM ?? "dumb"}`, "script", "-qefc", command, "/dev/null"];
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
