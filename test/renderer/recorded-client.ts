/**
 * A server that never was: a Client that answers from the recorded flannel-vxlan lab. For tests and for the
 * developer's page only; the product has no such data.
 */

import type {
  CallInput,
  CallName,
  CallOutput,
  Capture,
  EventName,
  Events,
  LabDetail,
  Packet,
} from "../../preload/contract/calls.ts";
import type { LabSummary, Progress, Sandbox } from "../../preload/contract/lab.ts";
import type { LiveLab } from "../../preload/contract/live.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { AskedQuestion, SshHost, TargetStep, TargetSummary, VmStatus } from "../../preload/contract/target.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import type { CallOptions, Client, ConnectionStatus } from "../../renderer/client/client.ts";
import { comparedPackets } from "./recorded-comparison.ts";
import { frames, journeys, packets as recorded } from "./recorded-lab.ts";
import { changeLive, RECORDED_LIVE } from "./recorded-live.ts";
import { LOCAL, RUNNING_VM, STOPPED_VM, TEST_STEPS, VM } from "./recorded-targets.ts";

export const LAB: LabSummary = {
  id: "flannel-vxlan",
  title: { en: "Flannel VXLAN" },
  summary: {
    en: "Pods on different nodes reach each other through a VXLAN tunnel. Watch a packet being wrapped, carried and unwrapped.",
    "zh-Hant": "不同節點上的 Pod 透過 VXLAN 隧道互通。觀察一個封包如何被封裝、傳送與解封裝。",
  },
  file: "labs/flannel-vxlan/lab.yaml",
  group: "flannel",
  requires: ["veth", "bridge", "br_netfilter", "vxlan", "iptables"],
};
const OTHERS: LabSummary[] = [
  {
    ...LAB,
    id: "flannel-host-gw",
    title: { en: "Flannel host-gw" },
    summary: { en: "Pods on different nodes reach each other by plain routes." },
    requires: ["bridge", "ipip"],
  },
  {
    ...LAB,
    id: "flannel-compare",
    title: { en: "Flannel, VXLAN against host-gw" },
    summary: { en: "The same ping in two clusters at the same time." },
    compares: ["flannel-vxlan", "flannel-host-gw"],
  },
  {
    ...LAB,
    id: "bridge-arp",
    group: "basics",
    title: { en: "ARP on a bridge", "zh-Hant": "橋接器上的 ARP" },
    summary: { en: "Three machines on one bridge." },
    requires: ["bridge"],
  },
];

const STEPS: Progress[] = [
  { done: 1, total: 4, why: "A namespace for each node and pod, so that each has its own network." },
  { done: 2, total: 4, why: "The underlay: a bridge that stands for the switch between the nodes." },
  { done: 3, total: 4, why: "flannel.1 on each node: the tunnel device that wraps what goes to other nodes." },
  { done: 4, total: 4, why: "One route, one neighbour and one FDB entry for each remote node." },
];

const BUILD: Progress[] = [
  { done: 1, total: 5, why: "Download and unpack Debian's packages: kernel, iproute2, tcpdump, iptables, bird2." },
  { done: 2, total: 5, why: "Leave out documentation and caches." },
  { done: 3, total: 5, why: "Write the disk image." },
  { done: 4, total: 5, why: "Start QEMU." },
  { done: 5, total: 5, why: "Wait for its SSH server." },
];

type Answers = { [N in CallName]: (input: CallInput<N>, options: CallOptions<N>) => Promise<Result<CallOutput<N>>> };
type Listeners = { [E in EventName]: Set<(data: Events[E]) => void> };

export interface Recording {
  topology: Topology;
  guide?: Record<string, string>;
  /** Waits between the steps of a build and before traffic is answered. */
  pause?: () => Promise<void>;
  /** More packets, made up by counting. */
  more?: number;
  /** A sandbox is up at the start. */
  up?: boolean;
  /** Absent: this machine, and the VM stopped. */
  targets?: TargetSummary[];
  vm?: VmStatus;
  offers?: SshHost[];
  questions?: AskedQuestion[];
  /** What flannel-host-gw lacks, by target. Absent: `ipip` everywhere. */
  lacks?: Record<string, string[]>;
  /** The steps of connecting and testing. */
  steps?: TargetStep[];
  /** The lab that the start named; `null` for none. */
  open?: string | null;
}

