/** Topologies and journeys written by hand, shaped exactly as the layouts and the capture make them. */

import type { Protocol } from "../../preload/contract/frame.ts";
import type { Change, Hop, Journey } from "../../preload/contract/journey.ts";
import type { Interface, Namespace, NamespaceKind, Topology } from "../../preload/contract/topology.ts";

export function namespaceOf(
  name: string,
  kind: NamespaceKind,
  interfaces: Interface[],
  more: Partial<Namespace> = {},
): Namespace {
  return {
    name,
    kind,
    label: name.split("/").at(-1) ?? name,
    why: "",
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
    ...more,
  };
}

export function veth(
  name: string,
  netns: string,
  peer: string,
  more: { addresses?: string[]; master?: string } = {},
): Interface {
  return {
    kind: "veth",
    name,
    mac: "02:00:00:00:00:01",
    mtu: 1500,
    addresses: [],
    why: "",
    peer: { netns, interface: peer },
    ...more,
  };
}

export function bridge(name: string, addresses: string[] = []): Interface {
  return { kind: "bridge", name, mac: "02:00:00:00:00:02", mtu: 1500, addresses, why: "" };
}

/** The name that the layout would derive: `veth` and 8 hexadecimal digits. */
export function vethName(node: number, pod: number): string {
  return `veth${(0x3fa9c100 + node * 4099 + pod * 65537).toString(16).padStart(8, "0")}`;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
export function podName(index: number): string {
  const letter = LETTERS[index % LETTERS.length] ?? "z";
  return index < LETTERS.length ? letter : `${letter}${Math.floor(index / LETTERS.length)}`;
}

/** Flannel VXLAN or host-gw as in ground-truth.md 1.1 and 1.3: one node for each entry, with that many pods, on one LAN. */
export function flannelTopology(podsPerNode: readonly number[], backend: "vxlan" | "host-gw" = "vxlan"): Topology {
  const namespaces: Namespace[] = [];
  const mtu = backend === "vxlan" ? 1450 : 1500;
  const nodes = podsPerNode.map((_, index) => `node${index + 1}`);
  namespaces.push(
    namespaceOf("net/lan", "net", [
      bridge("lan"),
      ...nodes.map((node) => veth(node, `node/${node}`, "eth0", { master: "lan" })),
    ]),
  );
  let nextPod = 0;
  podsPerNode.forEach((pods, index) => {
    const node = nodes[index] ?? "";
    const names = Array.from({ length: pods }, () => podName(nextPod++));
    const address = `192.168.32.${127 + index}`;
    namespaces.push(
      namespaceOf(`node/${node}`, "node", [
        veth("eth0", "net/lan", node, { addresses: [`${address}/24`] }),
        ...(backend === "vxlan"
          ? [
              {
                kind: "vxlan" as const,
                name: "flannel.1",
                mac: `02:00:00:00:0${index % 10}:01`,
                mtu,
                addresses: [`10.244.${index}.0/32`],
                why: "",
                vni: 1,
                local: address,
                dev: "eth0",
                port: 8472,
                learning: false,
              },
            ]
          : []),
        { ...bridge("cni0", [`10.244.${index}.1/24`]), mtu },
        ...names.map((pod, order) => veth(vethName(index, order), `pod/${pod}`, "eth0", { master: "cni0" })),
      ]),
    );
    names.forEach((pod, order) => {
      namespaces.push(
        namespaceOf(
          `pod/${pod}`,
          "pod",
          [veth("eth0", `node/${node}`, vethName(index, order), { addresses: [`10.244.${index}.${order + 2}/24`] })],
          { node: `node/${node}` },
        ),
      );
    });
  });
  return { lab: `flannel-${backend}`, namespaces };
}

/** Namespaces on one bridge, without a cluster: to watch ARP and flooding. */
export function bridgeTopology(names: readonly string[]): Topology {
  return {
    lab: "bridge-arp",
    namespaces: [
      ...names.map((name, index) =>
        namespaceOf(name, "host", [veth("eth0", "switch", name, { addresses: [`10.0.0.${index + 1}/24`] })]),
      ),
      namespaceOf("switch", "host", [
        bridge("br0"),
        ...names.map((name) => veth(name, name, "eth0", { master: "br0" })),
      ]),
    ],
  };
}

/** Machines in a line, each linked to the next. */
export function chainTopology(names: readonly string[]): Topology {
  return {
    lab: "chain",
    namespaces: names.map((name, index) => {
      const before = names[index - 1];
      const after = names[index + 1];
      return namespaceOf(name, "host", [
        ...(before === undefined ? [] : [veth(before, before, name, { addresses: [`10.${index - 1}.0.2/24`] })]),
        ...(after === undefined ? [] : [veth(after, after, name, { addresses: [`10.${index}.0.1/24`] })]),
      ]);
    }),
  };
}

/** Hosts on one of two networks, or as routers on both. */
export function twoNetworksTopology(places: readonly ("a" | "b" | "both")[]): Topology {
  const nets = (place: string) => (place === "both" ? ["a", "b"] : [place]);
  return {
    lab: "two-networks",
    namespaces: [
      ...["a", "b"].map((net) =>
        namespaceOf(`net/${net}`, "net", [
          bridge(net),
          ...places.flatMap((place, index) =>
            nets(place).includes(net) ? [veth(`node${index}`, `node/node${index}`, `eth-${net}`, { master: net })] : [],
          ),
        ]),
      ),
      ...places.map((place, index) =>
        namespaceOf(
          `node/node${index}`,
          "node",
          nets(place).map((net) =>
            veth(`eth-${net}`, `net/${net}`, `node${index}`, {
              addresses: [`192.168.${net === "a" ? 1 : 2}.${index}/24`],
            }),
          ),
        ),
      ),
    ],
  };
}

function hop(
  netns: string,
  name: string,
  direction: Hop["direction"],
  at: number,
  layers: Protocol[],
  changes: Change[] = [],
  parent?: number,
): Hop {
  return {
    netns,
    interface: name,
    direction,
    at,
    layers,
    titles: layers.map((layer) => layer),
    changes,
    frame: at,
    parent,
  };
}

const PLAIN: Protocol[] = ["eth", "ipv4", "icmp"];
const WRAPPED: Protocol[] = ["eth", "ipv4", "udp", "vxlan", "eth", "ipv4", "icmp"];

function line(hops: Hop[]): Hop[] {
  return hops.map((each, index) => (index === 0 ? each : { ...each, parent: index - 1 }));
}

/** A ping from the first pod of node1 to the first pod of node2, over VXLAN. */
export function vxlanJourney(podsPerNode: readonly number[]): Journey {
  const to = `pod/${podName(podsPerNode[0] ?? 0)}`;
  const wrapped: Change[] = [
    {
      kind: "wrapped",
      layers: ["eth", "ipv4", "udp", "vxlan"],
      cause: "02:00:00:00:01:01 dev flannel.1 dst 192.168.32.128 self permanent",
    },
  ];
  return {
    id: 0,
    summary: "ICMP echo request 10.244.0.2 > 10.244.1.2 id 7 seq 1",
    end: "arrived",
    lastSeen: `${to}/eth0`,
    hops: line([
      hop("pod/a", "eth0", "out", 0, PLAIN),
      hop("node/node1", vethName(0, 0), "in", 1200, PLAIN),
      hop("node/node1", "cni0", "in", 4100, PLAIN),
      hop("node/node1", "flannel.1", "out", 10391, PLAIN, [
        { kind: "routed", ttl: [64, 63], cause: "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink" },
      ]),
      hop("node/node1", "eth0", "out", 14022, WRAPPED, wrapped),
      hop("net/lan", "node1", "in", 15100, WRAPPED),
      hop("net/lan", "node2", "out", 16900, WRAPPED, [{ kind: "bridged" }]),
      hop("node/node2", "eth0", "in", 17800, WRAPPED),
      hop("node/node2", "flannel.1", "in", 21000, PLAIN, [
        { kind: "unwrapped", layers: ["eth", "ipv4", "udp", "vxlan"] },
      ]),
      hop("node/node2", "cni0", "out", 23400, PLAIN, [{ kind: "routed", ttl: [63, 62] }]),
      hop("node/node2", vethName(1, 0), "out", 24100, PLAIN),
      hop(to, "eth0", "in", 25300, PLAIN, [{ kind: "delivered" }]),
    ]),
  };
}

/** Who-has from the first name, flooded to all the others. */
export function floodJourney(names: readonly string[]): Journey {
  const arp: Protocol[] = ["eth", "arp"];
  const first = names[0] ?? "";
  const hops: Hop[] = [hop(first, "eth0", "out", 0, arp), hop("switch", first, "in", 900, arp, [], 0)];
  const rest = names.slice(1);
  rest.forEach((name, index) => {
    hops.push(hop("switch", name, "out", 2000 + index, arp, [{ kind: "flooded" }], 1));
  });
  rest.forEach((name, index) => {
    hops.push(hop(name, "eth0", "in", 3000 + index, arp, [], 2 + index));
  });
  return { id: 1, summary: "ARP who-has 10.0.0.2", end: "arrived", lastSeen: `${rest[0] ?? first}/eth0`, hops };
}
