import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { createBackend } from "../../main/rpc/lab-backend.ts";
import type { Events } from "../../preload/contract/calls.ts";
import type { TargetSpec } from "../../preload/contract/target.ts";
import { newTraces, type Traces, traces, until, Workplace } from "./hoplab.ts";

const place = new Workplace();
const one = `${place.prefix}one`;
const folder = mkdtempSync(join(tmpdir(), "hoplab-way-"));
let before: Traces;

beforeEach(() => {
  before = traces();
});

afterEach(async () => {
  await place.downAll();
  await place.hoplab("target", "remove", "way");
});

afterAll(() => {
  place[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

const hasSudo = spawnSync("sudo", ["-n", "true"]).status === 0;
const isRoot = process.getuid?.() === 0;

/** A command that speaks before it runs its arguments, as the start-up files of a login shell do. */
function noisy(): string {
  const file = join(folder, "noisy");
  writeFileSync(file, '#!/bin/sh\necho "Welcome to the lab!"; echo "3 updates can be applied" >&2\nexec "$@"\n');
  chmodSync(file, 0o755);
  return file;
}

/** Goes into the title, so that a skipped test says why. */
const unless = (holds: boolean, why: string) => (holds ? "" : ` (skipped: ${why})`);

test.for<[command: string, note: string]>([
  ["sh -c", ""],
  ["unshare --uts --ipc", unless(isRoot, "only root may make these without a user namespace")],
  ["sudo -n", unless(hasSudo, "sudo asks for a password, or is not there")],
  ["env LANG=zh_CN.UTF-8 setsid --wait", ""],
  [noisy(), ""],
])("a lab runs wherever `%s` leads, and leaves nothing there%s", async ([command, note], { skip }) => {
  if (note) skip();
  await place.json("target", "add", "way", "--command", command);
  const tested = await place.json("target", "test", "way");
  expect(tested.ok).toBe(true);
  expect(tested.steps.map((step: { step: string }) => step.step)).toEqual([
    "shell",
    "privileges",
    "programs",
    "kernel",
  ]);

  const up = await place.json("up", "bridge-arp", "--name", one, "--target", "way");
  expect(up).toMatchObject({ name: one, target: "way" });
  expect((await place.json("ps", "--target", "way")).map(({ name }: { name: string }) => name)).toContain(one);
  const sent = await place.json("send", one, "--from", "h1", "--to", "h2", "--target", "way");
  expect(sent).toMatchObject({ sent: 1, received: 1 });
  expect(sent.journeys.map((journey: { end: string }) => journey.end)).toEqual(["arrived", "arrived"]);

  const ran = await place.hoplab(
    "exec",
    "--target",
    "way",
    one,
    "h1",
    "--",
    "sh",
    "-c",
    'cat; echo "a  b" >&2; exit 5',
  );
  expect(ran).toEqual({ code: 5, stdout: "", stderr: "a  b\n" });
  const state = await place.json("state", one, "h1", "--target", "way");
  expect(state.parts[1].text).toContain("10.0.0.1/24");

  expect((await place.hoplab("down", one, "--target", "way")).code).toBe(0);
  await until(
    () => newTraces(before),
    (left) => left.length === 0,
  );
});

// Each run of it is a user namespace of its own, from which another one's labs can't be entered.
test("through `unshare -Ur` a lab is built, sent through and removed by one command", async () => {
  await place.json("target", "add", "way", "--command", "unshare -Ur");
  const sent = await place.json("send", "bridge-arp", "--from", "h1", "--to", "h2", "--target", "way");
  expect(sent).toMatchObject({ sent: 1, received: 1 });
  await until(
    () => newTraces(before),
    (left) => left.length === 0,
  );
});

test.each([
  ["hoplab-no-such-program", "missing"],
  ["false", "command-failed"],
  ["echo", "command-failed"],
])("a way through `%s` says why it leads nowhere", async (command, code) => {
  await place.json("target", "add", "way", "--command", command);
  const ran = await place.hoplab("up", "bridge-arp", "--target", "way", "--json");
  expect(ran.code).toBe(1);
  expect(JSON.parse(ran.stdout).fault).toMatchObject({ code });
  const tested = await place.hoplab("target", "test", "way", "--json");
  expect(tested.code).toBe(1);
  expect(JSON.parse(tested.stdout)).toMatchObject({ ok: false, steps: [{ step: "shell", state: "failed" }] });
});

// Whoever sudo does not know is asked for a password all the same.
test(`a question goes to the terminal where nobody listens who could answer it${unless(isRoot, "only root can be somebody that sudo does not know")}`, {
  skip: !isRoot,
}, async () => {
  const asked: string[] = [];
  await using backend = await createBackend({
    labsDir: folder,
    dataDir: join(place.folder, "terminal"),
    ask: async ({ kind }) => {
      asked.push(kind);
      return undefined;
    },
  });
  const command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const spec: TargetSpec = { kind: "command", name: "asks", command, privilege: "sudo" };
  const test = () =>
    backend.handlers["target.test"]({ spec }, { signal: AbortSignal.timeout(30_000), progress: () => {} });
  const questions: number[] = [];
  backend.subscribe(() => {}, { answers: false });
  await test();
  expect(asked).toEqual(["sudo-password"]);
  // A page takes it over.
  const leave = backend.subscribe((event, data) => {
    if (event === "questions.changed") questions.push((data as Events["questions.changed"]).length);
    if (questions.at(-1) === 1) leave();
  });
  await test();
  expect({ asked, questions }).toEqual({ asked: ["sudo-password"], questions: [1] });
});

test("targets are kept without doubles, under names that can be typed", async () => {
  await place.json("target", "add", "way", "--command", "sh -c");
  const again = await place.hoplab("target", "add", "way", "--command", "env", "--json");
  expect(JSON.parse(again.stdout).fault).toMatchObject({ code: "exists" });
  for (const name of ["local", "vm", "Upper", "with space", "quote'", "-a"]) {
    const ran = await place.hoplab("target", "add", "--command=env", "--", name);
    expect(ran.code, name).toBe(2);
  }
  expect((await place.json("target", "list")).map(({ name }: { name: string }) => name)).toEqual([
    "local",
    "vm",
    "way",
  ]);
  const absent = await place.hoplab("ps", "--target", "nowhere");
  expect(absent.code).toBe(2);
  expect(absent.stderr).toContain("There are local, vm, way");
});

test("a broken list of targets is named, and left as it is", async () => {
  using other = new Workplace();
  const file = join(other.folder, "data", "targets.json");
  await other.json("target", "add", "way", "--command", "sh -c");
  writeFileSync(file, '{"targets":[{"kind":"ssh"');
  const listed = await other.hoplab("target", "list");
  expect(listed.code).toBe(1);
  expect(listed.stderr).toContain("targets.json is broken");
  expect((await other.hoplab("labs")).code).toBe(0);
});
