/** That no failed and no skipped test is lost on the way to the last line of scripts/test. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { printSum, sumPlaywright, sumSteps, sumVitest } from "../../scripts/sum-results.ts";

const vitest = (status: string, ...tests: string[]) => ({
  name: "a.test.ts",
  status,
  message: "cannot find module\n at …",
  assertionResults: tests.map((status, index) => ({ fullName: `test ${index}`, status })),
});

test("passed, failed and skipped tests of vitest are counted by their own words", () => {
  const report = {
    testResults: [vitest("failed", "passed", "failed", "skipped", "pending", "todo"), vitest("passed", "passed")],
  };
  expect(sumVitest(report)).toEqual({
    passed: 2,
    failed: ["test 1"],
    skipped: ["test 2", "test 3", "test 4"],
    again: [],
  });
});

test("a failed test says in one line why, without colours and stack", () => {
  const message =
    "Error: waited 60 s in vain;\n  last seen: \u001b[31m3\u001b[39m\n    at until (hoplab.ts:138)\n    at …";
  const failed = { fullName: "it ends", status: "failed", failureMessages: [message] };
  const file = { name: "a.test.ts", status: "failed", assertionResults: [failed] };
  expect(sumVitest({ testResults: [file] }).failed).toEqual(["it ends: Error: waited 60 s in vain; last seen: 3"]);
  const one = { projectName: "ssh", status: "unexpected", annotations: [], results: [{}, { error: { message } }] };
  const suite = { title: "a.spec.ts", specs: [{ title: "ends", tests: [one] }] };
  expect(sumPlaywright({ suites: [suite], errors: [] }).failed).toEqual([
    "[ssh] ends: Error: waited 60 s in vain; last seen: 3",
  ]);
  failed.failureMessages = ["x".repeat(10_000)];
  expect(sumVitest({ testResults: [file] }).failed[0]?.length).toBeLessThan(700);
});

test("a test that passed at its second try only is named, with why it did not at its first", () => {
  const twice = { fullName: "it ends", status: "passed", failureMessages: ["Error: stuck\n    at …"] };
  const once = { fullName: "it begins", status: "passed", failureMessages: [] };
  const sum = sumVitest({ testResults: [{ name: "a", status: "passed", assertionResults: [twice, once] }] });
  expect(sum).toEqual({ passed: 2, failed: [], skipped: [], again: ["it ends: Error: stuck"] });
  expect(printSum(sum)).toBe("passed at the second try only: it ends: Error: stuck\n2 passed, 0 failed, 0 skipped");
});

test("a test file that could not be loaded, or whose hook failed, is a failure", () => {
  expect(sumVitest({ testResults: [vitest("failed")] }).failed).toEqual(["a.test.ts: cannot find module"]);
  expect(sumVitest({ testResults: [vitest("failed", "passed", "skipped")] }).failed).toHaveLength(1);
});

test("tests of Playwright are counted in nested suites, with the reasons of skips; a flaky one has failed", () => {
  const spec = (title: string, status: string, annotations: object[] = []) => ({
    title,
    tests: [{ projectName: "electron", status, annotations }],
  });
  const report = {
    errors: [{ message: "the worker ended\n at …" }],
    suites: [
      {
        title: "a.spec.ts",
        specs: [spec("opens", "expected"), spec("sends", "unexpected")],
        suites: [
          {
            title: "inner",
            specs: [
              spec("plays", "flaky"),
              spec("wraps", "skipped", [{ type: "skip", description: "this kernel has no vxlan" }]),
            ],
          },
        ],
      },
    ],
  };
  expect(sumPlaywright(report)).toEqual({
    passed: 1,
    failed: ["[electron] sends", "[electron] plays (failed, then passed)", "the worker ended"],
    skipped: ["[electron] wraps: this kernel has no vxlan"],
    again: [],
  });
});

test("a missing or broken report is a failure, and steps are told by name", async () => {
  const dir = await mkdtemp(join(tmpdir(), "hoplab-sum-"));
  await writeFile(join(dir, "unit.json"), JSON.stringify({ testResults: [vitest("passed", "passed")] }));
  await writeFile(join(dir, "kernel-root.json"), "{");
  const steps =
    "report\tunit.json\t0\nreport\tkernel-root.json\t1\nreport\te2e.json\t1\nfailed\tnpm run check\nskipped\tas root: no sudo\n";
  const sum = sumSteps(steps, dir);
  await rm(dir, { recursive: true });
  expect(sum.passed).toBe(1);
  expect(sum.failed).toHaveLength(3);
  expect(sum.skipped).toEqual(["as root: no sudo"]);
  expect(printSum(sum).split("\n").at(-1)).toBe("1 passed, 3 failed, 1 skipped");
});

test("a runner that ends badly though no test failed is a failure, and one with failed tests is not counted twice", async () => {
  const dir = await mkdtemp(join(tmpdir(), "hoplab-sum-"));
  await writeFile(join(dir, "unit.json"), JSON.stringify({ testResults: [vitest("passed", "passed")] }));
  await writeFile(join(dir, "kernel.json"), JSON.stringify({ testResults: [vitest("failed", "failed")] }));
  const sum = sumSteps("report\tunit.json\t1\nreport\tkernel.json\t1\n", dir);
  await rm(dir, { recursive: true });
  expect(sum).toEqual({
    passed: 1,
    failed: ["unit.json: its runner ended with 1", "kernel.json: test 0"],
    skipped: [],
    again: [],
  });
});
