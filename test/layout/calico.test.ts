/** Calico topologies of many shapes of lab: what must hold in all of them. The kernel judges the rest in test/netns. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { interfaceName, type Namespace, type Topology } from "../../preload/contract/topology.ts";

interface Shape {
  pods: number[];
  blockSize: number;
  mode: string;
  routes: string;
  mtu: number;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  pods: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 }),
  blockSize: fc.constantFrom(26, 29, 30, 31, 32),
  mode: fc.constantFrom("Always", "CrossSubnet"),
  routes: fc.constantFrom("felix", "bird"),
  mtu: fc.constantFrom(1280, 1500, 9000),
});

/** Nodes alternate between two subnets, with a router between. */
function topologyOf({ pods, blockSize, mode, routes, mtu }: Shape, key = "ipipMode"): Topology {
  return layOut(`
underlay: { networks: [{ name: one, subnet: 172.16.1.0/24, mtu: ${mtu} }, { name: two, subnet: 172.16.2.0/24, mtu: ${mtu} }] }
nodes: [${pods.map((_, n) => `{ name: n${n}, address: 172.16.${(n % 2) + 1}.${n + 2} }`).join(", ")}]
network: { plugin: calico, network: 10.64.0.0/16, blockSize: ${blockSize}, ${key}: ${mode}, routes: ${routes} }
pods: [${pods.flatMap((count, n) => Array.from({ length: count }, (_, pod) => `{ name: p${n}-${pod}, node: n${n} }`)).join(", ")}]
namespaces: [{ name: r, interfaces: [{ name: a, addresses: [172.16.1.1/24] }, { name: b, addresses: [172.16.2.1/24] }] }]
links: [[r/a, net/one/r], [r/b, net/two/r]]
`);
}

function layOut(text: string): Topology {
  const parsed = parseLab(`id: any\ntitle: { en: Any }\nsummary: { en: Any. }\n${text}`, "any.yaml");
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return layOutLab(parsed.value);
}

function nodesOf(topology: Topology): Namespace[] {
  return topology.namespaces.filter(({ kind }) => kind === "node");
}

