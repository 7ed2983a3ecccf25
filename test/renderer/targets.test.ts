import { describe, expect, it, vi } from "vitest";
import type { Hello } from "../../preload/contract/calls.ts";
import { splitCommand } from "../../preload/contract/command-line.ts";
import type { TargetSpec } from "../../preload/contract/target.ts";
import { createSession } from "../../renderer/state/session.ts";
import type { TargetMemory } from "../../renderer/state/target-session.ts";
import { currentTarget, stepRows, targetToShow, withStep } from "../../renderer/state/targets.ts";
import { checkDraft, emptyDraft, nameFromHost } from "../../renderer/targets/target-draft.ts";
import topology from "./flannel-vxlan.topology.json";
import { RecordedClient, type Recording } from "./recorded-client.ts";
import { CLOUD, FAILED_STEPS, HOST_KEY, LOCAL, LOST, SUDO, TEST_STEPS, VM, WSL } from "./recorded-targets.ts";
import { recordedTopology } from "./recorded-topology.ts";

async function open(recording: Partial<Recording> = {}, memory?: TargetMemory) {
  const client = new RecordedClient({
    topology: recordedTopology(topology),
    targets: [LOCAL, VM, CLOUD, WSL],
    ...recording,
  });
  const session = createSession(client, memory);
  await vi.waitFor(() => expect(session.view.getState().detail.status).toBe("ready"));
  return { client, session, targets: session.targets };
}

describe("a command as typed", () => {
  it("is split at white space, with quotes respected", () => {
    expect(splitCommand("wsl.exe -d Ubuntu -u root --")).toEqual(["wsl.exe", "-d", "Ubuntu", "-u", "root", "--"]);
    expect(splitCommand(`sh -c '"$@"' sh`)).toEqual(["sh", "-c", '"$@"', "sh"]);
    expect(splitCommand(`  a"b c"d  '' `)).toEqual(["ab cd", ""]);
    expect(splitCommand('a\\ b \\"')).toEqual(["a b", '"']);
    expect(splitCommand("")).toEqual([]);
  });

  it("keeps the paths of Windows", () => {
    expect(splitCommand(`"C:\\Program Files\\wsl.exe" -d Ubuntu`)).toEqual([
      "C:\\Program Files\\wsl.exe",
      "-d",
      "Ubuntu",
    ]);
    expect(splitCommand("C:\\Windows\\wsl.exe --")).toEqual(["C:\\Windows\\wsl.exe", "--"]);
  });

  it("is nothing where a quote is not closed", () => {
    expect(splitCommand("docker exec -i 'lab")).toBeUndefined();
  });
});

describe("the form for a target", () => {
  const ssh = { ...emptyDraft("ssh"), name: "lab", address: "ssh://me@lab" };

  it("leaves out what was not written", () => {
    expect(checkDraft(ssh, [])).toEqual({
      ok: true,
      spec: { kind: "ssh", name: "lab", address: "ssh://me@lab", privilege: "auto" },
    });
    expect(checkDraft({ ...ssh, jump: "a, b:2222 c", identity: " ~/.ssh/k " }, [])).toMatchObject({
      spec: { jump: ["a", "b:2222", "c"], identity: "~/.ssh/k" },
    });
  });

  it("says what is wrong with it, the first thing first", () => {
    const problemOf = (draft: typeof ssh, taken: string[] = []) => {
      const checked = checkDraft(draft, taken);
      return checked.ok ? undefined : checked.problem;
    };
    expect(problemOf({ ...ssh, name: "Cloud 7" })).toBe("name");
    expect(problemOf({ ...ssh, name: "vm" })).toBe("name");
    expect(problemOf(ssh, ["lab"])).toBe("taken");
    expect(problemOf({ ...ssh, address: " " })).toBe("address");
    expect(problemOf({ ...ssh, kind: "command", command: "env '" })).toBe("quote");
    expect(problemOf({ ...ssh, kind: "command", command: " " })).toBe("command");
  });

  it("makes a name of a host of ~/.ssh/config", () => {
    expect(nameFromHost("Bastion.example.org")).toBe("bastion-example-org");
    expect(nameFromHost("_lab_")).toBe("lab");
  });
});

