/** Flannel's options, each against what it must change: what no bundled lab shows, or only on a kernel that many lack. */

import { describe, expect, it } from "vitest";
import { parseLab } from "../../main/lab/read.ts";
import { requirementsOf } from "../../main/lab/requirements.ts";
import type { Lab } from "../../main/lab/schema.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import type { Namespace, Route } from "../../preload/contract/topology.ts";

function labOf(network: string): Lab {
  const text = `
id: options
title: { en: Options }
underlay:
  networks: [{ name: lan, subnet: 192.168.1.0/24 }, { name: far, subnet: 192.168.2.0/24 }, { name: back, subnet: 192.168.3.0/24, mtu: 9000 }]
nodes:
  - { name: n1, address: [192.168.1.11, 192.168.3.11] }
  - { name: n2, address: [192.168.1.12, 192.168.3.12] }
  - { name: n3, address: [192.168.2.13, 192.168.3.13] }
network: { plugin: flannel, network: 10.244.0.0/16, ${network} }
pods: [{ name: a, node: n1 }, { name: b, node: n2 }, { name: c, node: n3 }]
`;
  const parsed = parseLab(text, "options.yaml");
  if (!parsed.ok) throw new Error(parsed.fault.problems?.map(({ message }) => message).join("\n"));
  return parsed.value;
}

function firstNode(network: string): Namespace {
  return layOutLab(labOf(network)).namespaces.find(({ name }) => name === "node/n1")!;
}

const podRoutes = (node: Namespace): Omit<Route, "why">[] =>
  node.routes.filter(({ to }) => to.startsWith("10.244.")).map(({ why: _, ...route }) => route);

describe("flannel", () => {
  it("with ipip and directRouting changes the device of a near node's route, and leaves it onlink", () => {
    expect(podRoutes(firstNode("backend: { type: ipip, directRouting: true }"))).toEqual([
      { to: "10.244.1.0/24", via: "192.168.1.12", dev: "eth0", onlink: true },
      { to: "10.244.2.0/24", via: "192.168.2.13", dev: "flannel.ipip", onlink: true },
    ]);
  });

  it.each([
    ["host-gw", "eth1"],
    ["ipip", "flannel.ipip onlink"],
  ])("with %s looks after the routes that it has written", (type, dev) => {
    const node = firstNode(`backend: { type: ${type} }, iface: eth1`);
    const file = node.files.find(({ path }) => path === "/run/flannel/routes");
    expect(file?.content).toBe(
      `route add 10.244.1.0/24 via 192.168.3.12 dev ${dev}\nroute add 10.244.2.0/24 via 192.168.3.13 dev ${dev}\n`,
    );
    expect(node.daemons.map(({ name }) => name)).toEqual(["flanneld"]);
  });

  it.each(["{ type: vxlan }", "{ type: vxlan, directRouting: true }"])("with %s looks after no route", (backend) => {
    expect(firstNode(`backend: ${backend}, iface: eth1`).daemons).toEqual([]);
  });

  it("with vxlan and directRouting leaves it to the kernel by which card a near node is reached", () => {
    const node = firstNode("backend: { type: vxlan, directRouting: true }");
    expect(podRoutes(node)).toEqual([
      { to: "10.244.1.0/24", via: "192.168.1.12" },
      { to: "10.244.2.0/24", via: "10.244.2.0", dev: "flannel.1", onlink: true },
    ]);
    expect(node.fdb.map(({ dst }) => dst)).toEqual(["192.168.2.13"]);
  });

  it("calls every node near that it shares a network with, on whichever card", () => {
    const node = firstNode("backend: { type: vxlan, directRouting: true }, iface: eth1");
    expect(podRoutes(node).map(({ via }) => via)).toEqual(["192.168.3.12", "192.168.3.13"]);
    expect(node.fdb).toEqual([]);
  });

  it.each([
    ["{ type: vxlan }", 8950],
    ["{ type: host-gw }", 9000],
    ["{ type: udp }", 8972],
    ["{ type: ipip }", 8980],
  ])("with the backend %s takes the MTU of the card that iface names, less its headers: %i", (backend, mtu) => {
    const node = firstNode(`backend: ${backend}, iface: eth1`);
    expect(node.interfaces.find(({ name }) => name === "cni0")?.mtu).toBe(mtu);
    expect(node.files.find(({ path }) => path === "/run/flannel/subnet.env")?.content).toContain(
      `FLANNEL_MTU=${mtu}\n`,
    );
    const tunnel = node.interfaces.find(({ kind }) => kind === "vxlan" || kind === "tun" || kind === "ipip");
    if (tunnel) expect(tunnel).toMatchObject({ mtu, dev: "eth1" });
  });

  it("tells the UDP process where every other node listens, on the port that the lab names", () => {
    const node = firstNode("backend: { type: udp, port: 9000 }");
    expect(node.files.find(({ path }) => path === "/run/flannel/udp-routes")?.content).toBe(
      "10.244.1.0/24 192.168.1.12:9000\n10.244.2.0/24 192.168.2.13:9000\n",
    );
    expect(node.daemons.map(({ name, argv }) => [name, ...argv.slice(2)])).toEqual([
      ["flanneld", "flannel0", "10.244.0.0", "192.168.1.11:9000", "1472", "/run/flannel/udp-routes"],
    ]);
  });

  it("without hairpinMode leaves the bridge's ports as they are", () => {
    const hairpins = (network: string) =>
      firstNode(network).interfaces.flatMap((item) => (item.master === "cni0" ? [item.hairpin] : []));
    expect(hairpins("hairpinMode: true")).toEqual([true]);
    expect(hairpins("hairpinMode: false")).toEqual([undefined]);
  });

  it("with nftables and without ipMasq lets the bridge plugin masquerade with iptables, and keeps its forward chain", () => {
    const node = firstNode("rules: nftables, ipMasq: false");
    expect(node.nftables.map(({ name, chains }) => [name, chains.map((chain) => chain.name)])).toEqual([
      ["flannel-ipv4", ["forward"]],
      ["flannel-ipv6", []],
    ]);
    expect(node.rules.map(({ table }) => table)).toEqual(["nat"]);
    expect(JSON.stringify(node.rules)).not.toContain("FLANNEL");
  });

  it.each([
    ["backend: { type: vxlan }", ["iptables", "vxlan"]],
    ["backend: { type: host-gw }, iface: eth1", ["iptables"]],
    ["backend: { type: udp }", ["iptables", "tun"]],
    ["backend: { type: ipip }", ["ipip", "iptables"]],
    ["rules: nftables", ["nft", "vxlan"]],
    ["rules: nftables, ipMasq: false", ["iptables", "nft", "vxlan"]],
  ])("with %s asks the target for %j besides what every cluster needs", (network, own) => {
    const needed = requirementsOf(labOf(network)).filter((name) => !["br_netfilter", "bridge", "veth"].includes(name));
    expect(needed).toEqual(own);
  });
});