describe("any Calico lab", { timeout: 60_000 }, () => {
  it("is laid out the same every time, with every name and address once and every veth end at its peer's peer", () => {
    fc.assert(
      fc.property(shape, (any) => {
        const topology = topologyOf(any);
        expect(JSON.stringify(topologyOf(any))).toBe(JSON.stringify(topology));
        const ends = topology.namespaces.flatMap((netns) =>
          netns.interfaces.map((item) => ({ name: `${netns.name}/${item.name}`, item })),
        );
        const byName = new Map(ends.map(({ name, item }) => [name, item]));
        expect(byName.size).toBe(ends.length);
        const addresses = ends.flatMap(({ item }) => item.addresses);
        expect(new Set(addresses).size).toBe(addresses.length);
        for (const { name, item } of ends) {
          expect(item.name.length).toBeLessThanOrEqual(15);
          if (item.kind === "veth") expect(byName.get(interfaceName(item.peer))).toMatchObject({ kind: "veth" });
          if (item.kind === "ipip") expect([name.slice(-5), item.mtu]).toEqual(["tunl0", any.mtu - 20]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("gives every block to one node: a blackhole there, and one route to that node on every other", () => {
    fc.assert(
      fc.property(shape, (any) => {
        const nodes = nodesOf(topologyOf({ ...any, routes: "felix" }));
        const size = 2 ** (32 - any.blockSize);
        const blocks = any.pods.map((count) => Math.ceil((count + 1) / size));
        const all = blocks.reduce((sum, count) => sum + count, 0);
        for (const [index, node] of nodes.entries()) {
          const own = node.routes.filter(({ type }) => type === "blackhole");
          expect(own).toHaveLength(any.blockSize === 32 ? 0 : blocks[index]!);
          const remote = node.routes.filter((route) => route.proto === "80" && route.type === undefined);
          expect(remote).toHaveLength(all - blocks[index]!);
          expect(new Set([...own, ...remote].map(({ to }) => to)).size).toBe(own.length + remote.length);
          for (const route of remote) {
            const isNear = route.via?.startsWith(`172.16.${(index % 2) + 1}.`) ?? false;
            const isDirect = any.mode === "CrossSubnet" && isNear;
            expect(route.dev).toBe(isDirect ? "eth0" : "tunl0");
            expect(route.onlink).toBe(true);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("any Calico lab with VXLAN", { timeout: 60_000 }, () => {
  it("tells every node of every other's end of the tunnel once, and leads to it by way of a MAC address that all can work out", () => {
    fc.assert(
      fc.property(shape, (any) => {
        const topology = topologyOf({ ...any, routes: "felix" }, "vxlanMode");
        const nodes = nodesOf(topology);
        const ends = nodes.map(({ interfaces }) => interfaces.find((item) => item.kind === "vxlan")!);
        for (const [index, node] of nodes.entries()) {
          const device = ends[index]!;
          expect([device.name, device.mtu, device.learning]).toEqual(["vxlan.calico", any.mtu - 50, false]);
          expect(device.mac).toMatch(/^66:/);
          const others = ends.filter((end) => end !== device);
          expect(node.neighbours.map(({ address, mac }) => `${address}/32 ${mac}`)).toEqual(
            others.map(({ addresses, mac }) => `${addresses[0]} ${mac}`),
          );
          expect(node.fdb.map(({ mac, dst }) => `${mac} ${dst}`)).toEqual(
            others.map(({ mac, local }) => `${mac} ${local}`),
          );
          const known = new Set(node.neighbours.map(({ address }) => address));
          for (const route of node.routes.filter(({ dev }) => dev === "vxlan.calico")) {
            expect(known).toContain(route.via);
            expect([route.onlink, route.proto]).toEqual([true, undefined]);
          }
          const direct = node.routes.filter(({ dev, proto }) => dev === "eth0" && proto === "80");
          expect(direct.every(({ onlink }) => onlink)).toBe(true);
          if (any.mode === "Always") expect(direct).toEqual([]);
          const sources = node.ipSets.find(({ name }) => name === "cali40all-vxlan-net");
          expect(sources?.members).toEqual(others.map(({ local }) => local));
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("a Calico node", () => {
  const pod = "pods: [{ name: a, node: n1 }]";

  it("keeps a way to 169.254.1.1 where it has no default route, because proxy ARP needs one", () => {
    const [node] = nodesOf(
      layOut(`
underlay: { networks: [{ name: lan, subnet: 10.0.0.0/29, gateway: 10.0.0.1 }] }
nodes: [{ name: n1, address: 10.0.0.1 }]
network: { plugin: calico }
${pod}`),
    );
    expect(node!.routes).toMatchObject([
      { type: "blackhole", to: "192.168.0.0/26", proto: "80" },
      { to: "169.254.0.0/16", dev: "eth0", scope: "link" },
      { to: "192.168.0.1/32", scope: "link" },
    ]);
  });

  // The hashes are those of real clusters, as people have posted their iptables-save.
  it("lets in VXLAN from nodes alone, by rules with the hashes of a real cluster", () => {
    const [node] = nodesOf(
      layOut(`
underlay: { networks: [{ name: lan, subnet: 10.0.0.0/24 }] }
nodes: [{ name: n1, address: 10.0.0.2 }]
network: { plugin: calico, vxlanMode: Always }
`),
    );
    const rules = node!.rules.flatMap((table) => table.rules.map(({ rule }) => `${table.table} ${rule}`));
    const hash = (text: string) => `-m comment --comment "cali:${text}"`;
    expect(rules).toEqual(
      expect.arrayContaining([
        `raw -A cali-PREROUTING ${hash("XFX5xbM8B9qR10JG")} -j MARK --set-xmark 0x0/0xf0000`,
        `raw -A cali-OUTPUT ${hash("njdnLwYeGqBJyMxW")} -j MARK --set-xmark 0x0/0xf0000`,
        `raw -A cali-OUTPUT ${hash("rz86uTUcEZAfFsh7")} -j cali-to-host-endpoint`,
        `filter -A INPUT ${hash("Cz_u1IQiXIMmKD4c")} -j cali-INPUT`,
        `filter -A cali-INPUT -p 17 ${hash("J76FwxInZIsk7uKY")} -m comment --comment "Allow IPv4 VXLAN packets from allowed hosts" -m multiport --dports 4789 -m set --match-set cali40all-vxlan-net src -m addrtype --dst-type LOCAL -j ACCEPT`,
        `filter -A cali-INPUT -p 17 ${hash("EDCNTTxYfggApx8C")} -m comment --comment "Drop IPv4 VXLAN packets from non-allowed hosts" -m multiport --dports 4789 -m addrtype --dst-type LOCAL -j DROP`,
      ]),
    );
  });

  it("takes the smallest MTU of its cards for its tunnel and its pods", () => {
    const { namespaces } = layOut(`
underlay: { networks: [{ name: fast, subnet: 10.0.0.0/24, mtu: 9000 }, { name: slow, subnet: 10.0.1.0/24, mtu: 1400 }] }
nodes: [{ name: n1, address: [10.0.0.2, 10.0.1.2] }]
network: { plugin: calico }
${pod}`);
    const mtus = namespaces.flatMap(({ name, interfaces }) =>
      interfaces.map((item) => [`${name}/${item.name}`, item.mtu]),
    );
    expect(mtus).toEqual(
      expect.arrayContaining([
        ["node/n1/tunl0", 1380],
        ["pod/a/eth0", 1380],
      ]),
    );
  });
});
