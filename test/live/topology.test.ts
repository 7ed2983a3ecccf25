/** What is asked for of labs that are up: which nodes there are, what a stopped agent still believes, and what is refused. */

import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { listLabs } from "../../main/lab/catalogue.ts";
import { readLab } from "../../main/lab/read.ts";
import { type Lab, runningLabSchema } from "../../main/lab/schema.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { applyChange } from "../../main/live/change.ts";
import { describeLive } from "../../main/live/describe.ts";
import { withoutLeft } from "../../main/live/left.ts";
import type { Live } from "../../main/live/live.ts";
import { startLive } from "../../main/live/start.ts";
import { topologyOf } from "../../main/live/topology.ts";
import type { LabChange } from "../../preload/contract/live.ts";
import type { Namespace, Topology } from "../../preload/contract/topology.ts";

const LABS = fileURLToPath(new URL("../../labs", import.meta.url));
const files = (await listLabs(LABS)).filter(({ compares }) => !compares).map(({ file }) => file);
const labs = await Promise.all(files.map(readBundled));

async function readBundled(file: string): Promise<Lab> {
  const read = await readLab(file);
  if (!read.ok) throw new Error(read.fault.message);
  return read.value.lab;
}

function bundled(id: string): Live {
  return startLive(labs.find((lab) => lab.id === id)!);
}

function after(live: Live, ...changes: LabChange[]): Live {
  return changes.reduce((now, change) => {
    const changed = applyChange(now, change);
    if (!changed.ok) throw new Error(changed.fault.message);
    return changed.value;
  }, live);
}

function refusal(live: Live, change: LabChange): string {
  const changed = applyChange(live, change);
  return changed.ok ? "allowed" : `${changed.fault.code}: ${changed.fault.message}`;
}

function netns(topology: Topology, name: string): Namespace | undefined {
  return topology.namespaces.find((one) => one.name === name);
}

describe("every bundled lab", () => {
  it.each(labs.map((lab) => [lab.id, lab] as const))("%s is built as its file lays it out", (_, lab) => {
    expect(topologyOf(startLive(lab))).toEqual(layOutLab(lab));
  });

  it.each(labs.map((lab) => [lab.id, lab] as const))("%s reads back as it was written down", (_, lab) => {
    const live = startLive(lab);
    expect(runningLabSchema.parse(JSON.parse(JSON.stringify(live.lab)))).toEqual(live.lab);
  });

  it.each(labs.map((lab) => [lab.id, lab] as const))("%s names each fault once, in three languages", (_, lab) => {
    const { faults } = describeLive(startLive(lab));
    expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
    for (const { name, title, symptom, search } of faults) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      for (const words of [title, symptom, search]) {
        expect(Object.keys(words).sort()).toEqual(["en", "zh-Hans", "zh-Hant"]);
      }
    }
  });

  it.each(labs.map((lab) => [lab.id, lab] as const))("%s is another with each fault, and itself without", (_, lab) => {
    const live = startLive(lab);
    const whole = topologyOf(live);
    for (const { name } of describeLive(live).faults) {
      const broken = after(live, { kind: "inject-fault", name });
      expect(topologyOf(broken), name).not.toEqual(whole);
      expect(topologyOf(after(broken, { kind: "revert-fault", name })), name).toEqual(whole);
    }
  });
});

it("says the commands of its faults with the name that the lab is up under", () => {
  const { faults } = describeLive(bundled("flannel-vxlan"), "mine");
  const commands = faults.flatMap(({ search }) => search.en.match(/hoplab \w+ \S+/g) ?? []);
  expect(commands.length).toBeGreaterThan(faults.length / 2);
  expect(commands.filter((command) => !command.endsWith(" mine"))).toEqual([]);
});

