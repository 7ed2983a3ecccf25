/**
 * Flannel labs on the real kernel: the printed script builds them, as root and as a user, and what the kernel
 * then says is compared with the facts of the real flannel, written here by hand.
 */

import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { parseLab, readLab } from "../../main/lab/read.ts";
import type { Lab } from "../../main/lab/schema.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { planLab } from "../../main/plan/plan.ts";
import { findFailedStep, printPlan } from "../../main/plan/script.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { buildAndRun, buildFromStdin, lacks, lacksTun, mountsLeft, processesIn, type Who } from "./build.ts";
import { comparable, type LabState, type NetnsState, parseState, READ_STATE } from "./kernel-state.ts";

const WHO: Who[] = ["root", "user"];
const reasons = { root: await lacks("root"), user: await lacks("user") };
const tunReasons = { root: await lacksTun("root"), user: await lacksTun("user") };
for (const who of WHO)
  if (!reasons[who] && tunReasons[who]) console.warn(`flannel-udp is not built by ${who}: ${tunReasons[who]}`);
const mountsBefore = await mountsLeft();

/** Other names, subnets, counts and numbers than those that flannel's manual shows. */
const OWN_LAB = `
id: own
title: { en: Own }
summary: { en: A lab of the test's own. }
underlay:
  networks:
    - { name: rack, subnet: 172.30.8.0/22, mtu: 9000, gateway: 172.30.11.254 }
nodes:
  - { name: alpha, address: 172.30.8.10 }
  - { name: a-node-with-a-long-name, address: 172.30.9.20 }
  - { name: gamma, address: 172.30.10.30 }
  - { name: delta, address: 172.30.11.40 }
network:
  plugin: flannel
  network: 10.50.0.0/20
  subnetLen: 26
  subnetMin: 10.50.1.64
  subnetMax: 10.50.2.0
  backend: { type: vxlan, vni: 42, port: 4789 }
pods:
  - { name: web, node: alpha }
  - { name: db, node: delta }
  - { name: cache, node: delta }
  - { name: queue, node: a-node-with-a-long-name }
`;

async function bundled(id: string): Promise<Lab> {
  const read = await readLab(fileURLToPath(new URL(`../../labs/${id}/lab.yaml`, import.meta.url)));
  if (!read.ok) throw new Error(read.fault.message);
  return read.value.lab;
}

function own(text: string): Lab {
  const parsed = parseLab(text, "own.yaml");
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return parsed.value;
}

function scriptOf(lab: Lab): string {
  return printPlan(planLab(layOutLab(lab)));
}

/**
 * Pings every address from every namespace, after the state is read. Once it has an answer, ping waits for the next no longer
 * than two round trips: where a process carries packets, only one at a time tells what is lost.
 */
function pingAll(namespaces: string[], addresses: string[], count = 2): string {
  return `for netns in ${namespaces.join(" ")}; do for address in ${addresses.join(" ")}; do
    echo "$netns $address $(ip netns exec "$netns" ping -q -n -c ${count} -i 0.01 -W 2 "$address" | grep -o '[0-9.]*% packet loss')"
  done; done`;
}

function everyPing(namespaces: string[], addresses: string[]): string[] {
  return namespaces.flatMap((netns) => addresses.map((address) => `${netns} ${address} 0% packet loss`));
}

