import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { commandWay, type Way } from "../../main/target/connect.ts";
import { LocalTarget } from "../../main/target/local-target.ts";
import { Secrets } from "../../main/target/secrets.ts";
import { TargetFile } from "../../main/target/target-file.ts";
import { Targets } from "../../main/target/targets.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Question, TargetSummary } from "../../preload/contract/target.ts";

let folder: string;
let targets: Targets;
let told: TargetSummary[][];
/** What the way to the target is; each test may put another there. */
let way: (signal: AbortSignal | undefined) => Promise<Result<Way>>;
let opened: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hoplab-targets-"));
  told = [];
  opened = 0;
  way = async () => ok(commandWay(["env"]));
  targets = new Targets({
    file: new TargetFile(folder),
    local: ok(new LocalTarget()),
    openWay: async (_spec, { signal }) => {
      opened += 1;
      return way(signal);
    },
    vmAddress: async () => "",
    onChange: (list) => told.push(list),
  });
  await targets.add({ kind: "command", name: "box", command: ["env"], privilege: "auto" });
});

afterEach(async () => {
  await targets[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function state(): Promise<TargetSummary | undefined> {
  const listed = await targets.list();
  return listed.ok ? listed.value.find(({ name }) => name === "box") : undefined;
}

test("two that need a target at once share one connection", async () => {
  const [one, two] = await Promise.all([targets.use("box"), targets.use("box")]);
  expect(one.ok && two.ok && one.value === two.value).toBe(true);
  expect(opened).toBe(1);
  expect(await state()).toMatchObject({ state: "connected", kernel: expect.stringMatching(/^Linux /) });
});

test("one who gives up waiting does not end the connection for the others", async () => {
  const impatient = new AbortController();
  const [one, two] = [targets.use("box", { signal: impatient.signal }), targets.use("box")];
  impatient.abort();
  expect(await one).toMatchObject({ ok: false, fault: { code: "cancelled" } });
  expect((await two).ok).toBe(true);
});

test("who connects a target can cancel that, and it is as before", async () => {
  const controller = new AbortController();
  way = (signal) =>
    new Promise((resolve) => {
      const end = () => resolve(fail("cancelled", "the way was cut off"));
      if (signal?.aborted) end();
      signal?.addEventListener("abort", end);
    });
  const connecting = targets.connect("box", { signal: controller.signal });
  controller.abort();
  expect(await connecting).toMatchObject({ ok: false, fault: { code: "cancelled" } });
  expect((await state())?.state).toBe("idle");
});

test("a target that can't be connected says why, and is tried again when it is needed again", async () => {
  way = async () => fail("denied", "the key is not known there");
  expect(await targets.use("box")).toMatchObject({ ok: false, fault: { code: "denied" } });
  expect(await state()).toMatchObject({ state: "failed", fault: { message: "the key is not known there" } });
  way = async () => ok(commandWay(["env"]));
  expect((await targets.use("box")).ok).toBe(true);
  expect(await state()).not.toHaveProperty("fault");
});

test("a target that was removed while it was connected is gone from the list", async () => {
  await targets.use("box");
  expect(await targets.remove("box")).toEqual(ok(null));
  expect(await targets.use("box")).toMatchObject({ ok: false, fault: { code: "not-found" } });
  await vi.waitFor(() => expect(told.at(-1)?.map(({ name }) => name)).toEqual(["local", "vm"]));
});

test("a password is asked for once; one that proves wrong is asked for again", async () => {
  const secrets = new Secrets();
  const question: Question = { kind: "password", target: "box", text: "password", echo: false };
  const answers = ["first", "second"];
  const person = async () => answers.shift();
  expect(await secrets.askFor(person)(question)).toBe("first");
  const again = secrets.askFor(person);
  expect(await again(question)).toBe("first");
  expect(await again(question)).toBe("second");
  expect(await secrets.askFor(undefined)(question)).toBe("second");
  secrets.forget("box");
  expect(await secrets.askFor(undefined)(question)).toBeUndefined();
});

test("a host key is never answered from memory", async () => {
  const secrets = new Secrets();
  const question: Question = {
    kind: "host-key",
    target: "box",
    host: "h",
    keyType: "ssh-ed25519",
    fingerprint: "SHA256:x",
  };
  expect(await secrets.askFor(async () => "yes")(question)).toBe("yes");
  expect(await secrets.askFor(undefined)(question)).toBeUndefined();
});
