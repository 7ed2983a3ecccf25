import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Capture } from "../../preload/contract/calls.ts";
import type { Question, TargetStep } from "../../preload/contract/target.ts";
import { BackendClient } from "../netns/backend-client.ts";
import { finish, newTraces, type Traces, traces, until, Workplace } from "../netns/hoplab.ts";
import { findShell, makeAccount, noAccounts } from "./account.ts";
import { TcpProxy } from "./proxy.ts";
import { makeKey, type Sshd, startSshd } from "./sshd.ts";

let one: string;
let count = 0;
let sshd: Sshd;
let before: Traces;

beforeAll(async () => {
  sshd = await startSshd();
  // What connecting writes down goes there, and not into the known hosts of whoever runs the tests.
  process.env.HOME = join(sshd.folder, "home");
  execFileSync("mkdir", ["-p", process.env.HOME]);
});

afterAll(() => sshd[Symbol.asyncDispose]());

beforeEach(() => {
  before = traces();
  one = `test-${process.pid}-ssh-${count++}`;
});

afterEach(async () => {
  await using client = await BackendClient.start();
  await client.ask("lab.down", { sandbox: one });
});

async function nothingIsLeft(seconds = 10): Promise<void> {
  await until(
    () => newTraces(before).filter((trace) => !/ sshd|sftp-server/.test(trace)),
    (left) => left.length === 0,
    seconds,
  );
}

/** A backend with the sshd, or what stands before it, as the target `box`. Disposing takes its lab down. */
async function withTarget(
  port: number,
  { user = sshd.user, identity = sshd.userKey, privilege = "auto" as const, ...more }: WithTarget = {},
): Promise<BackendClient & { answers: string[]; questions: Question[] }> {
  const questions: Question[] = [];
  const answers = more.answers ?? [];
  const client = await BackendClient.start({ acceptNewHostKey: true });
  client.onQuestion((question) => {
    questions.push(question);
    return answers.shift();
  });
  const address = `ssh://${user}@127.0.0.1:${port}`;
  await client.call("target.add", { kind: "ssh", name: "box", address, identity, privilege: more.choice ?? privilege });
  return Object.assign(client, { answers, questions });
}

interface WithTarget {
  user?: string;
  identity?: string;
  privilege?: "auto";
  choice?: "auto" | "root" | "sudo" | "rootless";
  answers?: string[];
}

const traffic = { from: "h1", to: "h2" };

async function captureOf(client: BackendClient, id: string): Promise<Capture | undefined> {
  return (await client.call("capture.list", {})).find((capture) => capture.id === id);
}

/** Up, a ping, down. */
async function passesOneLab(client: BackendClient): Promise<void> {
  await client.call("lab.up", { lab: "bridge-arp", name: one, target: "box" });
  const sent = await client.call("traffic.send", { sandbox: one, target: "box", traffic });
  expect(sent).toMatchObject({ sent: 1, received: 1 });
  const journey = await client.call("journey.open", { capture: sent.capture, journey: sent.journeys[0] ?? -1 });
  expect(journey).toMatchObject({ end: "arrived", lastSeen: "h2/eth0" });
  await client.call("lab.down", { sandbox: one, target: "box" });
}