describe("nodes that come and go", () => {
  it.each(["flannel-vxlan", "flannel-host-gw", "calico-ipip", "calico-ipip-crosssubnet"])(
    "%s: a node that leaves changes nothing that the others own",
    (id) => {
      const before = topologyOf(bundled(id));
      const now = topologyOf(after(bundled(id), { kind: "remove-node", name: "node2" }));
      expect(netns(now, "node/node2")).toBeUndefined();
      for (const one of now.namespaces.filter(({ kind }) => kind !== "net")) {
        const then = netns(before, one.name);
        expect(one.interfaces).toEqual(then?.interfaces);
        expect(one.routes.filter((route) => !then?.routes.some(({ to }) => to === route.to))).toEqual([]);
      }
    },
  );

  it("the next to join gets the hole that one left", () => {
    const live = after(
      bundled("flannel-vxlan"),
      { kind: "remove-node", name: "node2" },
      { kind: "add-node", name: "node4" },
      { kind: "add-node", name: "node5", pods: ["x", "y"] },
    );
    expect(live.lab.nodes.map(({ name, address, shares }) => ({ name, address, shares }))).toEqual([
      { name: "node1", address: "192.168.32.127", shares: [0] },
      { name: "node3", address: "192.168.32.129", shares: [2] },
      { name: "node4", address: "192.168.32.130", shares: [1] },
      { name: "node5", address: "192.168.32.131", shares: [3] },
    ]);
    expect(live.lab.pods.slice(3)).toEqual([
      { name: "f", node: "node4" },
      { name: "x", node: "node5" },
      { name: "y", node: "node5" },
    ]);
    expect(live.revision).toBe(3);
  });

  it("a node that joins, leaves and joins again is the same node", () => {
    const joined = after(bundled("calico-ipip"), { kind: "add-node", name: "node4" });
    const again = after(joined, { kind: "remove-node", name: "node4" }, { kind: "add-node", name: "node4" });
    expect(topologyOf(again)).toEqual(topologyOf(joined));
  });

  it("what makes no sense is refused, and says why", () => {
    const live = bundled("flannel-host-gw");
    const crossing = bundled("calico-ipip-crosssubnet");
    expect(refusal(live, { kind: "add-node", name: "node1" })).toBe("exists: there is a node node1 already");
    expect(refusal(live, { kind: "add-node", name: "n", pods: ["a"] })).toBe("exists: there is a pod a already");
    expect(refusal(live, { kind: "add-node", name: "Node" })).toContain("lower-case letters");
    expect(refusal(live, { kind: "add-node", name: "n", network: "wan" })).toContain('no network "wan"');
    expect(refusal(live, { kind: "add-node", name: "n", address: "192.168.32.127" })).toContain("belongs to node1");
    expect(refusal(live, { kind: "add-node", name: "n", address: "192.168.32.1" })).toContain("whose gateway it is");
    expect(refusal(live, { kind: "add-node", name: "n", address: "10.9.9.9" })).toContain("outside every underlay");
    expect(refusal(crossing, { kind: "add-node", name: "n", address: "192.168.33.1" })).toContain("belongs to lan-b");
    expect(refusal(live, { kind: "remove-node", name: "node9" })).toContain('no node "node9"');
    expect(refusal(live, { kind: "move-node", name: "node1", address: "192.168.32.128" })).toContain(
      "belongs to node2",
    );
    expect(refusal(live, { kind: "start-agent", name: "node1" })).toContain("is running already");
    expect(refusal(live, { kind: "inject-fault", name: "gremlins" })).toContain('no fault "gremlins"');
    expect(refusal(live, { kind: "revert-fault", name: "ip-forward-off" })).toContain("is not injected");
    const broken = after(live, { kind: "inject-fault", name: "ip-forward-off" });
    expect(refusal(broken, { kind: "inject-fault", name: "ip-forward-off" })).toContain("is injected already");
    expect(refusal(broken, { kind: "remove-node", name: "node1" })).toContain("while a fault is injected");
    const alone = after(live, { kind: "remove-node", name: "node1" }, { kind: "remove-node", name: "node2" });
    expect(refusal(alone, { kind: "remove-node", name: "node3" })).toContain("the last node");
    expect(refusal(bundled("bridge-arp"), { kind: "add-node", name: "n" })).toContain("is no cluster");
  });

  it("who leaves takes the traffic and the checks that are about it along, and no others", () => {
    const { lab } = bundled("flannel-host-gw");
    const { lab: now } = after(bundled("flannel-host-gw"), { kind: "remove-node", name: "node2" });
    const ends = withoutLeft(lab, now).checks.map(({ ping, path }) => [ping?.from ?? path?.from, ping?.to ?? path?.to]);
    expect(lab.checks).toHaveLength(5);
    expect(ends).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    expect(withoutLeft(lab, now).traffic).toEqual(now.traffic);
    expect(withoutLeft(lab, lab)).toEqual(lab);
  });

  it("a route reflector may leave where another one stays, and the others then speak with that", () => {
    const reflected = bundled("calico-bgp-reflector");
    const leave = { kind: "remove-node", name: "node1" } as const;
    expect(refusal(reflected, leave)).toContain("node1 can't leave: no node would hear of another");
    const network = reflected.lab.network?.plugin === "calico" ? reflected.lab.network : undefined;
    const both = { ...network!, bgp: { ...network!.bgp!, reflectors: ["node1", "node2"] } };
    const left = after({ ...reflected, lab: { ...reflected.lab, network: both } }, leave);
    const configuration = netns(topologyOf(left), "node/node3")?.files.find(({ path }) => path.endsWith("/bird.cfg"));
    expect(configuration?.content.match(/protocol bgp \S+/g)).toEqual(["protocol bgp Node_192_168_32_128"]);
  });

  it("a network with no address left, or a pod network with no subnet left, takes no node", () => {
    const { lab } = bundled("flannel-vxlan");
    const small = (subnet: string, subnetLen: number): Live =>
      startLive({
        ...lab,
        underlay: { networks: [{ name: "lan", subnet, mtu: 1500 }] },
        nodes: [
          { name: "node1", address: "192.168.32.1" },
          { name: "node2", address: "192.168.32.2" },
        ],
        pods: [],
        traffic: [],
        checks: [],
        network: lab.network?.plugin === "flannel" ? { ...lab.network, subnetLen } : undefined,
      });
    expect(refusal(small("192.168.32.0/30", 24), { kind: "add-node", name: "n" })).toContain("no address of lan");
    expect(refusal(small("192.168.32.0/24", 17), { kind: "add-node", name: "n" })).toContain("need a /17 each");
  });
});

