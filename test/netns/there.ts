/**
 * Where kernel tests build their labs: on this machine, or on the one that the environment names. The tests in the
 * embedded VM set that (test/vm/in-vm.ts).
 */

import { execFileSync } from "node:child_process";

/** The argv of an ssh that gets in there as root; undefined on this machine. */
const SSH: readonly string[] | undefined = process.env.HOPLAB_TEST_SSH
  ? JSON.parse(process.env.HOPLAB_TEST_SSH)
  : undefined;

export const isRootThere = SSH ? true : process.getuid?.() === 0;

/** The argv that runs a program there. */
export function argvThere(argv: readonly string[]): string[] {
  return SSH ? [...SSH, argv.map(quote).join(" ")] : [...argv];
}

/** Runs a shell script there; answers with what it printed. */
export function scriptThere(script: string): string {
  const [program = "", ...rest] = argvThere(["sh", "-c", script]);
  return execFileSync(program, rest, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
