import { expect, test } from "vitest";
import { elevate } from "../../main/target/elevated-target.ts";
import { LocalTarget } from "../../main/target/local-target.ts";
import { run } from "../../main/target/run.ts";
import type { Target } from "../../main/target/target.ts";
import { until } from "./hoplab.ts";

// `env` stands for sudo: it runs the hub as whoever runs the test. What sudo itself does is asked of nobody here.
async function start(): Promise<Target> {
  const started = await elevate(new LocalTarget(), "sudo", ["env"]);
  if (!started.ok) throw new Error(started.fault.message);
  return started.value;
}

test("one hub runs many programs at once and keeps their streams apart", async () => {
  await using target = await start();
  const ran = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      run(target, ["sh", "-c", `cat; echo ${index}; exit ${index}`], { input: `in ${index} ` }),
    ),
  );
  for (const [index, one] of ran.entries()) {
    if (index === 0) expect(one).toEqual({ ok: true, value: { stdout: "in 0 0\n", stderr: "", exitCode: 0 } });
    else expect(one).toMatchObject({ ok: false, fault: { command: { exitCode: index } } });
  }
});

test("large output arrives whole", async () => {
  await using target = await start();
  const ran = await run(target, ["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"]);
  expect(ran.ok && ran.value.stdout.length).toBe(3_000_000);
});

test("a program is ended when it is killed, and when the target is let go", async () => {
  const target = await start();
  const killed = target.spawn(["sleep", "600"]);
  killed.kill("SIGTERM");
  expect(await killed.exited).toEqual({ code: null, signal: "SIGTERM" });
  const left = target.spawn(["sh", "-c", "echo $$; exec sleep 600"]);
  const pid = await new Promise<number>((resolve) =>
    left.stdout.once("data", (text: Buffer) => resolve(Number(String(text)))),
  );
  await target[Symbol.asyncDispose]();
  await until(
    () => isAlive(pid),
    (alive) => !alive,
  );
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a hub that can't start is a fault that says what to do", async () => {
  const missing = await elevate(new LocalTarget(), "pkexec", ["hoplab-no-such-program"]);
  expect(missing).toMatchObject({ ok: false, fault: { code: "missing" } });
  const denied = await elevate(new LocalTarget(), "sudo", ["false"]);
  expect(denied).toMatchObject({ ok: false, fault: { code: "denied" } });
});