describe("an agent that is stopped", () => {
  const moved = after(
    bundled("flannel-vxlan"),
    { kind: "stop-agent", name: "node1" },
    { kind: "move-node", name: "node2", address: "192.168.32.200" },
    { kind: "add-node", name: "node4" },
  );

  it("leaves what it wrote, while the others follow", () => {
    const node1 = netns(topologyOf(moved), "node/node1");
    const node3 = netns(topologyOf(moved), "node/node3");
    expect(node1?.fdb.map(({ dst }) => dst)).toEqual(["192.168.32.128", "192.168.32.129"]);
    expect(node3?.fdb.map(({ dst }) => dst)).toEqual(["192.168.32.127", "192.168.32.200", "192.168.32.201"]);
    expect(node1?.routes.map(({ to }) => to)).toEqual(["default", "10.244.1.0/24", "10.244.2.0/24"]);
    expect(describeLive(moved).nodes.map(({ agent }) => agent)).toEqual(["stopped", "running", "running", "running"]);
  });

  it("catches up when it is started", () => {
    const started = after(moved, { kind: "start-agent", name: "node1" });
    expect(topologyOf(started)).toEqual(layOutLab(started.lab));
  });

  it("does not tell the others that its node has moved", () => {
    const live = after(
      bundled("flannel-vxlan"),
      { kind: "stop-agent", name: "node2" },
      { kind: "move-node", name: "node2", address: "192.168.32.200" },
    );
    const topology = topologyOf(live);
    expect(netns(topology, "node/node2")?.interfaces.find(({ name }) => name === "eth0")?.addresses).toEqual([
      "192.168.32.200/24",
    ]);
    expect(netns(topology, "node/node2")?.interfaces.find(({ kind }) => kind === "vxlan")).toMatchObject({
      local: "192.168.32.128",
    });
    expect(netns(topology, "node/node1")?.fdb.map(({ dst }) => dst)).toEqual(["192.168.32.128", "192.168.32.129"]);
    const started = after(live, { kind: "start-agent", name: "node2" });
    expect(topologyOf(started)).toEqual(layOutLab(started.lab));
  });
});

describe("an agent that a fault has stopped", () => {
  const fault = "agent-stopped-node-moved";
  const broken = after(bundled("flannel-host-gw"), { kind: "inject-fault", name: fault });
  const waysOf = (live: Live, node: string) =>
    netns(topologyOf(live), node)?.routes.flatMap(({ to, via }) => (to.startsWith("10.") ? `${to} ${via}` : []));

  it("hears of no node that joins, while the others do", () => {
    const joined = after(broken, { kind: "add-node", name: "node4" });
    expect(waysOf(joined, "node/node1")).toEqual(["10.244.1.0/24 192.168.32.128", "10.244.2.0/24 192.168.32.129"]);
    expect(waysOf(joined, "node/node3")).toEqual([
      "10.244.0.0/24 192.168.32.127",
      "10.244.1.0/24 192.168.32.254",
      "10.244.3.0/24 192.168.32.130",
    ]);
    const mended = after(joined, { kind: "revert-fault", name: fault });
    expect(topologyOf(mended)).toEqual(layOutLab(mended.lab));
    expect(mended.asOf).toEqual({});
  });

  it("is listed as stopped, and the node that has moved with its address", () => {
    const nodes = describeLive(broken).nodes.map(({ address, agent }) => [address, agent]);
    expect(nodes).toEqual([
      ["192.168.32.127", "stopped"],
      ["192.168.32.254", "running"],
      ["192.168.32.129", "running"],
    ]);
    const ended = after(bundled("flannel-udp"), { kind: "inject-fault", name: "flanneld-ended" });
    expect(describeLive(ended).nodes.map(({ agent }) => agent)).toEqual(["running", "stopped", "running"]);
  });

  it("is started by reverting the fault, and what the fault has moved stays where it is until then", () => {
    expect(refusal(broken, { kind: "stop-agent", name: "node1" })).toContain("is stopped already");
    expect(refusal(broken, { kind: "start-agent", name: "node1" })).toContain(`the fault ${fault} has stopped it`);
    expect(refusal(broken, { kind: "start-agent", name: "node3" })).toContain("is running already");
    const before = after(
      bundled("flannel-host-gw"),
      { kind: "stop-agent", name: "node1" },
      { kind: "inject-fault", name: fault },
    );
    expect(refusal(before, { kind: "start-agent", name: "node1" })).toContain(`the fault ${fault} has stopped it`);
    const move = { kind: "move-node", name: "node2", address: "192.168.32.99" } as const;
    expect(refusal(broken, move)).toContain(`the fault ${fault} has moved it`);
    for (const address of ["192.168.32.254", "192.168.32.128"]) {
      expect(refusal(broken, { kind: "add-node", name: "n", address })).toContain("belongs to node2");
    }
  });
});
