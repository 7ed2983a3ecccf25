/** Programs over a connection: their streams, their end, and the login shells and start-up files in between. */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findShell, makeAccount, noAccounts } from "./account.ts";
import { configFor, connected, firstOutput, runOver } from "./session.ts";
import { startSshd } from "./sshd.ts";

/** Of a state on a machine that may be busy. */
const POLL = { timeout: 20_000 };

test("a command has its own input, outputs and exit code", async () => {
  await using sshd = await startSshd();
  await using connection = await connected(configFor(sshd));
  expect(await runOver(connection, "cat; echo err >&2; exit 3", "in")).toEqual({
    code: 3,
    signal: null,
    stdout: "in",
    stderr: "err\n",
  });
  expect(await runOver(connection, "hoplab-no-such-program")).toMatchObject({ code: 127 });
  expect(await runOver(connection, "kill -9 $$")).toMatchObject({ code: null, signal: "SIGKILL" });
});

test("many commands run side by side, each with its own streams", async () => {
  await using sshd = await startSshd();
  await using connection = await connected(configFor(sshd));
  const ran = await Promise.all(
    Array.from({ length: 8 }, (_, index) => runOver(connection, `cat; exit ${index}`, `input ${index}`)),
  );
  expect(ran.map(({ code, stdout }) => `${code} ${stdout}`)).toEqual(
    Array.from({ length: 8 }, (_, index) => `${index} input ${index}`),
  );
});

test("a hundred megabytes arrive whole, both ways at once", async () => {
  await using sshd = await startSshd();
  await using connection = await connected(configFor(sshd));
  const size = 100_000_000;
  const process = connection.exec("cat");
  const block = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => (index * 7) % 256));
  const [sent, received] = [createHash("sha256"), createHash("sha256")];
  const writing = (async () => {
    for (let written = 0; written < size; written += block.length) {
      sent.update(block);
      if (!process.stdin.write(block)) await new Promise((resolve) => process.stdin.once("drain", resolve));
    }
    process.stdin.end();
  })();
  let arrived = 0;
  for await (const chunk of process.stdout) {
    received.update(chunk as Buffer);
    arrived += (chunk as Buffer).length;
  }
  await writing;
  expect(await process.exited).toEqual({ code: 0, signal: null });
  expect(arrived).toBe(size);
  expect(received.digest("hex")).toBe(sent.digest("hex"));
});

test("a program whose output nobody reads is made to wait, and so is who writes to one that does not read", async () => {
  await using sshd = await startSshd();
  await using connection = await connected(configFor(sshd));
  // It writes down how far it got, in blocks of 100 kB: it must stop long before its end, and go on when it is read.
  const file = `${sshd.folder}/progress`;
  const loud = connection.exec(
    `i=0; while [ $i -lt 400 ]; do head -c 100000 /dev/zero; i=$((i+1)); echo $i > ${file}; done`,
  );
  const progress = () => (existsSync(file) ? Number(readFileSync(file, "utf8")) : 0);
  await expect.poll(progress, POLL).toBeGreaterThan(20);
  // It has stopped when two looks see the same; had it gone on to its end, it would be at 400.
  let last = 0;
  const stands = () => {
    const before = last;
    last = progress();
    return last === before;
  };
  await expect.poll(stands, { interval: 1_000, timeout: 20_000 }).toBe(true);
  expect(progress()).toBeLessThan(200);
  let size = 0;
  for await (const chunk of loud.stdout) size += (chunk as Buffer).length;
  expect(size).toBe(40_000_000);
  expect(await loud.exited).toEqual({ code: 0, signal: null });
  expect(progress()).toBe(400);

  const deaf = connection.exec("sleep 600");
  let accepted = 0;
  const block = Buffer.alloc(100_000);
  for (; accepted < 40_000_000 && deaf.stdin.write(block); accepted += block.length);
  expect(deaf.stdin.writableNeedDrain).toBe(true);
  deaf.kill("SIGKILL");
  await deaf.exited;
});

test("an end of the input arrives, and a program that ends early does not mind what is still written to it", async () => {
  await using sshd = await startSshd();
  await using connection = await connected(configFor(sshd));
  expect(await runOver(connection, "wc -c", "x".repeat(1_000_000))).toMatchObject({ stdout: "1000000\n" });
  expect(await runOver(connection, "true", "x".repeat(10_000_000))).toMatchObject({ code: 0 });
});

test("an output that nobody reads does not keep a program from having exited", async () => {
  await using sshd = await startSshd();
  await using connection = await connected(configFor(sshd));
  const process = connection.exec("echo out; echo err >&2; exit 4");
  process.stdin.end();
  expect(await process.exited).toEqual({ code: 4, signal: null });
});

