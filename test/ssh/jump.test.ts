/** Through jump hosts, each with its own key and host key check. */

import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TcpProxy } from "./proxy.ts";
import { attempt, configFor, connected, runOver } from "./session.ts";
import { freePort, type Sshd, startSshd } from "./sshd.ts";

/** To `to` through the others, as a user would who knows all of them. */
function through(to: Sshd, ...by: Sshd[]) {
  return { ...configFor(to), jump: by.map((sshd) => configFor(sshd)) };
}

test("through two of them, each asked for its own key", async () => {
  await using first = await startSshd();
  await using second = await startSshd();
  await using last = await startSshd();
  await using connection = await connected(through(last, first, second));
  expect(await runOver(connection, "cat", "hello")).toMatchObject({ code: 0, stdout: "hello" });
  // The last one was reached from the second one, and that from the first.
  for (const sshd of [first, second, last]) expect(sshd.log()).toContain("Accepted publickey");
});

test("each host tells its steps, and is asked for its key by its own name", async () => {
  await using first = await startSshd();
  await using last = await startSshd();
  const config = through(last, first);
  for (const { knownHostsFiles } of [config, ...config.jump]) writeFileSync(knownHostsFiles[0] ?? "", "");
  const { steps, questions } = await attempt(config, ["yes", "yes"]);
  expect(steps).toEqual([
    "resolve ok",
    "connect ok",
    "host-key ok",
    "authenticate ok",
    "connect ok",
    "host-key ok",
    "authenticate ok",
  ]);
  expect(questions).toMatchObject([{ host: `[127.0.0.1]:${first.port}` }, { host: `[127.0.0.1]:${last.port}` }]);
});

test("a changed key of a jump host stops there, before the target is spoken to", async () => {
  await using first = await startSshd();
  await using last = await startSshd();
  const config = through(last, first);
  writeFileSync(
    config.jump[0]?.knownHostsFiles[0] ?? "",
    last.knownHosts().replaceAll(`:${last.port}`, `:${first.port}`),
  );
  const { steps, fault } = await attempt(config, ["yes"]);
  expect(steps).toEqual(["resolve ok", "connect ok", "host-key denied"]);
  expect(fault?.message).toContain(`[127.0.0.1]:${first.port} has changed`);
  // One was the fixture's own, to see whether it is up.
  expect(last.log().match(/Connection from/g)).toHaveLength(1);
});

test("a target that the jump host can't reach, or may not, is told as that", async () => {
  await using first = await startSshd();
  await using closed = await startSshd({ config: ["AllowTcpForwarding no"] });
  await using last = await startSshd();
  const port = await freePort();
  const refused = await attempt({ ...through(last, first), port });
  expect(refused.steps.at(-1)).toBe("connect gone");
  expect(refused.fault?.message).toContain(`127.0.0.1:${first.port} can't reach 127.0.0.1:${port}`);
  const forbidden = await attempt(through(last, closed));
  expect(forbidden.steps.at(-1)).toBe("connect gone");
  expect(forbidden.fault?.fix).toContain("AllowTcpForwarding");
});

test("the loss of a jump host, or of the target behind it, is the loss of the connection", async () => {
  for (const which of [0, 1]) {
    await using first = await startSshd();
    await using last = await startSshd();
    await using connection = await connected(through(last, first));
    const running = connection.exec("cat");
    await [first, last][which]?.kill();
    const fault = await connection.lost;
    // It depends on what was under way; silence would be found later only.
    expect(fault.message).toMatch(/is gone: (the server closed the connection|the connection was reset)$/);
    expect(await running.exited).toMatchObject({ code: null });
  }
});

test("silence beyond a jump host is heard", async () => {
  await using first = await startSshd();
  await using last = await startSshd();
  await using proxy = await TcpProxy.start({ port: last.port });
  await using connection = await connected({ ...through(last, first), port: proxy.port, newHostKey: "accept" });
  proxy.freeze();
  expect((await connection.lost).message).toContain(`127.0.0.1:${proxy.port}`);
});
