/** Every way to log in that a real sshd has, as this user and (as root) as a throw-away one with a password. */

import { execFileSync, spawn } from "node:child_process";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeAccount, noAccounts } from "./account.ts";
import { attempt, configFor } from "./session.ts";
import { makeKey, type Sshd, startSshd } from "./sshd.ts";

const GOOD = "authenticate ok";
const DENIED = "authenticate denied";

/** An ssh-agent of the test's own, with keys in it. */
async function startAgent(sshd: Sshd, ...keys: string[]): Promise<string> {
  const socket = `${sshd.folder}/agent`;
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => void agent.kill());
  await new Promise((resolve) => agent.stdout.once("data", resolve)); // it says where it listens
  const environment = { ...process.env, SSH_AUTH_SOCK: socket };
  for (const key of keys) execFileSync("ssh-add", ["-q", key], { env: environment, stdio: "ignore" });
  return socket;
}

describe("with a key file", () => {
  test.each([
    ["ed25519", []],
    ["ecdsa", []],
    ["ecdsa", ["-b", "521"]],
    ["rsa", []],
    ["ecdsa", ["-m", "PEM"]],
    ["rsa", ["-m", "PEM"]],
    ["ecdsa", ["-m", "PKCS8"]],
    ["rsa", ["-m", "PKCS8"]],
  ] as const)("of type %s %j", async (type, format) => {
    await using sshd = await startSshd();
    const key = makeKey(`${sshd.folder}/key`, type, ...format);
    sshd.authorize(`${key}.pub`);
    const { steps, questions } = await attempt(configFor(sshd, { identities: [key] }));
    expect(steps.at(-1)).toBe(GOOD);
    expect(questions).toEqual([]);
  });

  test.each([
    ["ed25519", []],
    ["rsa", ["-m", "PEM"]],
    ["ecdsa", ["-m", "PKCS8"]],
  ] as const)("that has a passphrase, %s %j: asked for once, and again where it was wrong", async (type, format) => {
    await using sshd = await startSshd();
    const key = makeKey(`${sshd.folder}/key`, type, ...format, "-N", "open sesame");
    sshd.authorize(`${key}.pub`);
    const config = configFor(sshd, { identities: [key] });
    const once = await attempt(config, ["open sesame"]);
    expect(once.steps.at(-1)).toBe(GOOD);
    expect(once.questions).toEqual([
      { kind: "passphrase", target: "test", text: expect.stringContaining(key), echo: false },
    ]);
    const again = await attempt(config, ["wrong", "open sesame"]);
    expect(again.steps.at(-1)).toBe(GOOD);
    // Without its public half beside it, too.
    rmSync(`${key}.pub`);
    expect((await attempt(config, ["open sesame"])).steps.at(-1)).toBe(GOOD);
    const never = await attempt(config, ["wrong", "wrong", "wrong", "open sesame"]);
    expect(never.steps.at(-1)).toBe(DENIED);
    expect(never.questions).toHaveLength(3);
    expect(JSON.stringify(never.fault)).not.toContain("sesame");
  });

  test("that the server does not know: its passphrase is not asked for", async () => {
    await using sshd = await startSshd();
    const useless = makeKey(`${sshd.folder}/useless`, "ed25519", "-N", "secret");
    const { steps, questions } = await attempt(configFor(sshd, { identities: [useless, sshd.userKey] }));
    expect(steps.at(-1)).toBe(GOOD);
    expect(questions).toEqual([]);
  });

  test("that others can read: refused with the chmod that mends it", async () => {
    await using sshd = await startSshd();
    const { userKey } = sshd;
    chmodSync(userKey, 0o640);
    const refused = await attempt(configFor(sshd));
    expect(refused.steps.at(-1)).toBe(DENIED);
    expect(refused.fault?.message).toContain(`chmod 600 '${userKey}'`);
    chmodSync(userKey, 0o600);
    expect((await attempt(configFor(sshd))).steps.at(-1)).toBe(GOOD);
  });

  test("that is none, or is missing: told, and the next one is tried", async () => {
    await using sshd = await startSshd();
    writeFileSync(`${sshd.folder}/junk`, "no key\n", { mode: 0o600 });
    const junk = [`${sshd.folder}/junk`, `${sshd.folder}/missing`];
    expect((await attempt(configFor(sshd, { identities: [...junk, sshd.userKey] }))).steps.at(-1)).toBe(GOOD);
    const { fault } = await attempt(configFor(sshd, { identities: junk }));
    expect(fault?.message).toContain("junk is no private key");
    expect(fault?.message).not.toContain("missing (");
  });
});

