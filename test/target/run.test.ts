import { expect, test } from "vitest";
import { LocalTarget } from "../../main/target/local-target.ts";
import { run } from "../../main/target/run.ts";

const target = new LocalTarget();

test("a command that succeeds answers with its output", async () => {
  expect(await run(target, ["sh", "-c", "cat; echo err >&2"], { input: "in" })).toEqual({
    ok: true,
    value: { stdout: "in", stderr: "err\n", exitCode: 0 },
  });
});

test("a command that fails tells argv, exit code and stderr", async () => {
  const failed = await run(target, ["sh", "-c", "echo 'no such route' >&2; exit 3"]);
  expect(failed).toMatchObject({
    ok: false,
    fault: {
      code: "command-failed",
      command: { exitCode: 3, stderr: "no such route", argv: ["sh", "-c", expect.any(String)] },
    },
  });
  if (!failed.ok) expect(failed.fault.message).toContain("no such route");
});

test("an exit code that is a result is no failure, but a missing program still is", async () => {
  const one = await run(target, ["sh", "-c", "echo out; exit 1"], { exitCodes: [0, 1] });
  expect(one).toMatchObject({ ok: true, value: { stdout: "out\n", exitCode: 1 } });
  expect((await run(target, ["sh", "-c", "exit 2"], { exitCodes: [0, 1] })).ok).toBe(false);
  expect((await run(target, ["hoplab-no-such-program"], { exitCodes: "any" })).ok).toBe(false);
});

test("a program that is not installed is missing, not failed", async () => {
  const failed = await run(target, ["hoplab-no-such-program"]);
  expect(failed).toMatchObject({ ok: false, fault: { code: "missing" } });
});

test("arguments with spaces, quotes and dollars arrive as they are", async () => {
  const odd = `a b'c"d$(e)\`f\`\\g`;
  expect(await run(target, ["printf", "%s", odd])).toMatchObject({ ok: true, value: { stdout: odd } });
});

test("a command with a NUL byte in an argument is a fault and no crash", async () => {
  expect((await run(target, ["printf", "a\0b"])).ok).toBe(false);
});

test("a cancelled command is ended", async () => {
  const controller = new AbortController();
  const running = run(target, ["sleep", "60"], { signal: controller.signal });
  controller.abort();
  expect(await running).toMatchObject({ ok: false, fault: { code: "cancelled" } });
});

test("a command that never reads its input does not hang", async () => {
  expect((await run(target, ["true"], { input: "x".repeat(1 << 20) })).ok).toBe(true);
});