export class RecordedClient implements Client {
  status: ConnectionStatus = "open";
  /** Every call in the order made. */
  readonly calls: { name: CallName; input: unknown }[] = [];
  readonly captures: Capture[] = [];
  sandboxes: Sandbox[] = [];
  targets: TargetSummary[];
  vm: VmStatus;
  questions: AskedQuestion[];
  /** Question and answer, as they came. */
  live: LiveLab = RECORDED_LIVE;
  readonly answers: { question: number; answer?: string }[] = [];
  packets: Packet[];
  readonly #recording: Recording;
  readonly #statusListeners = new Set<(status: ConnectionStatus) => void>();
  readonly #listeners: Listeners = {
    "sandboxes.changed": new Set(),
    "targets.changed": new Set(),
    "questions.changed": new Set(),
    "capture.changed": new Set(),
    "packets.changed": new Set(),
  };
  /** Answers that a test holds back. */
  readonly #held = new Map<CallName, Promise<void>>();

  constructor(recording: Recording) {
    this.#recording = recording;
    this.packets = [...recorded];
    this.targets = recording.targets ?? [LOCAL, VM];
    this.vm = recording.vm ?? STOPPED_VM;
    this.questions = recording.questions ?? [];
    for (let index = recorded.length; index < (recording.more ?? 0); index += 1) {
      const base = recorded[2 + (index % 2)];
      if (base) this.packets.push({ ...base, journey: index, at: 3_000_000_000 + index * 10_000 });
    }
    if (recording.up) {
      this.sandboxes = [this.#sandbox(LAB.id)];
      this.captures.push(this.#capture("c1", LAB.id, true));
    }
  }

  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  on<E extends EventName>(event: E, listener: (data: Events[E]) => void): () => void {
    const listeners: Set<(data: Events[E]) => void> = this.#listeners[event];
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<E extends EventName>(event: E, data: Events[E]): void {
    const listeners: Set<(data: Events[E]) => void> = this.#listeners[event];
    for (const listener of listeners) listener(data);
  }

  setStatus(status: ConnectionStatus): void {
    this.status = status;
    for (const listener of this.#statusListeners) listener(status);
  }

  /** Holds back the answers of a call until the function that it returns is called. */
  hold(name: CallName): () => void {
    let release: () => void = () => undefined;
    this.#held.set(
      name,
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    return () => {
      this.#held.delete(name);
      release();
    };
  }

  async call<N extends CallName>(
    name: N,
    input: CallInput<N>,
    options: CallOptions<N> = {},
  ): Promise<Result<CallOutput<N>>> {
    this.calls.push({ name, input });
    await this.#held.get(name);
    if (this.status !== "open") return fail("gone", "The server is gone");
    const answer: Answers[N] = this.#answers[name];
    const result = await answer(input, options);
    return options.signal?.aborted ? fail("cancelled", "Cancelled") : result;
  }

  close(): void {
    this.setStatus("lost");
  }

  readonly #answers: Answers = {
    hello: async () => {
      const { open } = this.#recording;
      return ok({ version: "0.1.0", target: "local", ...(open === null ? {} : { open: open ?? LAB.id }) });
    },
    "lab.list": async () => ok([LAB, ...OTHERS]),
    "lab.open": async ({ lab }) => ok(this.#detail(lab)),
    "lab.up": async ({ lab, name, target }, { onProgress, signal }) => {
      for (const step of STEPS) {
        onProgress?.(step);
        await this.#recording.pause?.();
        if (signal?.aborted) return fail("cancelled", "Cancelled");
      }
      const sandbox = this.#sandbox(lab, name, target);
      this.sandboxes = [...this.sandboxes, sandbox];
      this.emit("sandboxes.changed", this.sandboxes);
      return ok(sandbox);
    },
    "lab.down": async ({ sandbox, target = "local" }) => {
      this.sandboxes = this.sandboxes.filter((one) => one.name !== sandbox || one.target !== target);
      this.emit("sandboxes.changed", this.sandboxes);
      return ok(null);
    },
    "lab.check": async () => ok([]),
    "lab.doctor": async ({ target = "local" }) =>
      ok({
        target,
        kernel: "6.18",
        findings: [],
        labs: [LAB, ...OTHERS].map(({ id }) => ({ id, lacks: id === "flannel-host-gw" ? this.#lacks(target) : [] })),
      }),
    "target.list": async () => ok(this.targets),
    "target.add": async (spec) => {
      if (spec.name === "refused") return fail("storage", "The list of targets could not be written");
      const address = spec.kind === "ssh" ? spec.address : spec.command.join(" ");
      const added: TargetSummary = { name: spec.name, kind: spec.kind, address, state: "idle" };
      this.setTargets([...this.targets, added]);
      return ok(added);
    },
    "target.remove": async ({ target }) => {
      this.setTargets(this.targets.filter(({ name }) => name !== target));
      return ok(null);
    },
    "target.connect": async ({ target }, { onProgress, signal }) => {
      const found = this.targets.find(({ name }) => name === target);
      if (!found) return fail("not-found", `There is no target ${target}`);
      this.setTarget({ ...found, state: "connecting", fault: undefined });
      for (const step of this.#steps(target)) {
        onProgress?.({ step: step.step, state: "running", detail: "" });
        await this.#recording.pause?.();
        if (signal?.aborted) {
          this.setTarget({ ...found, state: "idle" });
          return fail("cancelled", "Cancelled");
        }
        onProgress?.(step);
        if (step.state !== "failed") continue;
        const fault = { code: "denied" as const, message: step.detail, fix: step.fix };
        this.setTarget({ ...found, state: "failed", fault });
        return { ok: false, fault };
      }
      const connected: TargetSummary = { ...found, state: "connected", runsAs: "root", kernel: "Linux 6.1.0-37-amd64" };
      this.setTarget(connected);
      return ok(connected);
    },
    "target.disconnect": async ({ target }) => {
      const found = this.targets.find(({ name }) => name === target);
      if (found) this.setTarget({ name: found.name, kind: found.kind, address: found.address, state: "idle" });
      return ok(null);
    },
    "target.test": async (input, { onProgress }) => {
      const steps =
        "target" in input ? this.#steps(input.target) : input.spec.kind === "ssh" ? TEST_STEPS : TEST_STEPS.slice(4);
      for (const step of steps) {
        onProgress?.({ step: step.step, state: "running", detail: "" });
        await this.#recording.pause?.();
        onProgress?.(step);
      }
      return ok({ ok: steps.every(({ state }) => state !== "failed"), steps });
    },
    "target.offers": async () => ok(this.#recording.offers ?? []),
    "question.list": async () => ok(this.questions),
    "question.answer": async ({ question, answer }) => {
      this.answers.push({ question, answer });
      this.questions = this.questions.filter(({ id }) => id !== question);
      this.emit("questions.changed", this.questions);
      return ok(null);
    },
    "vm.status": async () => ok(this.vm),
    "vm.build": async (_, { onProgress }) => {
      for (const step of BUILD) {
        onProgress?.(step);
        await this.#recording.pause?.();
      }
      this.vm = { ...STOPPED_VM, state: "stopped" };
      return ok(this.vm);
    },
    "vm.up": async (_, { onProgress, signal }) => {
      for (const step of BUILD) {
        onProgress?.(step);
        await this.#recording.pause?.();
        if (signal?.aborted) return fail("cancelled", "Cancelled");
      }
      this.vm = RUNNING_VM;
      return ok(this.vm);
    },
    "vm.down": async () => {
      this.vm = STOPPED_VM;
      return ok(this.vm);
    },
    "vm.delete": async () => {
      this.vm = { state: "absent", diskBytes: 0 };
      return ok(this.vm);
    },
    "sandbox.list": async () => ok(this.sandboxes),
    "sandbox.topology": async () => ok(this.#recording.topology),
    "lab.live": async () => ok(this.live),
    "lab.change": async ({ change }, { onProgress, signal }) => {
      onProgress?.({ done: 1, total: 2, why: "Read what is there." });
      await this.#recording.pause?.();
      if (signal?.aborted) return fail("cancelled", "Cancelled");
      const changed = changeLive(this.live, change);
      if (!changed) return fail("bad-input", `${change.name} can't be changed so`);
      this.live = changed;
      this.sandboxes = this.sandboxes.map((sandbox) => ({ ...sandbox, revision: changed.revision }));
      this.emit("sandboxes.changed", this.sandboxes);
      return ok(changed);
    },
    "sandbox.state": async ({ netns, interface: name }) =>
      ok({
        netns,
        interface: name,
        parts: [
          {
            name: "link",
            command: `ip -n ${netns.replace("/", ".")} -d link show ${name}`,
            text: `3: ${name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN mode DEFAULT group default\n    link/ether 02:a2:aa:5d:4c:5b brd ff:ff:ff:ff:ff:ff promiscuity 1\n    vxlan id 1 local 192.168.32.127 dev eth0 srcport 0 0 dstport 8472 nolearning`,
          },
          {
            name: "addresses",
            command: `ip -n ${netns.replace("/", ".")} address show ${name}`,
            text: "    inet 10.244.0.0/32 scope global flannel.1",
          },
          {
            name: "routes",
            command: `ip -n ${netns.replace("/", ".")} route show dev ${name}`,
            text: "10.244.1.0/24 via 10.244.1.0 onlink\n10.244.2.0/24 via 10.244.2.0 onlink",
          },
          {
            name: "neighbours",
            command: `ip -n ${netns.replace("/", ".")} neigh show dev ${name}`,
            text: "10.244.1.0 lladdr 02:7b:3b:74:a7:28 PERMANENT\n10.244.2.0 lladdr 02:16:b1:33:88:67 PERMANENT",
          },
          { name: "fdb", command: `bridge -n ${netns.replace("/", ".")} fdb show dev ${name}`, text: "" },
        ],
      }),
    "capture.start": async ({ sandbox, target }) => {
      const capture = this.#capture(`c${this.captures.length + 1}`, sandbox, true, target);
      this.captures.push(capture);
      this.emit("capture.changed", capture);
      return ok(capture);
    },
    "capture.stop": async ({ capture }) => {
      const found = this.captures.find(({ id }) => id === capture);
      if (!found) return fail("not-found", `There is no capture ${capture}`);
      found.running = false;
      this.emit("capture.changed", { ...found });
      return ok({ ...found });
    },
    "capture.list": async () => ok(this.captures.map((capture) => ({ ...capture }))),
    "capture.open": async ({ capture }) => {
      const found = this.captures.find(({ id }) => id === capture);
      return found ? ok({ ...found }) : fail("not-found", `There is no capture ${capture}`);
    },
    "traffic.send": async ({ sandbox, target = "local", traffic }) => {
      if (traffic.to === "10.9.9.9") {
        return fail("command-failed", "ping in pod/a could not send", {
          fix: "Check the address: no route of pod/a leads there.",
          command: {
            argv: ["ip", "netns", "exec", "pod.a", "ping", "-n", "-c1", "10.9.9.9"],
            exitCode: 2,
            stderr: "ping: connect: Network is unreachable",
            why: "Send one ICMP echo request from pod a.",
          },
        });
      }
      await this.#recording.pause?.();
      let capture = this.captures.find((one) => one.sandbox === sandbox && one.target === target && one.running);
      if (!capture) {
        capture = this.#capture(`c${this.captures.length + 1}`, sandbox, true, target);
        this.captures.push(capture);
        this.emit("capture.changed", capture);
      }
      capture.packets = this.packets.length;
      capture.frames = frames.length;
      this.emit("packets.changed", {
        capture: capture.id,
        total: this.packets.length,
        packets: this.packets.slice(0, 5),
        dropped: capture.dropped,
        frames: capture.frames,
      });
      return ok({
        capture: capture.id,
        sent: 1,
        received: 1,
        output: "1 packets transmitted",
        complaints: [],
        journeys: [2, 3],
        others: [0, 1],
      });
    },
    "traffic.compare": async ({ left, right, traffic }) => {
      const send = (side: typeof left) => this.#answers["traffic.send"]({ ...side, traffic }, {});
      const [ours, theirs] = [await send(left), await send(right)];
      if (!ours.ok) return ours;
      if (!theirs.ok) return theirs;
      return ok({ left: ours.value, right: theirs.value, packets: comparedPackets(this.#recording.topology), more: 0 });
    },
    "packet.list": async ({ first, count, at }) => {
      const matching =
        at === undefined
          ? this.packets
          : this.packets.filter(({ journey }) =>
              journeys[journey]?.hops.some((hop) => `${hop.netns}/${hop.interface}` === at),
            );
      return ok({ total: matching.length, first, packets: matching.slice(first, first + count) });
    },
    "journey.open": async ({ journey }) => {
      const found = journeys[journey] ?? journeys[2 + (journey % 2)];
      return found ? ok({ ...found, id: journey }) : fail("not-found", `There is no journey ${journey}`);
    },
    "frame.open": async ({ frame }) => {
      const found = frames[frame];
      return found ? ok(found) : fail("not-found", `There is no frame ${frame}`);
    },
  };

  #detail(lab: string): LabDetail {
    return {
      lab: [LAB, ...OTHERS].find(({ id }) => id === lab) ?? LAB,
      topology: this.#recording.topology,
      guide: this.#recording.guide ?? {},
      traffic: [
        { from: "a", to: "c", protocol: "icmp", count: 1 },
        { from: "a", to: "e", protocol: "tcp", port: 80, count: 1 },
      ],
    };
  }

  /** A target of another kind than SSH has only the last steps. */
  #steps(name: string): TargetStep[] {
    const steps = this.#recording.steps ?? TEST_STEPS;
    const kind = this.targets.find((target) => target.name === name)?.kind;
    return kind === "command" || kind === "local" ? steps.slice(4) : steps;
  }

  #lacks(target: string): string[] {
    const { lacks } = this.#recording;
    return lacks ? (lacks[target] ?? []) : ["ipip"];
  }

  setTargets(targets: TargetSummary[]): void {
    this.targets = targets;
    this.emit("targets.changed", targets);
  }

  setTarget(target: TargetSummary): void {
    this.setTargets(this.targets.map((other) => (other.name === target.name ? target : other)));
  }

  ask(...questions: AskedQuestion[]): void {
    this.questions = [...this.questions, ...questions];
    this.emit("questions.changed", this.questions);
  }

  #sandbox(lab: string, name = lab, target = "local"): Sandbox {
    return {
      name,
      lab,
      target,
      pid: 4711,
      startedAt: Date.now() - 125_000,
      namespaces: this.#recording.topology.namespaces.map((namespace) => namespace.name),
      rootless: true,
      revision: 0,
    };
  }

  #capture(id: string, sandbox: string, running: boolean, target = "local"): Capture {
    return {
      id,
      target,
      sandbox,
      lab: this.sandboxes.find(({ name }) => name === sandbox)?.lab ?? LAB.id,
      file: `/home/me/.local/share/hoplab/captures/${id}.pcapng`,
      startedAt: Date.now(),
      running,
      interfaces: this.#recording.topology.namespaces.flatMap(({ name, interfaces }) =>
        interfaces.map((one) => `${name}/${one.name}`),
      ),
      frames: frames.length,
      packets: this.packets.length,
      dropped: 0,
      bytes: 4096,
      gaps: [],
    };
  }
}