describe("the target that is shown first", () => {
  const hello: Hello = { version: "0.1.0", target: "local" };
  const list = [LOCAL, VM, CLOUD];
  const remembered = { name: "cloud", given: "local" };

  it("is the one chosen last", () => {
    expect(targetToShow(list, hello, undefined, remembered)).toBe("cloud");
    expect(targetToShow(list, hello, undefined, undefined)).toBe("local");
  });

  it("is the server's where the start named a lab or another target, or the one chosen last is gone", () => {
    expect(targetToShow(list, { ...hello, open: "bridge-arp" }, undefined, remembered)).toBe("local");
    expect(targetToShow(list, { ...hello, target: "vm" }, undefined, remembered)).toBe("vm");
    expect(targetToShow([LOCAL, VM], hello, undefined, remembered)).toBe("local");
  });

  it("stays when the server starts again", () => {
    expect(targetToShow(list, hello, "vm", remembered)).toBe("vm");
  });
});

describe("the steps of a test", () => {
  it("are all there from the start, and those after a failure were not tried", () => {
    expect(stepRows("ssh", [], true).map(({ state }) => state)).toEqual(Array(8).fill("waiting"));
    expect(stepRows("ssh", FAILED_STEPS, false).map(({ state }) => state)).toEqual([
      ...Array(3).fill("ok"),
      "failed",
      ...Array(4).fill("skipped"),
    ]);
  });

  it("begin with the shell where there is nothing to log in to", () => {
    expect(stepRows("command", [], true).map(({ step }) => step)).toEqual([
      "shell",
      "privileges",
      "programs",
      "kernel",
    ]);
  });

  it("keep their place when they end", () => {
    const running = withStep([], { step: "shell", state: "running", detail: "" });
    expect(withStep(running, { step: "shell", state: "ok", detail: "sh" })).toEqual([
      { step: "shell", state: "ok", detail: "sh" },
    ]);
  });
});

