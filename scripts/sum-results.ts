/**
 * Sums what the test runners reported: names each skipped test with its reason, each that passed at its second try only and
 * each failed one, and prints the last line of scripts/test. Reads DIR/*.json of vitest and Playwright, and DIR/steps.tsv: a step that failed, or was skipped
 * with its reason, in each line. Exits 1 where anything failed or a report is missing.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import * as z from "zod";

export interface Sum {
  passed: number;
  failed: string[];
  skipped: string[];
  /** Passed at the second try only, and why not at the first. */
  again: string[];
}

const MOST_WHY = 600;

const vitestReport = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(""),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

const playwrightTest = z.object({
  projectName: z.string(),
  status: z.enum(["expected", "unexpected", "flaky", "skipped"]),
  annotations: z.array(z.object({ type: z.string(), description: z.string().optional() })),
  results: z.array(z.object({ error: z.object({ message: z.string().optional() }).optional() })).default([]),
});
const playwrightSuite = z.object({
  title: z.string(),
  specs: z.array(z.object({ title: z.string(), tests: z.array(playwrightTest) })).default([]),
  get suites() {
    return z.array(playwrightSuite).default([]);
  },
});
const playwrightReport = z.object({
  suites: z.array(playwrightSuite),
  errors: z.array(z.object({ message: z.string().default("an error outside of any test") })),
});

/** Of a failure's message what fits into the last lines of a long log, which may be all that is kept of it. */
function why(message: string | undefined): string {
  const plain = stripVTControlCharacters(message ?? "").split(/\n\s+at /)[0];
  const words = plain?.trim().replaceAll(/\s+/g, " ") ?? "";
  return words && `: ${words.length > MOST_WHY ? `${words.slice(0, MOST_WHY)} …` : words}`;
}

export function sumVitest(report: unknown): Sum {
  const sum: Sum = { passed: 0, failed: [], skipped: [], again: [] };
  for (const { name, status, message, assertionResults } of vitestReport.parse(report).testResults) {
    for (const test of assertionResults) {
      if (test.status === "passed") {
        sum.passed++;
        const [first] = test.failureMessages ?? [];
        if (first !== undefined) sum.again.push(`${test.fullName}${why(first)}`);
      } else if (test.status === "failed") sum.failed.push(`${test.fullName}${why(test.failureMessages?.[0])}`);
      else sum.skipped.push(test.fullName);
    }
    // A file that could not be loaded has no tests, or a hook failed and they all passed or were skipped.
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) {
      sum.failed.push(`${name}: ${message.split("\n")[0]}`);
    }
  }
  return sum;
}

export function sumPlaywright(report: unknown): Sum {
  const sum: Sum = { passed: 0, failed: [], skipped: [], again: [] };
  const { suites, errors } = playwrightReport.parse(report);
  for (const { title, projectName, status, annotations, results } of suites.flatMap(testsOf)) {
    const name = `[${projectName}] ${title}`;
    if (status === "expected") sum.passed++;
    else if (status === "skipped") {
      const reasons = annotations.flatMap(({ type, description }) => (type === "skip" ? (description ?? []) : []));
      sum.skipped.push(`${name}: ${reasons.join("; ") || "no reason given"}`);
    } else {
      const reason = why(results.map(({ error }) => error?.message).find((message) => message !== undefined));
      sum.failed.push(`${status === "flaky" ? `${name} (failed, then passed)` : name}${reason}`);
    }
  }
  sum.failed.push(...errors.map(({ message }) => message.split("\n")[0] ?? ""));
  return sum;
}

type PlaywrightSuite = z.infer<typeof playwrightSuite>;

function testsOf({ specs, suites }: PlaywrightSuite): (z.infer<typeof playwrightTest> & { title: string })[] {
  const own = specs.flatMap(({ title, tests }) => tests.map((test) => ({ ...test, title })));
  return [...own, ...suites.flatMap(testsOf)];
}

/** A report that is missing or that cannot be read counts as one failure: its runner did not get to its end. */
export function sumFile(path: string, read: (report: unknown) => Sum): Sum {
  try {
    return read(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return { passed: 0, failed: [`${path} could not be read: ${reason}`], skipped: [], again: [] };
  }
}

/** Lines `failed<TAB>NAME`, `skipped<TAB>NAME: reason`, or `report<TAB>FILE<TAB>exit code of its runner`. */
export function sumSteps(text: string, dir: string): Sum {
  const sum: Sum = { passed: 0, failed: [], skipped: [], again: [] };
  for (const line of text.split("\n").filter(Boolean)) {
    const [kind = "", what = "", code = ""] = line.split("\t");
    if (kind === "failed") sum.failed.push(what);
    else if (kind === "skipped") sum.skipped.push(what);
    else if (kind === "report") {
      const own = sumFile(join(dir, what), what.startsWith("e2e") ? sumPlaywright : sumVitest);
      sum.passed += own.passed;
      sum.failed.push(...own.failed.map((name) => `${what}: ${name}`));
      sum.skipped.push(...own.skipped.map((name) => `${what}: ${name}`));
      sum.again.push(...own.again.map((name) => `${what}: ${name}`));
      // An error outside of any test, for instance.
      if (code !== "0" && own.failed.length === 0)
        sum.failed.push(`${what}: its runner ended with ${code || "no code"}`);
    }
  }
  return sum;
}

export function printSum({ passed, failed, skipped, again }: Sum): string {
  return [
    ...skipped.map((name) => `skipped: ${name}`),
    ...again.map((name) => `passed at the second try only: ${name}`),
    ...failed.map((name) => `failed: ${name}`),
    `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , dir = "."] = process.argv;
  const steps = join(dir, "steps.tsv");
  const sum = existsSync(steps)
    ? sumSteps(readFileSync(steps, "utf8"), dir)
    : { passed: 0, failed: [`${steps} is missing`], skipped: [], again: [] };
  console.log(printSum(sum));
  process.exitCode = sum.failed.length > 0 ? 1 : 0;
}
