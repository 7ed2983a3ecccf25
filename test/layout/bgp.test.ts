/** Who speaks BGP with whom, in Calico labs of many shapes, and what each BIRD is told. test/netns runs them. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import type { Namespace, Topology } from "../../preload/contract/topology.ts";

function layOut(text: string): Topology {
  const parsed = parseLab(`id: any\ntitle: { en: Any }\n${text}`, "any.yaml");
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return layOutLab(parsed.value);
}

/** The session blocks of a namespace's BIRD, by name. */
function sessionsOf(netns: Namespace): Map<string, string> {
  const text = netns.files.find(({ path }) => path.endsWith("/bird.cfg"))?.content ?? "";
  const blocks = text.split(/\nprotocol bgp /).slice(1);
  return new Map(blocks.map((block) => [/^\S+/.exec(block)![0], block.slice(0, block.indexOf("\n}\n"))]));
}

const wordAfter = (block: string, word: RegExp) => new RegExp(`${word.source} (\\S+?);?\\s`).exec(block)?.[1];

interface Shape {
  nodes: number;
  mesh: boolean;
  reflectors: number;
}

const shape: fc.Arbitrary<Shape> = fc
  .record({ nodes: fc.integer({ min: 2, max: 9 }), mesh: fc.boolean(), reflectors: fc.integer({ min: 0, max: 3 }) })
  .filter(({ nodes, mesh, reflectors }) => reflectors <= nodes && (mesh || reflectors > 0));

/** The last addresses have more digits, so that their order as texts is not that as numbers. */
function cluster({ nodes, mesh, reflectors }: Shape): Namespace[] {
  const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
  return layOut(`
underlay: { networks: [{ name: lan, subnet: 10.0.0.0/24 }] }
nodes: [${names.map((name, index) => `{ name: ${name}, address: 10.0.0.${index + 96} }`).join(", ")}]
network:
  plugin: calico
  ipipMode: Never
  bgp: { mesh: ${mesh}, reflectors: [${names.slice(0, reflectors).join(", ")}] }
`).namespaces.filter(({ kind }) => kind === "node");
}

