import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Ask, HostKeyChecker, type HostKeyPolicy } from "../../../main/target/ssh/host-key.ts";
import { ok } from "../../../preload/contract/result.ts";
import type { Question } from "../../../preload/contract/target.ts";

const ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIOB9ulxGAe8bspDCYbvWESmt0jvrKXZv/GJUqHZ0axHd";
const OTHER = "AAAAC3NzaC1lZDI1NTE5AAAAILLB/pmNzeZNJlVMSEsfQ5JvHpA/HmPFGWstF+IYJjnX";
const ED25519_PRINT = "SHA256:J3rCq1jwBQ1YvExbmVAJ8rZhd8IW06o5/bTHONKl1Xs";
const OTHER_PRINT = "SHA256:wrbwtzQHnzOyWLnSN+1XoixeQu9Kshve5NpxCvkPb4U";
const HASHED_OTHER_HOST = `|1|mkBemSjSDJlR7D8M4u5Da9Vt918=|bpLfbuYPmhao6dPDK4c1DOHEwuc= ssh-ed25519 ${OTHER}\n`;

let home = "";
let file = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hoplab-host-key-"));
  file = join(home, ".ssh", "known_hosts");
});
afterEach(() => rmSync(home, { recursive: true }));

const nobody: Ask = async () => undefined;

async function check(policy: Partial<HostKeyPolicy>, ask: Ask = nobody, key = ED25519) {
  const checker = await HostKeyChecker.open({
    host: "vm",
    port: 2222,
    knownHostsFiles: [file],
    newHostKey: "ask",
    hashKnownHosts: false,
    ...policy,
  });
  if (!checker.ok) return checker;
  const checked = await checker.value.check(Buffer.from(key, "base64"), "lab", ask);
  return checked.ok ? ok({ detail: checked.value.detail, kept: await checked.value.keep?.() }) : checked;
}

test("an unknown key is asked for with its fingerprint, kept after a yes, and not asked for again", async () => {
  const asked: Question[] = [];
  const yes: Ask = async (question) => {
    asked.push(question);
    return "yes";
  };
  expect(await check({}, yes)).toMatchObject({ ok: true });
  expect(asked).toEqual([
    { kind: "host-key", target: "lab", host: "[vm]:2222", keyType: "ssh-ed25519", fingerprint: ED25519_PRINT },
  ]);
  expect(readFileSync(file, "utf8")).toBe(`[vm]:2222 ssh-ed25519 ${ED25519}\n`);
  expect(await check({}, nobody)).toMatchObject({ ok: true, value: { detail: expect.stringContaining(`${file}:1`) } });
});

test.skipIf(process.platform === "win32")("the new folder and file are their owner's alone", async () => {
  await check({ newHostKey: "accept" });
  expect(statSync(join(home, ".ssh")).mode & 0o777).toBe(0o700);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("without a yes nothing is kept, and the fault says how to go on", async () => {
  for (const answer of [undefined, "no", ""]) {
    const refused = await check({}, async () => answer);
    expect(refused).toMatchObject({ ok: false, fault: { code: "denied" } });
    if (!refused.ok) expect(refused.fault.message + refused.fault.fix).toMatch(/SHA256:.*--accept-new-host-key/s);
  }
  expect(() => statSync(file)).toThrow();
});

test("an unknown key is refused without a question where StrictHostKeyChecking is yes", async () => {
  const refused = await check({ newHostKey: "refuse" }, () => Promise.reject(new Error("asked")));
  expect(refused).toMatchObject({ ok: false, fault: { code: "denied" } });
});

test("a changed key is refused with both fingerprints, the old one's place and the command that forgets it", async () => {
  await check({ newHostKey: "accept" });
  const refused = await check({ newHostKey: "accept" }, async () => "yes", OTHER);
  expect(refused).toMatchObject({ ok: false, fault: { code: "denied" } });
  if (refused.ok) return;
  expect(refused.fault.message).toContain(ED25519_PRINT);
  expect(refused.fault.message).toContain(OTHER_PRINT);
  expect(refused.fault.message).toContain(`${file}:1`);
  expect(refused.fault.fix).toContain(`ssh-keygen -R '[vm]:2222' -f '${file}'`);
  expect(readFileSync(file, "utf8")).not.toContain(OTHER);
});

test("a line is hashed where the file hides its names, and put on a line of its own", async () => {
  await check({ newHostKey: "accept" });
  writeFileSync(file, HASHED_OTHER_HOST.trimEnd());
  await check({ newHostKey: "accept" });
  const text = readFileSync(file, "utf8");
  expect(text.split("\n")).toHaveLength(3);
  expect(text).not.toContain("vm");
  expect(await check({})).toMatchObject({ ok: true });
});

test("a key that can't be kept is accepted all the same, and it is said", async () => {
  writeFileSync(join(home, "file"), "");
  const accepted = await check({ knownHostsFiles: [join(home, "file", "known_hosts")], newHostKey: "accept" });
  expect(accepted).toMatchObject({ ok: true, value: { kept: expect.stringContaining("not kept") } });
});

test("the server is asked first for the type of key that the host is known by", async () => {
  const ecdsa =
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKp20w9PolkmbnQ4inGiZFue7op8oSQFYqefFx/tr7POsf4sjFxDkWBMVGHomSQlA5ioWHopq4pjTSWZZarn4Rs=";
  await check({ newHostKey: "accept" }, nobody, ecdsa);
  const policy = { port: 2222, knownHostsFiles: [file], newHostKey: "ask", hashKnownHosts: false } as const;
  const first = async (host: string) => {
    const checker = await HostKeyChecker.open({ ...policy, host });
    return checker.ok && checker.value.algorithms[0];
  };
  expect(await first("vm")).toBe("ecdsa-sha2-nistp256");
  expect(await first("other")).toBe("ssh-ed25519");
});