test("the command line builds a lab over SSH, sends, enters it, and leaves nothing there", async () => {
  using place = new Workplace();
  const home = join(sshd.folder, "home-new");
  execFileSync("mkdir", ["-p", home]);
  const hoplab = (...args: string[]) => finish(place.start({ HOME: home }, ...args));
  const address = `ssh://${sshd.user}@127.0.0.1:${sshd.port}`;
  expect((await hoplab("target", "add", "box", address, "--identity", sshd.userKey)).code).toBe(0);

  const unknown = await hoplab("up", "bridge-arp", "--name", one, "--target", "box");
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain("SHA256:");
  expect(unknown.stderr).toContain("--accept-new-host-key");

  const up = await hoplab("up", "bridge-arp", "--name", one, "--target", "box", "--accept-new-host-key");
  expect(up.stdout).toContain(`${one} is up`);
  expect(readFileSync(join(home, ".ssh/known_hosts"), "utf8")).toMatch(/ssh-ed25519|ecdsa|rsa/);
  const tested = await hoplab("target", "test", "box");
  const passed = tested.stdout.split("\n").flatMap((line) => /^ok +(\S+)/.exec(line)?.[1] ?? []);
  const steps = ["resolve", "connect", "host-key", "authenticate", "shell", "privileges", "programs"];
  expect(passed.slice(0, 7)).toEqual(steps);
  const sent = await hoplab("send", one, "--from", "h1", "--to", "h2", "--target", "box", "--json");
  expect(JSON.parse(sent.stdout)).toMatchObject({ sent: 1, received: 1 });
  const ran = await hoplab("exec", "--target", "box", one, "h1", "--", "sh", "-c", "echo 'a  b'; exit 7");
  expect(ran).toEqual({ code: 7, stdout: "a  b\n", stderr: "" });
  expect((await hoplab("down", one, "--target", "box")).code).toBe(0);
  await nothingIsLeft();
});

test("a changed host key is refused, whatever was accepted before", async () => {
  using place = new Workplace();
  const home = join(sshd.folder, "home-changed");
  execFileSync("mkdir", ["-p", join(home, ".ssh")]);
  const other = makeKey(join(home, "other"), "ed25519");
  writeFileSync(join(home, ".ssh/known_hosts"), `[127.0.0.1]:${sshd.port} ${readFileSync(`${other}.pub`, "utf8")}`);
  const hoplab = (...args: string[]) => finish(place.start({ HOME: home }, ...args));
  await hoplab("target", "add", "box", `ssh://${sshd.user}@127.0.0.1:${sshd.port}`, "--identity", sshd.userKey);
  const ran = await hoplab("ps", "--target", "box", "--accept-new-host-key");
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain("ssh-keygen -R");
  expect(ran.stderr.match(/SHA256:/g)).toHaveLength(2);
});

test("one session of one connection is enough, also to capture on 100 interfaces", async () => {
  await using narrow = await startSshd({ config: ["MaxSessions 1"], hostKeys: sshd.hostKeys });
  await using client = await withTarget(narrow.port, { identity: narrow.userKey });
  const lab = join(narrow.folder, "lab.yaml");
  writeFileSync(lab, manyHosts(50));
  await client.call("lab.up", { lab, name: one, target: "box" });
  const topology = await client.call("sandbox.topology", { sandbox: one, target: "box" });
  const interfaces = topology.namespaces.flatMap(({ name, interfaces: list }) =>
    list.map((item) => `${name}/${item.name}`),
  );
  expect(interfaces.length).toBeGreaterThan(100);
  const capture = await client.call("capture.start", { sandbox: one, target: "box", interfaces });
  expect(capture.interfaces).toHaveLength(interfaces.length);
  const sent = await client.call("traffic.send", { sandbox: one, target: "box", traffic });
  expect(sent).toMatchObject({ sent: 1, received: 1, capture: capture.id });
  await client.call("lab.down", { sandbox: one, target: "box" });
  await client.call("target.disconnect", { target: "box" });
  await nothingIsLeft();
});

/** So many hosts on one bridge. */
function manyHosts(count: number): string {
  const hosts = Array.from({ length: count }, (_, index) => index + 1);
  return [
    "id: many-hosts",
    "title: { en: Many hosts }",
    "namespaces:",
    "  - name: switch",
    `    bridges: [{ name: br0, ports: [${hosts.map((n) => `port${n}`).join(", ")}] }]`,
    ...hosts.map((n) => `  - { name: h${n}, interfaces: [{ name: eth0, addresses: [10.0.0.${n}/24] }] }`),
    "links:",
    ...hosts.map((n) => `  - [h${n}/eth0, switch/port${n}]`),
    "",
  ].join("\n");
}