describe("targets", () => {
  it("are connected when they are chosen, step by step, and remembered", async () => {
    const remember = vi.fn<(chosen: { name: string; given: string }) => void>();
    const { targets } = await open({}, { remember });
    const told: string[] = [];
    targets.state.subscribe(({ connecting }) => {
      const last = connecting.ubuntu?.at(-1);
      if (last) told.push(`${last.step} ${last.state}`);
    });
    targets.use("ubuntu");
    expect(targets.state.getState().connecting.ubuntu).toEqual([]);
    await vi.waitFor(() => expect(currentTarget(targets.state.getState())?.state).toBe("connected"));
    expect(told.slice(0, 2)).toEqual(["shell running", "shell ok"]);
    await vi.waitFor(() => expect(targets.state.getState().connecting).toEqual({}));
    expect(remember).toHaveBeenCalledExactlyOnceWith({ name: "ubuntu", given: "local" });
  });

  it("leave no fault behind when connecting is cancelled", async () => {
    let go: () => void = () => undefined;
    const { targets } = await open({ pause: () => new Promise((resolve) => (go = resolve)) });
    targets.use("ubuntu");
    await vi.waitFor(() => expect(targets.state.getState().connecting.ubuntu).toHaveLength(1));
    targets.cancelConnect("ubuntu");
    go();
    await vi.waitFor(() => expect(targets.state.getState().connecting).toEqual({}));
    expect(targets.state.getState().faults).toEqual({});
    expect(currentTarget(targets.state.getState())?.state).toBe("idle");
  });

  it("keep why they could not be connected", async () => {
    const { targets } = await open({ targets: [LOCAL, VM, { ...CLOUD, state: "idle" }], steps: FAILED_STEPS });
    targets.use("cloud");
    await vi.waitFor(() => expect(targets.state.getState().faults.cloud?.code).toBe("denied"));
    expect(currentTarget(targets.state.getState())).toMatchObject({ name: "cloud", state: "failed" });
  });

  it("each have their own labs up: the call names the target", async () => {
    const { client, session, targets } = await open({ up: true });
    expect(session.view.getState().sandbox).toBe("flannel-vxlan");
    targets.use("cloud");
    expect(session.view.getState()).toMatchObject({ lab: "flannel-vxlan", sandbox: undefined, capture: undefined });
    session.bringUp("flannel-vxlan");
    await vi.waitFor(() => expect(session.view.getState().sandbox).toBe("flannel-vxlan"));
    expect(client.calls.find(({ name }) => name === "lab.up")?.input).toEqual({
      lab: "flannel-vxlan",
      name: "flannel-vxlan",
      target: "cloud",
    });
    session.send({ from: "pod/a", to: "pod/c", protocol: "icmp", count: 1 });
    await vi.waitFor(() => expect(session.view.getState().capture).toBe("c2"));
    expect(session.captures.getState().c2?.target).toBe("cloud");
    targets.use("local");
    await vi.waitFor(() => expect(session.view.getState()).toMatchObject({ sandbox: "flannel-vxlan", capture: "c1" }));
  });

  it("are each asked what the labs lack there, also when they are connected later", async () => {
    const { session, targets } = await open({ lacks: { local: ["ipip"] } });
    await vi.waitFor(() => expect(session.labs.getState().lacks.local?.["flannel-host-gw"]).toEqual(["ipip"]));
    await vi.waitFor(() => expect(session.labs.getState().lacks.cloud?.["flannel-host-gw"]).toEqual([]));
    expect(session.labs.getState().lacks.ubuntu).toBeUndefined();
    targets.connect("ubuntu");
    await vi.waitFor(() => expect(session.labs.getState().lacks.ubuntu?.["flannel-host-gw"]).toEqual([]));
  });

  it("that are lost keep their labs and packets in sight until they are heard of again", async () => {
    const { client, session, targets } = await open({ up: true });
    await vi.waitFor(() => expect(session.packets.getState().known).toBe(true));
    const { sandboxes } = client;
    client.setTarget({ ...LOCAL, ...LOST });
    client.sandboxes = [];
    client.emit("sandboxes.changed", []);
    expect(currentTarget(targets.state.getState())?.state).toBe("lost");
    expect(session.view.getState()).toMatchObject({ sandbox: "flannel-vxlan", capture: "c1" });
    expect(session.packets.getState().total).toBe(5);
    client.setTarget(LOCAL);
    await vi.waitFor(() => expect(session.view.getState().sandbox).toBeUndefined());
    client.sandboxes = sandboxes;
    client.emit("sandboxes.changed", sandboxes);
    expect(session.view.getState().sandbox).toBe("flannel-vxlan");
  });

  it("can be tested before they are added, with every step told", async () => {
    const { client, targets } = await open();
    const spec: TargetSpec = { kind: "command", name: "pod", command: ["env"], privilege: "auto" };
    targets.test({ spec });
    await vi.waitFor(() => expect(targets.testing.getState().running).toBe(false));
    expect(targets.testing.getState()).toMatchObject({ ok: true, steps: TEST_STEPS.slice(4) });
    await expect(targets.add(spec)).resolves.toBeUndefined();
    expect(client.targets.at(-1)).toMatchObject({ name: "pod", kind: "command" });
    await expect(targets.add({ ...spec, name: "refused" })).resolves.toMatchObject({ code: "storage" });
  });

  it("drop the answer of a test when another is started", async () => {
    const { client, targets } = await open();
    const release = client.hold("target.test");
    targets.test({ target: "cloud" });
    targets.test({ target: "ubuntu" });
    release();
    await vi.waitFor(() => expect(targets.testing.getState().running).toBe(false));
    expect(targets.testing.getState()).toMatchObject({ source: { target: "ubuntu" }, ok: true });
    expect(targets.testing.getState().steps).toEqual(TEST_STEPS.slice(4));
  });

  it("say nothing of how a test ended that was stopped", async () => {
    let go: () => void = () => undefined;
    const { targets } = await open({ pause: () => new Promise((resolve) => (go = resolve)) });
    targets.test({ target: "ubuntu" });
    await vi.waitFor(() => expect(targets.testing.getState().steps).toHaveLength(1));
    targets.cancelTest();
    go();
    targets.connect("ubuntu");
    await vi.waitFor(() => expect(targets.state.getState().connecting.ubuntu).toHaveLength(1));
    expect(targets.testing.getState().running).toBe(false);
    expect(targets.testing.getState()).not.toHaveProperty("ok");
  });

  it("give way to the server's default when the current one is removed, here or elsewhere", async () => {
    const { client, targets } = await open();
    targets.use("cloud");
    await expect(targets.remove("cloud")).resolves.toBe(true);
    expect(targets.state.getState().current).toBe("local");
    targets.use("ubuntu");
    client.setTargets([LOCAL, VM]);
    expect(targets.state.getState().current).toBe("local");
  });
});

