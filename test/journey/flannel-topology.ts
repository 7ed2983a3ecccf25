/** The layout that fixtures/record-flannel.sh builds: two nodes on one LAN, pods a and b on node1, pod c on node2. */

import type { Interface, Namespace, NamespaceKind, Topology } from "../../preload/contract/topology.ts";

const WHY = "as recorded";

export function namespace(name: string, kind: NamespaceKind, interfaces: Interface[]): Namespace {
  const label = name.split("/").at(-1)!;
  return {
    name,
    kind,
    label,
    why: WHY,
    interfaces,
    routes: [],
    neighbours: [],
    fdb: [],
    sysctls: [],
    ipSets: [],
    rules: [],
    nftables: [],
    daemons: [],
    files: [],
  };
}

export function veth(
  name: string,
  peer: [netns: string, dev: string],
  more: { addresses?: string[]; master?: string; hairpin?: boolean; mac?: string } = {},
): Interface {
  return {
    kind: "veth",
    name,
    peer: { netns: peer[0], interface: peer[1] },
    mac: more.mac ?? "02:00:00:00:00:01",
    mtu: 1500,
    addresses: more.addresses ?? [],
    master: more.master,
    hairpin: more.hairpin,
    why: WHY,
  };
}

export function bridge(name: string, addresses: string[] = []): Interface {
  return { kind: "bridge", name, mac: "02:00:00:00:00:02", mtu: 1500, addresses, why: WHY };
}

function vxlan(name: string, local: string, dev: string, addresses: string[]): Interface {
  const mac = "02:00:00:00:00:03";
  return { kind: "vxlan", name, local, dev, vni: 1, port: 8472, learning: false, mac, mtu: 1450, addresses, why: WHY };
}

function node(number: number, pods: string[]): Namespace {
  const name = `node/node${number}`;
  const ports = pods.map((pod) => veth(`veth${pod}`, [`pod/${pod}`, "eth0"], { master: "cni0", hairpin: true }));
  return namespace(name, "node", [
    veth("eth0", ["net/lan", `node${number}`], { addresses: [`192.168.32.12${number}/24`] }),
    vxlan("flannel.1", `192.168.32.12${number}`, "eth0", [`10.244.${number}.0/32`]),
    bridge("cni0", [`10.244.${number}.1/24`]),
    ...ports,
  ]);
}

function pod(name: string, number: number, address: string): Namespace {
  return namespace(`pod/${name}`, "pod", [
    veth("eth0", [`node/node${number}`, `veth${name}`], { addresses: [address] }),
  ]);
}

export const flannelTopology: Topology = {
  lab: "recorded",
  namespaces: [
    node(1, ["a", "b"]),
    node(2, ["c"]),
    pod("a", 1, "10.244.1.2/24"),
    pod("b", 1, "10.244.1.3/24"),
    pod("c", 2, "10.244.2.2/24"),
    namespace("net/lan", "net", [
      bridge("br0"),
      veth("node1", ["node/node1", "eth0"], { master: "br0" }),
      veth("node2", ["node/node2", "eth0"], { master: "br0" }),
    ]),
  ],
};