describe("with an agent", () => {
  test("that holds the key, also where the file needs a passphrase", async () => {
    await using sshd = await startSshd();
    const locked = makeKey(`${sshd.folder}/locked`, "rsa");
    sshd.authorize(`${locked}.pub`);
    const agent = await startAgent(sshd, locked);
    execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", "secret", "-f", locked]);
    const { steps, questions } = await attempt(configFor(sshd, { identities: [locked], agent }));
    expect(steps.at(-1)).toBe(GOOD);
    expect(questions).toEqual([]);
  });

  test("that is full of others' keys: the one that is meant comes first", async () => {
    await using sshd = await startSshd({ config: ["MaxAuthTries 2"] });
    const others = ["a", "b", "c"].map((name) => makeKey(`${sshd.folder}/${name}`, "ed25519"));
    const agent = await startAgent(sshd, ...others, sshd.userKey);
    const config = configFor(sshd, { identities: [sshd.userKey], agent });
    expect((await attempt(config)).steps.at(-1)).toBe(GOOD);
    // Without a file to say which one is meant, the server has enough before its turn comes.
    const { fault } = await attempt({ ...config, identities: [] });
    expect(fault).toMatchObject({
      code: "denied",
      message: expect.stringContaining("Too many authentication failures"),
    });
    expect(fault?.fix).toContain("--identity");
  });

  test("of which only the configured keys are wanted", async () => {
    await using sshd = await startSshd();
    const other = makeKey(`${sshd.folder}/other`, "ed25519");
    const agent = await startAgent(sshd, sshd.userKey);
    const config = configFor(sshd, { identities: [other], agent });
    expect((await attempt(config)).steps.at(-1)).toBe(GOOD);
    expect((await attempt({ ...config, identitiesOnly: true })).steps.at(-1)).toBe(DENIED);
  });

  test("that is not there: told, and the files are tried", async () => {
    await using sshd = await startSshd();
    const config = configFor(sshd, { agent: `${sshd.folder}/no-agent` });
    expect((await attempt(config)).steps.at(-1)).toBe(GOOD);
    const { fault } = await attempt({ ...config, identities: [] });
    expect(fault?.message).toContain("no-agent can't be reached");
  });
});

test("a key without its passphrase, and nobody to ask: the fault says what the server takes and what was tried", async () => {
  await using sshd = await startSshd();
  const other = makeKey(`${sshd.folder}/other`, "ed25519");
  const { fault, steps } = await attempt(configFor(sshd, { identities: [other] }));
  expect(steps.at(-1)).toBe(DENIED);
  expect(fault?.message).toContain("It takes publickey.");
  expect(fault?.message).toContain(`${other} (not accepted)`);
  expect(fault?.fix).toContain("ssh-copy-id");
});

describe(`with a password${noAccounts ? ` (skipped: ${noAccounts})` : ""}`, { skip: noAccounts !== undefined }, () => {
  const withPassword = ["PasswordAuthentication yes"];
  const interactive = ["KbdInteractiveAuthentication yes"];

  test.each([
    ["by the method password", withPassword],
    ["by keyboard-interactive through PAM", interactive],
    ["where both are there", [...withPassword, ...interactive]],
  ])("%s: asked for, and again where it was wrong", async (_name, config) => {
    await using sshd = await startSshd({ config });
    using account = makeAccount();
    const to = configFor(sshd, { user: account.name, identities: [] });
    const once = await attempt(to, [account.password]);
    expect(once.steps.at(-1)).toBe(GOOD);
    expect(once.questions).toEqual([
      { kind: "password", target: "test", text: expect.stringMatching(/password/i), echo: false },
    ]);
    const twice = await attempt(to, ["wrong", account.password]);
    expect(twice.steps.at(-1)).toBe(GOOD);
    expect(twice.questions[1]).toMatchObject({ text: expect.stringContaining("not right") });
  });

  test("three wrong ones are enough, and none of them is in the fault", async () => {
    await using sshd = await startSshd({ config: [...withPassword, ...interactive] });
    using account = makeAccount();
    const to = configFor(sshd, { user: account.name, identities: [] });
    const { fault, questions } = await attempt(to, ["hunter1", "hunter2", "hunter3", account.password]);
    expect(fault).toMatchObject({ code: "denied", message: expect.stringContaining("(3 times)") });
    expect(questions).toHaveLength(3);
    expect(JSON.stringify(fault)).not.toContain("hunter");
  });

  test("nobody to ask is no failed login on the server", async () => {
    await using sshd = await startSshd({ config: [...withPassword, ...interactive] });
    using account = makeAccount();
    const { fault } = await attempt(configFor(sshd, { user: account.name, identities: [] }));
    expect(fault).toMatchObject({ code: "denied", fix: expect.stringContaining("password") });
    expect(sshd.log()).not.toContain("Failed password");
    expect(sshd.log()).not.toContain("Failed keyboard-interactive");
  });

  test.each([
    ["a key and then a password", "publickey,password", 1],
    ["a password and then a key", "password,publickey", 1],
    ["a key and then keyboard-interactive", "publickey,keyboard-interactive", 1],
  ])("%s, where both are asked for", async (_name, methods, questions) => {
    await using sshd = await startSshd({
      config: [...withPassword, ...interactive, `AuthenticationMethods ${methods}`],
    });
    using account = makeAccount();
    const to = configFor(sshd, { user: account.name });
    const both = await attempt(to, [account.password]);
    expect(both.steps.at(-1)).toBe(GOOD);
    expect(both.questions).toHaveLength(questions);
    const agent = await startAgent(sshd, sshd.userKey);
    expect((await attempt({ ...to, identities: [], agent }, [account.password])).steps.at(-1)).toBe(GOOD);
    expect((await attempt({ ...to, identities: [] }, [account.password])).steps.at(-1)).toBe(DENIED);
  });

  test("a user who is not this one logs in with a key", async () => {
    await using sshd = await startSshd();
    using account = makeAccount();
    expect((await attempt(configFor(sshd, { user: account.name }))).steps.at(-1)).toBe(GOOD);
  });
});