test("a lab outlives an sshd that is killed; the capture goes on when it is back", async () => {
  const first = await startSshd({ hostKeys: sshd.hostKeys });
  await using client = await withTarget(first.port, { identity: first.userKey });
  await client.call("lab.up", { lab: "bridge-arp", name: one, target: "box" });
  const sent = await client.call("traffic.send", { sandbox: one, target: "box", traffic });
  await first.kill();
  const lost = await until(
    () => client.target("box"),
    (target) => target?.state === "lost",
    12,
  );
  expect(lost?.fault?.code).toBe("gone");
  const port = first.port;
  await using second = await startSshd({ hostKeys: first.hostKeys, port });
  second.authorize(`${first.userKey}.pub`);
  const resumed = await until(
    () => captureOf(client, sent.capture),
    (capture) => capture?.gaps[0]?.to !== undefined,
    40,
  );
  expect(resumed?.running).toBe(true);
  const again = await client.call("traffic.send", { sandbox: one, target: "box", traffic });
  expect(again).toMatchObject({ capture: sent.capture, received: 1 });
  await client.call("lab.down", { sandbox: one, target: "box" });
  await client.call("target.disconnect", { target: "box" });
  await nothingIsLeft();
  await first[Symbol.asyncDispose]();
});

test("an sshd that is restarted keeps its connections, and nothing is lost", async () => {
  await using restarted = await startSshd({ hostKeys: sshd.hostKeys });
  await using client = await withTarget(restarted.port, { identity: restarted.userKey });
  await client.call("lab.up", { lab: "bridge-arp", name: one, target: "box" });
  const { id } = await client.call("capture.start", { sandbox: one, target: "box" });
  await restarted.stopListening();
  const sent = await client.call("traffic.send", { sandbox: one, target: "box", traffic });
  expect(sent).toMatchObject({ capture: id, received: 1 });
  expect((await captureOf(client, id))?.gaps).toEqual([]);
  await client.call("lab.down", { sandbox: one, target: "box" });
});

test("a network that goes silent is noticed within 10 s, and what ran over it ends by itself over there", async () => {
  await using proxy = await TcpProxy.start({ port: sshd.port });
  await using client = await withTarget(proxy.port);
  await client.call("lab.up", { lab: "bridge-arp", name: one, target: "box" });
  const { id } = await client.call("capture.start", { sandbox: one, target: "box" });
  const tcpdumps = () => newTraces(before).filter((trace) => trace.includes("tcpdump"));
  expect(tcpdumps()).not.toEqual([]);
  proxy.freeze();
  await until(
    () => client.target("box"),
    (target) => target?.state === "lost" || target?.state === "connecting",
    15,
  );
  // Nobody told the machine that we are gone: it finds out by itself. The lab stays.
  await until(tcpdumps, (left) => left.length === 0, 30);
  proxy.thaw();
  const resumed = await until(
    () => captureOf(client, id),
    (capture) => capture?.gaps[0]?.to !== undefined,
    40,
  );
  expect(resumed?.running).toBe(true);
  await client.call("lab.down", { sandbox: one, target: "box" });
  await client.call("target.disconnect", { target: "box" });
  await nothingIsLeft();
});

test("kill -9 of the command line leaves the lab whole and nothing of a capture over there", async () => {
  using place = new Workplace();
  const home = join(sshd.folder, "home-killed");
  execFileSync("mkdir", ["-p", home]);
  const start = (...args: string[]) => place.start({ HOME: home }, ...args, "--accept-new-host-key");
  const address = `ssh://${sshd.user}@127.0.0.1:${sshd.port}`;
  await finish(start("target", "add", "box", address, "--identity", sshd.userKey));
  await finish(start("up", "bridge-arp", "--name", one, "--target", "box"));
  const capturing = start("capture", one, "-w", join(place.folder, "x.pcapng"), "--target", "box");
  const tcpdumps = () => newTraces(before).filter((trace) => trace.includes("tcpdump"));
  await until(tcpdumps, (found) => found.length >= 14);
  capturing.kill("SIGKILL");
  await until(tcpdumps, (left) => left.length === 0);
  expect((await finish(start("ps", "--target", "box"))).stdout).toContain(one);
  await finish(start("down", one, "--target", "box"));
  await nothingIsLeft();
});