async function buildAndRead(who: Who, lab: Lab, command: string): Promise<{ state: LabState; stdout: string }> {
  const { code, stdout, stderr } = await buildAndRun(who, scriptOf(lab), `${READ_STATE}\n${command}`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const state = parseState(stdout);
  expect(await processesIn(state.inodes)).toEqual([]);
  return { state, stdout };
}

function netns(state: LabState, name: string): NetnsState {
  const found = state.namespaces.get(name);
  if (!found) throw new Error(`there is no namespace ${name}, only ${[...state.namespaces.keys()].join(", ")}`);
  return found;
}

/** flanneld's rules of ground-truth.md section 1 for a node. */
function flannelRules(cluster: string, pods: string): string[] {
  const masq = '-m comment --comment "flanneld masq"';
  const forward = '-m comment --comment "flanneld forward"';
  return [
    ":FLANNEL-FWD -",
    `-A FORWARD ${forward} -j FLANNEL-FWD`,
    `-A FLANNEL-FWD -s ${cluster} ${forward} -j ACCEPT`,
    `-A FLANNEL-FWD -d ${cluster} ${forward} -j ACCEPT`,
    ":FLANNEL-POSTRTG -",
    `-A POSTROUTING ${masq} -j FLANNEL-POSTRTG`,
    `-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${pods} -d ${cluster} ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${cluster} -d ${pods} ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG ! -s ${cluster} -d ${pods} ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${cluster} ! -d 224.0.0.0/4 ${masq} -j MASQUERADE --random-fully`,
    `-A FLANNEL-POSTRTG ! -s ${cluster} -d ${cluster} ${masq} -j MASQUERADE --random-fully`,
  ];
}

afterAll(async () => {
  expect(await mountsLeft()).toEqual(mountsBefore);
});

for (const who of WHO) {
  const reason = reasons[who];
  describe(`built by ${who}${reason ? ` (skipped: ${reason})` : ""}`, {
    skip: reason !== undefined,
    concurrent: false,
  }, () => {
    it("flannel-vxlan has the tunnel, neighbours, FDB, routes, rules and files of the real flannel, and every pod reaches every pod", async () => {
      const pods = ["pod.a", "pod.b", "pod.c", "pod.d", "pod.e"];
      const addresses = ["10.244.0.2", "10.244.0.3", "10.244.1.2", "10.244.1.3", "10.244.2.2"];
      const { state } = await buildAndRead(
        who,
        await bundled("flannel-vxlan"),
        pingAll(pods, [...addresses, "192.168.32.1"]),
      );
      expect([...state.namespaces.keys()]).toEqual(["net.lan", "node.node1", "node.node2", "node.node3", ...pods]);

      const node1 = netns(state, "node.node1");
      const tunnel = node1.link("flannel.1");
      expect(tunnel).toMatchObject({ mtu: 1450, linkinfo: { info_kind: "vxlan" } });
      expect(tunnel?.flags).toContain("UP");
      expect(tunnel?.linkinfo?.info_data).toMatchObject({
        id: 1,
        local: "192.168.32.127",
        link: "eth0",
        port: 8472,
        learning: false,
        udp_csum: true,
        udp_zero_csum6_tx: false,
        udp_zero_csum6_rx: false,
        ageing: 300,
      });
      // A /32 without broadcast address, and so without a broadcast route.
      expect(node1.addresses("flannel.1")).toEqual(["10.244.0.0/32 scope global"]);
      expect(node1.text("local")).not.toContain("broadcast 10.244.0.0 ");
      expect(node1.addresses("cni0")).toEqual(["10.244.0.1/24 brd 10.244.0.255 scope global"]);
      expect(node1.addresses("eth0")).toEqual(["192.168.32.127/24 brd 192.168.32.255 scope global"]);
      expect(node1.routes.toSorted()).toEqual([
        "10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1",
        "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
        "10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink",
        "192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.127",
        "default via 192.168.32.1 dev eth0",
      ]);
      const [mac2, mac3] = ["node.node2", "node.node3"].map((name) => netns(state, name).link("flannel.1")!.address);
      expect(node1.neighbours.toSorted()).toEqual([
        `10.244.1.0 lladdr ${mac2} dev flannel.1`,
        `10.244.2.0 lladdr ${mac3} dev flannel.1`,
      ]);
      expect(node1.fdb("flannel.1").toSorted()).toEqual(
        [`${mac2} dst 192.168.32.128 self permanent`, `${mac3} dst 192.168.32.129 self permanent`].toSorted(),
      );
      expect(node1.link("cni0")).toMatchObject({ mtu: 1450, linkinfo: { info_kind: "bridge" } });
      const ports = node1.ports("cni0");
      expect(ports).toHaveLength(2);
      for (const port of ports) {
        expect(port.hairpin).toBe(true);
        expect(port.name).toMatch(/^veth[0-9a-f]{8}$/);
        expect(node1.link(port.name)?.mtu).toBe(1450);
        expect(node1.link(port.name)?.address).not.toBe(node1.link("cni0")?.address);
      }
      expect(node1.rules).toEqual(flannelRules("10.244.0.0/16", "10.244.0.0/24"));
      expect(netns(state, "node.node3").rules).toEqual(flannelRules("10.244.0.0/16", "10.244.2.0/24"));
      for (const [key, value] of [
        ["net/ipv4/ip_forward", "1"],
        ["net/ipv4/conf/all/rp_filter", "0"],
        ["net/ipv4/conf/eth0/rp_filter", "0"],
        ["net/bridge/bridge-nf-call-iptables", "1"],
        ["net/ipv6/conf/flannel.1/accept_ra", "0"],
        ["net/ipv6/conf/cni0/accept_ra", "0"],
        ["net/ipv6/conf/all/disable_ipv6", "1"],
      ] as const) {
        expect(`${key}=${node1.sysctl(key)}`).toBe(`${key}=${value}`);
      }
      expect(node1.text("files").trim()).toBe(
        "./run/flannel/subnet.env\nFLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.0.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true",
      );

      const b = netns(state, "pod.b");
      expect(b.addresses("eth0")).toEqual(["10.244.0.3/24 brd 10.244.0.255 scope global"]);
      expect(b.routes.toSorted()).toEqual([
        "10.244.0.0/16 via 10.244.0.1 dev eth0",
        "10.244.0.0/24 dev eth0 proto kernel scope link src 10.244.0.3",
        "default via 10.244.0.1 dev eth0",
      ]);
      expect(b.links.map(({ ifname, mtu }) => `${ifname} ${mtu}`)).toEqual(["lo 65536", "eth0 1450"]);

      const lan = netns(state, "net.lan");
      expect(
        lan
          .ports("br0")
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(["node1", "node2", "node3"]);
      expect(lan.sysctl("net/bridge/bridge-nf-call-iptables")).toBe("0");
      expect(lan.sysctl("net/ipv4/ip_forward")).toBe("0");

      for (const [name, inside] of state.namespaces) {
        expect(
          inside.links.filter(({ operstate }) => operstate === "DOWN"),
          name,
        ).toEqual([]);
        expect(
          inside.links.flatMap(({ ifname }) => inside.addresses(ifname)).filter((text) => text.includes(":")),
          name,
        ).toEqual([]);
      }
      expect(state.rest.trim().split("\n")).toEqual(everyPing(pods, [...addresses, "192.168.32.1"]));
    });

    it("flannel-host-gw has plain routes through the nodes, full MTU and no tunnel", async () => {
      const pods = ["pod.a", "pod.b", "pod.c", "pod.d", "pod.e"];
      const addresses = ["10.244.0.2", "10.244.0.3", "10.244.1.2", "10.244.1.3", "10.244.2.2"];
      const { state } = await buildAndRead(who, await bundled("flannel-host-gw"), pingAll(pods, addresses));
      const node2 = netns(state, "node.node2");
      expect(node2.links.map(({ linkinfo }) => linkinfo?.info_kind)).not.toContain("vxlan");
      expect(node2.routes.toSorted()).toEqual([
        "10.244.0.0/24 via 192.168.32.127 dev eth0",
        "10.244.1.0/24 dev cni0 proto kernel scope link src 10.244.1.1",
        "10.244.2.0/24 via 192.168.32.129 dev eth0",
        "192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.128",
        "default via 192.168.32.1 dev eth0",
      ]);
      expect(node2.neighbours).toEqual([]);
      expect(node2.link("cni0")?.mtu).toBe(1500);
      expect(netns(state, "pod.c").link("eth0")?.mtu).toBe(1500);
      expect(node2.rules).toEqual(flannelRules("10.244.0.0/16", "10.244.1.0/24"));
      expect(node2.text("files")).toContain("FLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_MTU=1500\n");
      expect(state.rest.trim().split("\n")).toEqual(everyPing(pods, addresses));
    });

    const tunReason = tunReasons[who];
    it(`flannel-udp carries packets by a process on each node, which ends with the lab${tunReason ? ` (skipped: ${tunReason})` : ""}`, {
      skip: tunReason !== undefined,
    }, async () => {
      const pods = ["pod.a", "pod.b", "pod.c", "pod.d"];
      const addresses = ["10.244.0.2", "10.244.0.3", "10.244.1.2", "10.244.2.2"];
      const sockets = "nsenter --net=/run/netns/node.node2 ss -Hlunp | grep -o 'flanneld'";
      const { state } = await buildAndRead(
        who,
        await bundled("flannel-udp"),
        `${pingAll(pods, [...addresses, "192.168.32.1"], 1)}\n${sockets}`,
      );
      const node2 = netns(state, "node.node2");
      expect(node2.link("flannel0")).toMatchObject({ mtu: 1472, operstate: "UP", linkinfo: { info_kind: "tun" } });
      expect(node2.routes).toContain("10.244.0.0/16 dev flannel0");
      expect(state.rest.trim().split("\n")).toEqual([...everyPing(pods, [...addresses, "192.168.32.1"]), "flanneld"]);
    });

    it("a lab with other names, subnets, VNI, port and MTU is built by the same rules", async () => {
      const pods = ["pod.web", "pod.db", "pod.cache", "pod.queue"];
      const addresses = ["10.50.1.66", "10.50.2.2", "10.50.2.3", "10.50.1.130"];
      const { state } = await buildAndRead(who, own(OWN_LAB), pingAll(pods, addresses));
      const delta = netns(state, "node.delta");
      expect(delta.link("flannel.42")).toMatchObject({ mtu: 8950 });
      expect(delta.link("flannel.42")?.linkinfo?.info_data).toMatchObject({
        id: 42,
        port: 4789,
        local: "172.30.11.40",
        learning: false,
      });
      expect(delta.addresses("flannel.42")).toEqual(["10.50.2.0/32 scope global"]);
      expect(delta.addresses("cni0")).toEqual(["10.50.2.1/26 brd 10.50.2.63 scope global"]);
      expect(delta.addresses("eth0")).toEqual(["172.30.11.40/22 brd 172.30.11.255 scope global"]);
      expect(delta.routes.toSorted()).toEqual([
        "10.50.1.128/26 via 10.50.1.128 dev flannel.42 onlink",
        "10.50.1.192/26 via 10.50.1.192 dev flannel.42 onlink",
        "10.50.1.64/26 via 10.50.1.64 dev flannel.42 onlink",
        "10.50.2.0/26 dev cni0 proto kernel scope link src 10.50.2.1",
        "172.30.8.0/22 dev eth0 proto kernel scope link src 172.30.11.40",
        "default via 172.30.11.254 dev eth0",
      ]);
      expect(delta.rules).toEqual(flannelRules("10.50.0.0/20", "10.50.2.0/26"));
      expect(delta.text("files")).toContain(
        "FLANNEL_NETWORK=10.50.0.0/20\nFLANNEL_SUBNET=10.50.2.1/26\nFLANNEL_MTU=8950\n",
      );
      // A node without pods has no cni0 yet: the CNI plugin makes it with the first pod.
      const gamma = netns(state, "node.gamma");
      expect(gamma.links.map(({ ifname }) => ifname)).toEqual(["lo", "eth0", "flannel.42"]);
      expect(netns(state, "pod.cache").routes.toSorted()).toEqual([
        "10.50.0.0/20 via 10.50.2.1 dev eth0",
        "10.50.2.0/26 dev eth0 proto kernel scope link src 10.50.2.3",
        "default via 10.50.2.1 dev eth0",
      ]);
      const rack = netns(state, "net.rack");
      expect(rack.addresses("br0")).toEqual(["172.30.11.254/22 brd 172.30.11.255 scope global"]);
      const ports = rack.ports("br0").map(({ name }) => name);
      expect(ports).toEqual(
        expect.arrayContaining(["alpha", "gamma", "delta", expect.stringMatching(/^veth[0-9a-f]{8}$/)]),
      );
      expect(ports).toHaveLength(4);
      expect(state.rest.trim().split("\n")).toEqual(everyPing(pods, addresses));
    });

    it("without ipMasq the bridge plugin masquerades, with a chain per pod", async () => {
      const lab = own(OWN_LAB.replace("subnetLen: 26", "subnetLen: 26\n  ipMasq: false"));
      const pods = ["pod.web", "pod.db"];
      const { state } = await buildAndRead(who, lab, pingAll(pods, ["172.30.11.254", "10.50.2.3"]));
      const delta = netns(state, "node.delta");
      expect(delta.rules.filter((rule) => rule.includes("FLANNEL-POSTRTG"))).toEqual([]);
      expect(delta.rules.filter((rule) => /^:CNI-[0-9a-f]{24} -$/.test(rule))).toHaveLength(2);
      expect(delta.rules.filter((rule) => /^-A CNI-\S+ -d 10\.50\.2\.0\/26 .*-j ACCEPT$/.test(rule))).toHaveLength(2);
      expect(delta.text("files")).toContain("FLANNEL_IPMASQ=false");
      expect(state.rest.trim().split("\n")).toEqual(everyPing(pods, ["172.30.11.254", "10.50.2.3"]));
    });

    it("the script also works from stdin", async () => {
      const { code, stdout, stderr } = await buildFromStdin(who, scriptOf(await bundled("flannel-vxlan")), [
        "ip",
        "-n",
        "pod.e",
        "route",
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("default via 10.244.2.1 dev eth0");
    });

    it("a build that fails half-way names the step, its command and its why", async () => {
      const broken: [string, (topology: Topology) => void, string][] = [
        [
          "ip",
          (t) =>
            nodeOf(t, "node2").routes.push({
              to: "10.99.0.0/24",
              via: "203.0.113.1",
              dev: "eth0",
              why: "Nobody is there.",
            }),
          "route add 10.99.0.0/24 via 203.0.113.1 dev eth0",
        ],
        [
          "bridge",
          (t) =>
            nodeOf(t, "node2").fdb.push({
              mac: "02:00:00:00:00:01",
              dev: "nothing",
              dst: "192.0.2.1",
              why: "Nobody is there.",
            }),
          "fdb replace 02:00:00:00:00:01 dev nothing dst 192.0.2.1 self permanent",
        ],
        [
          "sh",
          (t) =>
            nodeOf(t, "node2").sysctls.splice(2, 0, { key: "net/ipv4/nothing", value: "1", why: "Nobody is there." }),
          "echo 1 >/proc/sys/net/ipv4/nothing",
        ],
        [
          "sh",
          (t) =>
            nodeOf(t, "node2").sysctls.splice(4, 0, {
              key: "net/ipv4/ip_forward",
              value: "many",
              why: "Nobody is there.",
            }),
          "echo many >/proc/sys/net/ipv4/ip_forward",
        ],
        [
          "iptables-restore",
          (t) =>
            nodeOf(t, "node2").rules[1]?.rules.push({
              rule: "-A FORWARD -m nothing -j ACCEPT",
              why: "Nobody is there.",
            }),
          "-A FORWARD -m nothing -j ACCEPT",
        ],
        [
          "iptables-restore",
          (t) =>
            nodeOf(t, "node2").rules[0]?.rules.splice(2, 0, { rule: "-A FORWARD --nothing", why: "Nobody is there." }),
          "-A FORWARD --nothing",
        ],
      ];
      for (const [tool, breakIt, command] of broken) {
        const topology = layOutLab(await bundled("flannel-vxlan"));
        breakIt(topology);
        const plan = planLab(topology);
        const { code, stdout, stderr } = await buildAndRun(who, printPlan(plan, { progress: true }), "");
        expect(code, stderr).toBe(1);
        const lines = stdout.trim().split("\n");
        const failed = /^hoplab:failed (\d+) (\d+)$/.exec(lines.at(-1) ?? "");
        const index = Number(failed?.[1]);
        expect(lines.slice(0, -1)).toEqual(plan.batches.slice(0, index).map((_, step) => `hoplab:step ${step}`));
        expect(plan.batches[index]).toMatchObject({ tool, netns: "node.node2" });
        expect(Number(failed?.[2])).toBeGreaterThan(0);
        expect(findFailedStep(plan, index, stderr), stderr).toEqual({ command, why: "Nobody is there." });
      }
    });
  });
}

const either = reasons.root ?? reasons.user;
describe(`root and user${either ? ` (skipped: ${either})` : ""}`, { skip: either !== undefined }, () => {
  it.each(["flannel-vxlan", "flannel-host-gw"])("get the same state of %s from the kernel", async (id) => {
    const lab = await bundled(id);
    const [root, user] = [await buildAndRead("root", lab, ""), await buildAndRead("user", lab, "")];
    expect(parseState(root.stdout).namespaces.size).toBe(9);
    expect(comparable(user.stdout)).toEqual(comparable(root.stdout));
  });
});

function nodeOf(topology: Topology, label: string) {
  return topology.namespaces.find(({ name }) => name === `node/${label}`)!;
}