describe("the built-in VM", () => {
  it("is not started by being chosen, and becomes current once it was started to be used", async () => {
    const { client, session, targets } = await open();
    await vi.waitFor(() => expect(session.vm.state.getState().status?.state).toBe("saved"));
    targets.use("vm");
    expect(client.calls.some(({ name }) => name === "target.connect" || name === "vm.up")).toBe(false);
    targets.use("local");
    session.vm.startAndUse();
    await vi.waitFor(() =>
      expect(currentTarget(targets.state.getState())).toMatchObject({ name: "vm", state: "connected" }),
    );
    expect(session.vm.state.getState()).toMatchObject({ status: { state: "running" }, doing: undefined });
    expect(client.calls.filter(({ name }) => name === "target.connect")).toHaveLength(1);
  });

  it("tells how far its start has come, and leaves no fault when that is cancelled", async () => {
    let go: () => void = () => undefined;
    const { session, targets } = await open({ pause: () => new Promise((resolve) => (go = resolve)) });
    session.vm.startAndUse();
    await vi.waitFor(() => expect(session.vm.state.getState().progress).toMatchObject({ done: 1, total: 5 }));
    session.vm.cancel();
    go();
    await vi.waitFor(() => expect(session.vm.state.getState().doing).toBeUndefined());
    expect(session.vm.state.getState().fault).toBeUndefined();
    expect(targets.state.getState().current).toBe("local");
  });
});

describe("questions", () => {
  it("that waited before the page was opened are asked, one after the other", async () => {
    const { client, session } = await open({ questions: [HOST_KEY, SUDO] });
    await vi.waitFor(() => expect(session.questions.state.getState()).toEqual([HOST_KEY, SUDO]));
    session.questions.answer(HOST_KEY.id, "yes");
    expect(session.questions.state.getState()).toEqual([SUDO]);
    session.questions.answer(SUDO.id);
    await vi.waitFor(() => expect(client.answers).toHaveLength(2));
    expect(client.answers).toEqual([
      { question: 1, answer: "yes" },
      { question: 2, answer: undefined },
    ]);
    expect(session.questions.state.getState()).toEqual([]);
  });

  it("that somebody else answered go away, and a number may be used again", async () => {
    const { client, session } = await open();
    client.ask(HOST_KEY);
    session.questions.answer(HOST_KEY.id, "no");
    await vi.waitFor(() => expect(client.questions).toEqual([]));
    client.ask(HOST_KEY);
    expect(session.questions.state.getState()).toEqual([HOST_KEY]);
    client.questions = [];
    client.emit("questions.changed", []);
    expect(session.questions.state.getState()).toEqual([]);
  });
});
