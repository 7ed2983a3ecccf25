/**
 * `npm run check`: everything that can be said about the sources without a kernel or a browser, in under a minute.
 * With HOPLAB_REPORTS=DIR it also leaves its results there, for scripts/sum-results.ts.
 */

import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

interface Task {
  name: string;
  argv: readonly string[];
}

interface Outcome extends Task {
  code: number;
  seconds: number;
  output: string;
}

const UNIT_TESTS = "unit tests";
const reports = process.env.HOPLAB_REPORTS;
const unitReport = reports
  ? ["--reporter=default", "--reporter=json", `--outputFile.json=${join(reports, "unit.json")}`]
  : [];

/** The slowest first, so that the others fit beside it. Each argv begins with a program of node_modules/.bin. */
const TASKS: readonly Task[] = [
  { name: UNIT_TESTS, argv: ["vitest", "run", ...unitReport] },
  { name: "types of main, scripts and tests", argv: ["tsc", "-p", "tsconfig.node.json"] },
  { name: "types of the page", argv: ["tsc", "-p", "tsconfig.web.json"] },
  { name: "types of the pure folders (no node, no DOM)", argv: ["tsc", "-p", "tsconfig.pure.json"] },
  { name: "types of the preload and the end-to-end tests", argv: ["tsc", "-p", "tsconfig.preload.json"] },
  { name: "lint (oxlint, with types)", argv: ["oxlint", "--type-aware", "--deny-warnings"] },
  { name: "format and lint (biome)", argv: ["biome", "check", "--error-on-warnings"] },
  { name: "imports between folders", argv: ["tsx", "scripts/imports.ts"] },
  { name: "dead code (knip)", argv: ["knip", "--no-progress"] },
  { name: "docs/faithfulness.md is current", argv: ["tsx", "scripts/faithfulness.ts", "--check"] },
  { name: "labs/lab.schema.json is current", argv: ["tsx", "scripts/schema.ts", "--check"] },
];

function run({ name, argv }: Task): Promise<Outcome> {
  const [program = "", ...args] = argv;
  const began = performance.now();
  return new Promise((resolve) => {
    const output: string[] = [];
    const child = spawn(join("node_modules", ".bin", program), args, {
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    });
    child.stdout.on("data", (data: Buffer) => output.push(data.toString()));
    child.stderr.on("data", (data: Buffer) => output.push(data.toString()));
    const end = (code: number) => {
      const seconds = (performance.now() - began) / 1000;
      resolve({ name, argv, code, seconds, output: output.join("").trim() });
    };
    child.on("error", (error) => {
      output.push(error.message);
      end(1);
    });
    child.on("close", (code) => end(code ?? 1));
  });
}

async function runAll(tasks: readonly Task[], atOnce: number): Promise<Outcome[]> {
  const waiting = [...tasks];
  const outcomes: Outcome[] = [];
  const work = async () => {
    for (let task = waiting.shift(); task; task = waiting.shift()) {
      const outcome = await run(task);
      console.log(
        `${outcome.code === 0 ? "ok    " : "FAILED"}  ${outcome.seconds.toFixed(1).padStart(5)} s  ${outcome.name}`,
      );
      outcomes.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return outcomes;
}

const outcomes = await runAll(TASKS, Math.max(2, availableParallelism()));
const failed = outcomes.filter(({ code }) => code !== 0);
for (const { name, argv, output } of failed) {
  console.log(`\n──── ${name} failed: npx ${argv.join(" ")}\n${output}`);
}
if (reports) {
  // The unit tests are counted one by one; of the rest only what failed.
  const lines = outcomes.flatMap(({ name, code }) => {
    if (name === UNIT_TESTS) return `report\tunit.json\t${code}\n`;
    return code === 0 ? [] : `failed\tcheck: ${name}\n`;
  });
  appendFileSync(join(reports, "steps.tsv"), lines.join(""));
}
console.log(
  failed.length === 0
    ? `\nAll ${outcomes.length} checks passed.`
    : `\n${failed.length} of ${outcomes.length} checks failed: ${failed.map(({ name }) => name).join("; ")}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