describe("any cluster with BGP", () => {
  it("has both sides of every session, at most one of which waits, and the number that it waits for", () => {
    fc.assert(
      fc.property(shape, (any) => {
        const nodes = cluster(any);
        const speaking = new Map(nodes.map((node) => [`10.0.0.${Number(node.label.slice(1)) + 96}`, node]));
        for (const [own, node] of speaking) {
          const sessions = sessionsOf(node);
          for (const [name, block] of sessions) {
            const address = wordAfter(block, /neighbor/)!;
            expect(name.slice(5)).toBe(address.replaceAll(".", "_"));
            expect(wordAfter(block, /source address/)).toBe(own);
            const back = sessionsOf(speaking.get(address)!).get(name.replace(/_.*/, `_${own.replaceAll(".", "_")}`));
            expect(back, `${node.label} ${name}`).toBeDefined();
            const waiting = [block, back!].filter((each) => each.includes("passive on"));
            expect(waiting).toHaveLength(name.startsWith("Mesh_") ? 1 : 0);
          }
          expect(node.daemons).toMatchObject([{ name: "bird", argv: expect.arrayContaining(["bird", "-f"]) }]);
          expect(node.daemons[0]?.ready?.command).toContain(`-ge ${sessions.size} `);
          expect(node.daemons[0]?.ready?.command.endsWith(`-ge ${nodes.length - 1}`)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("has reflectors that all speak with, that take no part in the mesh, and whose clients the others are", () => {
    fc.assert(
      fc.property(shape, (any) => {
        for (const [index, node] of cluster(any).entries()) {
          const sessions = [...sessionsOf(node)];
          const isReflector = index < any.reflectors;
          const others = any.nodes - any.reflectors;
          const meshes = sessions.filter(([name]) => name.startsWith("Mesh_"));
          const clients = sessions.filter(([, block]) => /rr client;\n {2}rr cluster id 244\.0\.0\.1;/.test(block));
          expect(meshes).toHaveLength(any.mesh && !isReflector ? others - 1 : 0);
          expect(clients).toHaveLength(isReflector ? others : 0);
          expect(sessions.length - meshes.length).toBe(isReflector ? any.nodes - 1 : any.reflectors);
        }
      }),
      { numRuns: 40 },
    );
  });
});

const ROUTER = `
namespaces:
  - name: router
    interfaces: [{ name: eth0, addresses: [10.0.0.1/24] }, { name: eth1, addresses: [10.9.0.1/24] }]
    bird: { as: 65000, networks: [10.9.0.0/24], neighbours: [{ address: 10.0.0.2, as: 65001 }, { address: 10.0.0.3, as: 65002 }] }
  - name: client
    interfaces: [{ name: eth0, addresses: [10.9.0.2/24] }]
links: [[router/eth0, net/lan/router], [router/eth1, client/eth0]]
`;

describe("a router outside the cluster", () => {
  it("is a peer of the nodes in their own AS, and is waited for until it has the block of each", () => {
    const { namespaces } = layOut(`
underlay: { networks: [{ name: lan, subnet: 10.0.0.0/24 }] }
nodes: [{ name: n1, address: 10.0.0.2, as: 65001 }, { name: n2, address: 10.0.0.3, as: 65002 }]
network:
  plugin: calico
  vxlanMode: Never
  ipipMode: Never
  bgp: { mesh: false, peers: [{ address: 10.0.0.1, as: 65000, keepOriginalNextHop: true }] }
${ROUTER}`);
    const [n1, router] = ["node/n1", "router"].map((name) => namespaces.find((netns) => netns.name === name)!);
    const [[name, block] = ["", ""]] = sessionsOf(n1!);
    expect(name).toBe("Global_10_0_0_1");
    expect(block).toContain("neighbor 10.0.0.1 as 65000;");
    expect(block).toContain("calico_export_to_bgp_peers(false);");
    expect(block).toContain("next hop keep;");
    expect(n1!.files[0]?.content).toContain("local as 65001;");
    // The router's network, and the other node's block by way of it.
    expect(n1!.daemons[0]?.ready?.command).toMatch(/-ge 1 && .* -ge 2$/);

    expect([...sessionsOf(router!).keys()]).toEqual(["Peer_10_0_0_2", "Peer_10_0_0_3"]);
    expect(router!.files[0]?.path).toBe("/run/bird/bird.cfg");
    expect(router!.files[0]?.content).toContain("if net ~ [ 10.9.0.0/24 ] then accept;");
    expect(router!.daemons[0]?.ready?.command).toMatch(/-ge 2 && .* -ge 2$/);
  });
});

describe("Calico's BIRD", () => {
  const nodes = `
underlay: { networks: [{ name: one, subnet: 10.0.1.0/24 }, { name: two, subnet: 10.0.2.0/24 }] }
nodes: [{ name: n1, address: 10.0.1.2 }, { name: n2, address: 10.0.2.2 }]
namespaces:
  - { name: r, interfaces: [{ name: eth0, addresses: [10.0.1.1/24] }, { name: eth1, addresses: [10.0.2.1/24] }] }
links: [[r/eth0, net/one/r], [r/eth1, net/two/r]]`;
  const filesOf = (mode: string) => {
    const [node] = layOut(`${nodes}\nnetwork: { plugin: calico, ${mode} }`).namespaces.filter(
      ({ kind }) => kind === "node",
    );
    const text = (name: string) => node!.files.find(({ path }) => path === `/run/calico/${name}`)?.content ?? "";
    return { node: node!, ipam: text("bird_ipam.cfg"), aggregation: text("bird_aggr.cfg"), main: text("bird.cfg") };
  };

  it("announces its block and nothing beneath it, and blackholes what no pod has", () => {
    const { aggregation, node } = filesOf("ipipMode: Never");
    expect(aggregation).toContain("route 192.168.0.0/26 blackhole;");
    expect(aggregation).toMatch(
      /if \( net = 192\.168\.0\.0\/26 \) then \{ accept; \}\n\s*if \( net ~ 192\.168\.0\.0\/26 \) then \{ reject; \}/,
    );
    expect(node.routes.filter(({ proto }) => proto === "bird" || proto === "80")).toEqual([]);
    expect(node.interfaces.map(({ name, mtu }) => [name, mtu])).toEqual([["eth0", 1500]]);
  });

  it("routes into the tunnel with IPIP, in CrossSubnet only to next hops of other subnets", () => {
    expect(filesOf("ipipMode: Never").ipam).not.toContain("tunl0");
    expect(filesOf("ipipMode: Always, routes: bird").ipam).toContain(
      'if ( source = RTS_BGP ) then { onlink = true; ifname = "tunl0"; gw = bgp_next_hop; }',
    );
    expect(filesOf("ipipMode: CrossSubnet, routes: bird").ipam).toContain(
      "if ( source = RTS_BGP && !(bgp_next_hop ~ 10.0.1.0/24) ) then",
    );
  });

  it("does not run where Felix writes the routes", () => {
    expect(filesOf("ipipMode: Always").node.daemons).toEqual([]);
    expect(filesOf("vxlanMode: Always").node.daemons).toEqual([]);
  });
});

describe("BGP that makes no sense is refused", () => {
  const lab = (network: string, rest = "") => `
underlay: { networks: [{ name: lan, subnet: 10.0.0.0/24 }] }
nodes: [{ name: n1, address: 10.0.0.2 }, { name: n2, address: 10.0.0.3 }]
network: { plugin: calico, ${network} }
${rest}`;
  const router = (neighbours: string, networks = "[]") => `
namespaces:
  - name: router
    interfaces: [{ name: eth0, addresses: [10.0.0.1/24] }]
    bird: { as: 65000, neighbours: ${neighbours}, networks: ${networks} }
links: [[router/eth0, net/lan/router]]`;
  const peer = "ipipMode: Never, bgp: { peers: [{ address: 10.0.0.1, as: 65000 }] }";

  it.each([
    ["BGP where Felix writes the routes", lab("vxlanMode: Always, bgp: {}"), "Felix writes the routes of this pool"],
    ["a reflector that is no node", lab("ipipMode: Never, bgp: { reflectors: [n9] }"), 'no node "n9"'],
    ["nodes that never hear of each other", lab("ipipMode: Never, bgp: { mesh: false }"), "no node would hear"],
    [
      "nodes on two networks with nothing between",
      `underlay: { networks: [{ name: one, subnet: 10.0.1.0/24 }, { name: two, subnet: 10.0.2.0/24 }] }
nodes: [{ name: n1, address: 10.0.1.2 }, { name: n2, address: 10.0.2.2 }]
network: { plugin: calico, ipipMode: Never }`,
      "n2 is on two and n1 on one",
    ],
    ["a peer that nobody is", lab(peer), "nothing with the address 10.0.0.1 speaks BGP in this lab"],
    ["a peer that is a node", lab("ipipMode: Never, bgp: { peers: [{ address: 10.0.0.3, as: 1 }] }"), "is a node"],
    [
      "a peer in another AS than it says",
      lab(
        "ipipMode: Never, bgp: { peers: [{ address: 10.0.0.1, as: 65001 }] }",
        router("[{ address: 10.0.0.2, as: 64512 }]"),
      ),
      "is in AS 65000",
    ],
    [
      "a peer that knows only one of two nodes",
      lab(peer, router("[{ address: 10.0.0.2, as: 64512 }]")),
      "does not have n2",
    ],
    [
      "a node in another AS than its router says",
      lab(peer, router("[{ address: 10.0.0.2, as: 1 }]")),
      "is in AS 64512",
    ],
    ["a router whose neighbour is far away", lab(peer, router("[{ address: 10.9.0.2, as: 1 }]")), "in no subnet"],
    ["a router whose neighbour speaks no BGP", lab(peer, router("[{ address: 10.0.0.9, as: 1 }]")), "speaks BGP"],
    [
      "a router that no node has as a peer",
      lab("ipipMode: Never", router("[{ address: 10.0.0.2, as: 64512 }]")),
      "does not have router (AS 65000)",
    ],
    [
      "a network that the router has no route to",
      lab(peer, router("[{ address: 10.0.0.2, as: 64512 }, { address: 10.0.0.3, as: 64512 }]", "[10.7.0.0/24]")),
      "no route to 10.7.0.0/24",
    ],
  ])("%s", (_, text, message) => {
    const parsed = parseLab(`id: any\ntitle: { en: Any }\n${text}`, "any.yaml");
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(JSON.stringify(parsed.fault)).toContain(message.replaceAll(`"`, `\\"`));
  });
});