test("a machine with 200 ms round trip takes no more than a few of them", async () => {
  await using proxy = await TcpProxy.start({ port: sshd.port, delayMs: 100 });
  await using client = await withTarget(proxy.port);
  await passesOneLab(client);
});

/** Goes into a title, so that a skipped test says why. */
const unless = (why: string | undefined) => (why ? ` (skipped: ${why})` : "");

test.skipIf(noAccounts)(`a user without privileges builds rootless labs${unless(noAccounts)}`, async () => {
  using account = makeAccount();
  sshd.authorize(`${sshd.userKey}.pub`);
  await using client = await withTarget(sshd.port, { user: account.name });
  await passesOneLab(client);
  expect((await client.target("box"))?.runsAs).toBe("rootless");
});

test("ssh itself is a command that leads to a target", async () => {
  await using client = await BackendClient.start();
  const knownHosts = join(sshd.folder, "known_hosts-command");
  writeFileSync(knownHosts, sshd.knownHosts());
  const options = ["-F", "none", "-o", `UserKnownHostsFile=${knownHosts}`, "-o", "BatchMode=yes"];
  const command = ["ssh", ...options, "-i", sshd.userKey, "-p", String(sshd.port), `${sshd.user}@127.0.0.1`];
  await client.call("target.add", { kind: "command", name: "box", command });
  await passesOneLab(client);
  await client.call("target.disconnect", { target: "box" });
  await nothingIsLeft();
});

describe.skipIf(noAccounts)(`a login shell${unless(noAccounts)}`, () => {
  // scripts/test installs them.
  test.for(["fish", "tcsh", "bash"])("%s that prints noise is no matter", async (shell) => {
    const path = findShell(shell);
    if (!path) throw new Error(`${shell} is not installed`);
    using account = makeAccount(path);
    const noise = "echo Welcome; echo 3 updates can be applied\n";
    execFileSync("mkdir", ["-p", join(account.home, ".config/fish")]);
    for (const file of [".bashrc", ".tcshrc", ".config/fish/config.fish"])
      writeFileSync(join(account.home, file), noise);
    await using client = await withTarget(sshd.port, { user: account.name });
    const test = await client.call("target.test", { target: "box" });
    expect(test.ok).toBe(true);
    await passesOneLab(client);
  });

  test("that lets nobody in is a fault that says what it printed", async () => {
    using account = makeAccount("/usr/sbin/nologin");
    await using client = await withTarget(sshd.port, { user: account.name });
    const steps: TargetStep[] = (await client.call("target.test", { target: "box" })).steps;
    const [failed] = steps.filter((step) => step.state === "failed");
    expect(failed?.step).toBe("shell");
    expect(failed?.detail).toContain("not available");
  });
});

const noSudo = noAccounts ?? (spawnSync("sudo", ["-V"]).status === 0 ? undefined : "sudo is not installed");

