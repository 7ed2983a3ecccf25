/** Topologies of many shapes of lab: what must hold in all of them. The kernel judges the rest in test/netns. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { type Interface, interfaceName, type Topology } from "../../preload/contract/topology.ts";

interface Shape {
  nodes: number;
  pods: number[];
  subnetLen: number;
  backend: string;
  mtu: number;
  ipMasq: boolean;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  nodes: fc.integer({ min: 1, max: 12 }),
  pods: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 12, maxLength: 12 }),
  subnetLen: fc.integer({ min: 22, max: 29 }),
  backend: fc.constantFrom(
    "{ type: host-gw }",
    "{ type: vxlan }",
    "{ type: vxlan, vni: 4096, port: 4789 }",
    "{ type: vxlan, directRouting: true }",
    "{ type: udp }",
    "{ type: ipip }",
    "{ type: ipip, directRouting: true }",
  ),
  mtu: fc.constantFrom(576, 1280, 1500, 9000),
  ipMasq: fc.boolean(),
});

function topologyOf({ nodes, pods, subnetLen, backend, mtu, ipMasq }: Shape): Topology {
  const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
  const text = `
id: any
title: { en: Any }
summary: { en: Any. }
underlay: { networks: [{ name: lan, subnet: 172.16.0.0/24, mtu: ${mtu} }] }
nodes:
${names.map((name, index) => `  - { name: ${name}, address: 172.16.0.${index + 2} }`).join("\n")}
network: { plugin: flannel, network: 10.64.0.0/12, subnetLen: ${subnetLen}, backend: ${backend}, ipMasq: ${ipMasq} }
pods: [${names.flatMap((name, index) => Array.from({ length: pods[index]! }, (_, pod) => `{ name: p${index}-${pod}, node: ${name} }`)).join(", ")}]
`;
  const parsed = parseLab(text, "any.yaml");
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return layOutLab(parsed.value);
}

describe("any flannel lab", () => {
  it("is laid out the same every time", () => {
    fc.assert(
      fc.property(shape, (any) => {
        expect(JSON.stringify(topologyOf(any))).toBe(JSON.stringify(topologyOf(any)));
      }),
      { numRuns: 30 },
    );
  });

  it("has every name, MAC and pod address once, every veth end at its peer's peer, and every port on a bridge", () => {
    fc.assert(
      fc.property(shape, (any) => {
        const { namespaces } = topologyOf(any);
        const ends = new Map(
          namespaces.flatMap((netns) =>
            netns.interfaces.map((item): [string, Interface] => [`${netns.name}/${item.name}`, item]),
          ),
        );
        expect(ends.size).toBe(namespaces.reduce((sum, netns) => sum + netns.interfaces.length, 0));
        const macs = [...ends.values()].flatMap((item) => ("mac" in item ? [item.mac] : []));
        expect(new Set(macs).size).toBe(macs.length);
        const addresses = [...ends.values()].flatMap((item) => item.addresses.map((text) => text.split("/")[0]));
        expect(new Set(addresses).size).toBe(addresses.length);
        for (const netns of namespaces) {
          for (const item of netns.interfaces) {
            expect(item.name.length).toBeLessThanOrEqual(15);
            expect(item.why).not.toBe("");
            if (item.master) expect(ends.get(`${netns.name}/${item.master}`)?.kind).toBe("bridge");
            if (item.kind === "veth") {
              expect(ends.get(interfaceName(item.peer))).toMatchObject({
                kind: "veth",
                peer: { netns: netns.name, interface: item.name },
              });
            }
            if (item.kind === "vxlan") expect(item.mtu).toBe(any.mtu - 50);
          }
          for (const { dev } of [...netns.routes, ...netns.neighbours, ...netns.fdb]) {
            if (dev !== undefined) expect(netns.interfaces.map(({ name }) => name)).toContain(dev);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("gives each node one route per other node (with UDP one for all), and one neighbour and FDB entry each only in a VXLAN tunnel", () => {
    fc.assert(
      fc.property(shape, (any) => {
        const others = any.nodes - 1;
        const isTunnelled = any.backend.includes("vxlan") && !any.backend.includes("directRouting");
        const tunnelled = isTunnelled ? others : 0;
        const routes = any.backend.includes("udp") ? 1 : others;
        for (const netns of topologyOf(any).namespaces.filter(({ kind }) => kind === "node")) {
          expect(netns.routes.filter(({ to }) => to !== "default")).toHaveLength(routes);
          expect(netns.neighbours).toHaveLength(tunnelled);
          expect(netns.fdb).toHaveLength(tunnelled);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("sets no IPv6 option of a device that is too small for IPv6", () => {
    const keys = (mtu: number) =>
      topologyOf({ nodes: 1, pods: Array(12).fill(1), subnetLen: 24, backend: "{ type: vxlan }", mtu, ipMasq: true })
        .namespaces.flatMap(({ sysctls }) => sysctls)
        .filter(({ key }) => key.endsWith("accept_ra"));
    expect(keys(1500).map(({ key }) => key)).toEqual([
      "net/ipv6/conf/flannel.1/accept_ra",
      "net/ipv6/conf/cni0/accept_ra",
    ]);
    expect(keys(1280)).toEqual([]);
  });
});

describe("the gateway of a network", () => {
  const lab = (network: string, more = "") => {
    const text = `
id: gw
title: { en: Gateway }
summary: { en: Gateway. }
underlay: { networks: [{ name: lan, subnet: 10.0.0.0/29${network} }] }
nodes: [{ name: n1, address: 10.0.0.1 }, { name: n2, address: 10.0.0.2 }]
${more}`;
    const parsed = parseLab(text, "gw.yaml");
    if (!parsed.ok) throw new Error(parsed.fault.message);
    const { namespaces } = layOutLab(parsed.value);
    const named = (name: string) => namespaces.find((netns) => netns.name === name)!;
    return { bridge: named("net/lan").interfaces[0]!.addresses, route: named("node/n1").routes };
  };

  it("is the first address that nobody has, on the switch itself", () => {
    expect(lab("")).toMatchObject({
      bridge: ["10.0.0.3/29"],
      route: [{ to: "default", via: "10.0.0.3", dev: "eth0" }],
    });
  });

  it("is the one of the lab file", () => {
    expect(lab(", gateway: 10.0.0.6")).toMatchObject({ bridge: ["10.0.0.6/29"], route: [{ via: "10.0.0.6" }] });
  });

  it("stays with the machine that has it: the switch gets no address, and that machine no route to itself", () => {
    const router =
      "namespaces: [{ name: r, interfaces: [{ name: eth0, addresses: [10.0.0.6/29] }] }]\nlinks: [[r/eth0, net/lan/up]]\n";
    expect(lab(", gateway: 10.0.0.6", router)).toMatchObject({ bridge: [], route: [{ via: "10.0.0.6" }] });
    expect(lab(", gateway: 10.0.0.1")).toEqual({ bridge: [], route: [] });
  });

  it("is none where every address is taken", () => {
    const nodes = [3, 4, 5, 6].map(
      (host) => `    - { name: x${host}, interfaces: [{ name: eth0, addresses: [10.0.0.${host}/29] }] }`,
    );
    const links = [3, 4, 5, 6].map((host) => `    - [x${host}/eth0, net/lan/p${host}]`);
    expect(lab("", `namespaces:\n${nodes.join("\n")}\nlinks:\n${links.join("\n")}\n`)).toEqual({
      bridge: [],
      route: [],
    });
  });
});

it("a node on two networks has a card on each, and its default route on the first", () => {
  const text = `
id: two
title: { en: Two }
summary: { en: Two networks. }
underlay: { networks: [{ name: front, subnet: 10.1.0.0/24 }, { name: back, subnet: 10.2.0.0/24, mtu: 9000 }] }
nodes:
  - { name: n1, address: [10.2.0.5, 10.1.0.5] }
  - { name: a-name-of-16-byte, address: 10.2.0.6 }
  - { name: br0, address: 10.2.0.7 }
`;
  const parsed = parseLab(text, "two.yaml");
  if (!parsed.ok) throw new Error(parsed.fault.message);
  const { namespaces } = layOutLab(parsed.value);
  const n1 = namespaces.find(({ name }) => name === "node/n1")!;
  expect(n1.interfaces.map(({ name, mtu, addresses }) => [name, mtu, addresses])).toEqual([
    ["eth0", 9000, ["10.2.0.5/24"]],
    ["eth1", 1500, ["10.1.0.5/24"]],
  ]);
  expect(n1.routes).toMatchObject([{ to: "default", via: "10.2.0.1", dev: "eth0" }]);
  const ports = namespaces.find(({ name }) => name === "net/back")!.interfaces.map(({ name }) => name);
  expect(ports).toEqual([
    "br0",
    "n1",
    expect.stringMatching(/^veth[0-9a-f]{8}$/),
    expect.stringMatching(/^veth[0-9a-f]{8}$/),
  ]);
});