test("a program that is killed has exited, also where sshd gives it no signal: it then loses its input", async () => {
  await using sshd = await startSshd();
  await using connection = await connected(configFor(sshd));
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const process = connection.exec("echo $$; exec cat");
    const pid = (await firstOutput(process.stdout)).trim();
    process.kill(signal);
    await process.exited;
    await expect.poll(() => isRunning(pid), POLL).toBe(false);
  }
  const early = connection.exec("sleep 600");
  early.kill("SIGKILL"); // before its channel is open
  expect(await early.exited).toMatchObject({ code: null, signal: "SIGKILL" });
});

test("a session too many is refused with a reason, and the others go on", async () => {
  await using sshd = await startSshd({ config: ["MaxSessions 2"] });
  await using connection = await connected(configFor(sshd));
  const [first, second] = [connection.exec("cat"), connection.exec("cat")];
  second.stdin.write("x");
  await firstOutput(second.stdout);
  const third = await runOver(connection, "true");
  expect(third).toMatchObject({ code: 255, stderr: expect.stringContaining("MaxSessions") });
  first.stdin.end();
  expect(await first.exited).toMatchObject({ code: 0 });
  // sshd takes a moment to give the place free.
  await expect.poll(async () => (await runOver(connection, "echo again")).stdout, POLL).toBe("again\n");
  second.stdin.end();
});

test("after the connection was let go a command is lost, and nothing is left on the server", async () => {
  await using sshd = await startSshd();
  const connection = await connected(configFor(sshd));
  const running = connection.exec("echo $$; exec cat");
  const pid = (await firstOutput(running.stdout)).trim();
  await connection[Symbol.asyncDispose]();
  expect(await running.exited).toEqual({ code: null, signal: "SIGHUP" });
  expect(await connection.exec("true").exited).toEqual({ code: null, signal: "SIGHUP" });
  await expect.poll(() => isRunning(pid), POLL).toBe(false);
});

describe(`as a user with a shell${noAccounts ? ` (skipped: ${noAccounts})` : ""}`, {
  skip: noAccounts !== undefined,
}, () => {
  test("a signal reaches the program, which may clean up", async () => {
    await using sshd = await startSshd();
    using account = makeAccount();
    await using connection = await connected(configFor(sshd, { user: account.name }));
    const process = connection.exec("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done");
    await firstOutput(process.stdout);
    const rest: string[] = [];
    process.stdout.on("data", (text: Buffer) => rest.push(text.toString()));
    process.kill("SIGTERM");
    expect(await process.exited).toEqual({ code: 7, signal: null });
    expect(rest.join("")).toBe("bye\n");
    // Also after its input has ended, when ssh2 itself would not send one.
    const later = connection.exec("echo ready; exec sleep 600");
    later.stdin.end();
    await firstOutput(later.stdout);
    later.kill("SIGKILL");
    expect(await later.exited).toEqual({ code: null, signal: "SIGKILL" });
  });

  test("noise of a start-up file comes before the output: a marker tells them apart", async () => {
    await using sshd = await startSshd();
    using account = makeAccount();
    writeFileSync(`${account.home}/.bashrc`, "echo 'Welcome!'; echo oops >&2\n");
    await using connection = await connected(configFor(sshd, { user: account.name }));
    const ran = await runOver(connection, "echo MARKER; cat", "payload");
    expect(ran.stdout).toBe("Welcome!\nMARKER\npayload");
    expect(ran.stderr).toBe("oops\n");
  });

  test("an expired password stops every command, and says so", async () => {
    await using sshd = await startSshd();
    using account = makeAccount();
    execFileSync("chage", ["-d", "0", account.name]);
    await using connection = await connected(configFor(sshd, { user: account.name }));
    const ran = await runOver(connection, "echo never");
    expect(ran.stdout).not.toContain("never");
    expect(ran.stderr).toContain("Password change required");
    expect(ran.code).toBe(1);
  });

  test("an account without a shell runs nothing, and says so", async () => {
    await using sshd = await startSshd();
    using account = makeAccount("/usr/sbin/nologin");
    await using connection = await connected(configFor(sshd, { user: account.name }));
    expect(await runOver(connection, "true")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("not available"),
    });
  });

  // What all of them take alike: words, single quotes, `exec`. The rest is said to the program that it starts.
  const PORTABLE = "exec sh -c 'cat; echo \"$0 $((1+2))\" && exit 5'";

  test.each(["sh", "bash", "fish", "tcsh"])("a login shell %s runs one line that is written for all", async (name) => {
    const shell = findShell(name);
    if (!shell) throw new Error(`${name} is not installed (Debian: ${name})`);
    await using sshd = await startSshd();
    using account = makeAccount(shell);
    await using connection = await connected(configFor(sshd, { user: account.name }));
    expect(await runOver(connection, PORTABLE, "in ")).toMatchObject({ code: 5, stdout: "in sh 3\n" });
  });
});

function isRunning(pid: string): boolean {
  try {
    // A zombie has ended: in a container nobody may be there to bury it.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