describe.skipIf(noSudo)(`sudo${unless(noSudo)}`, () => {
  /** Rules for the user's time, in a file of their own. */
  function allow(name: string, ...rules: string[]): Disposable {
    const file = `/etc/sudoers.d/${name}`;
    writeFileSync(file, `${rules.join("\n")}\n`, { mode: 0o440 });
    execFileSync("visudo", ["-cqf", file]);
    return { [Symbol.dispose]: () => rmSync(file) };
  }

  test("that asks for nothing makes labs root's", async () => {
    using account = makeAccount();
    using _rules = allow(account.name, `${account.name} ALL=(ALL) NOPASSWD: ALL`);
    await using client = await withTarget(sshd.port, { user: account.name });
    await passesOneLab(client);
    expect(await client.target("box")).toMatchObject({ runsAs: "sudo" });
    await client.call("target.disconnect", { target: "box" });
    await nothingIsLeft();
  });

  test("with a password asks once, and not again when the connection was lost", async () => {
    using account = makeAccount();
    using _rules = allow(account.name, `${account.name} ALL=(ALL) ALL`);
    await using proxy = await TcpProxy.start({ port: sshd.port });
    const more = { user: account.name, choice: "sudo" as const, answers: ["wrong", account.password] };
    await using client = await withTarget(proxy.port, more);
    await client.call("lab.up", { lab: "bridge-arp", name: one, target: "box" });
    expect(client.questions.map(({ kind }) => kind)).toEqual(["sudo-password", "sudo-password"]);
    proxy.cut();
    await until(
      () => client.heard("targets.changed").some((list) => list.some(({ state }) => state === "lost")),
      Boolean,
      12,
    );
    await until(
      () => client.target("box"),
      (target) => target?.state === "connected",
      30,
    );
    expect(client.questions).toHaveLength(2);
    await client.call("lab.down", { sandbox: one, target: "box" });
  });

  test("that wants a terminal is a fault that says how to mend it", async () => {
    using account = makeAccount();
    using _rules = allow(
      account.name,
      `Defaults:${account.name} requiretty`,
      `${account.name} ALL=(ALL) NOPASSWD: ALL`,
    );
    await using client = await withTarget(sshd.port, {
      user: account.name,
      choice: "sudo",
      answers: [account.password],
    });
    const asked = await client.ask("target.connect", { target: "box" });
    expect(asked).toMatchObject({ ok: false, fault: { code: "denied" } });
    if (!asked.ok) expect(asked.fault.fix).toContain("requiretty");
  });

  test("that does not know the user is a fault, and a rootless lab is built instead where nothing was chosen", async () => {
    using account = makeAccount();
    await using client = await withTarget(sshd.port, {
      user: account.name,
      choice: "sudo",
      answers: [account.password],
    });
    const asked = await client.ask("target.connect", { target: "box" });
    expect(asked).toMatchObject({ ok: false, fault: { code: "denied" } });
  });
});

/** Runs what follows where a mount hides or changes something of the machine, for this target alone. */
async function behind(mounts: string): Promise<BackendClient> {
  const client = await BackendClient.start();
  const command = ["unshare", "--mount", "sh", "-c", `${mounts} && exec "$0" "$@"`];
  await client.call("target.add", { kind: "command", name: "box", command });
  return client;
}

const noMounts = process.getuid?.() === 0 ? undefined : "only root may mount over what the machine has";

describe.skipIf(noMounts)(`a machine${unless(noMounts)}`, () => {
  test("without tcpdump is told apart before anything is built", async () => {
    const path = execFileSync("sh", ["-c", "command -v tcpdump"], { encoding: "utf8" }).trim();
    await using client = await behind(`mount --bind /dev/null '${path}'`);
    const up = await client.ask("lab.up", { lab: "bridge-arp", name: one, target: "box" });
    expect(up).toMatchObject({ ok: false, fault: { code: "missing" } });
    if (!up.ok) expect(up.fault.fix).toContain("apt-get install tcpdump");
    await client.call("target.disconnect", { target: "box" });
    await nothingIsLeft();
  });

  test("whose disk is full hosts labs as well: nothing is written there", async () => {
    const full = ["/tmp", "/var/tmp", "/var/lib"].map((at) => `mount -t tmpfs -o size=4k none ${at}`).join(" && ");
    await using client = await behind(`${full} && { head -c 9999 /dev/zero > /tmp/full 2>/dev/null; true; }`);
    await passesOneLab(client);
  });

  test("without perl is a fault that says what to install", async () => {
    await using client = await behind("mount --bind /dev/null /usr/bin/perl");
    const asked = await client.ask("target.connect", { target: "box" });
    expect(asked).toMatchObject({ ok: false });
    if (!asked.ok) expect(`${asked.fault.message} ${asked.fault.fix}`).toContain("perl");
    expect(existsSync("/usr/bin/perl")).toBe(true);
  });
});
