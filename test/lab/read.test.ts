/** Lab files with one or many mistakes, and the lines and columns that are named. */

import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLab, readLab } from "../../main/lab/read.ts";
import { requirementsOf } from "../../main/lab/requirements.ts";

const VALID = `id: small
title: { en: Small }
summary: { en: Two pods. }
underlay:
  networks:
    - { name: lan, subnet: 192.168.1.0/24 }
nodes:
  - { name: n1, address: 192.168.1.11 }
  - { name: n2, address: 192.168.1.12 }
network:
  plugin: flannel
  network: 10.244.0.0/16
pods:
  - { name: a, node: n1 }
  - { name: b, node: n2 }
traffic:
  - { from: a, to: b }
checks:
  - ping: { from: a, to: b }
`;

/** `line:column: message` of every problem. */
function problemsOf(text: string): string[] {
  const parsed = parseLab(text, "lab.yaml");
  if (parsed.ok) return [];
  expect(parsed.fault.code).toBe("bad-input");
  return (parsed.fault.problems ?? []).map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

function edited(...edits: [string, string][]): string {
  return edits.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  }, VALID);
}

describe("a lab file", () => {
  it("gets flannel's defaults where it says nothing", () => {
    const parsed = parseLab(VALID, "lab.yaml");
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        network: { subnetLen: 24, ipMasq: true, backend: { type: "vxlan", vni: 1, port: 8472 } },
        underlay: { networks: [{ mtu: 1500 }] },
        traffic: [{ protocol: "icmp", count: 1 }],
      },
    });
  });

  it.each<[string, [string, string], string]>([
    [
      "an unknown key",
      ["id: small", "id: small\ncolour: red"],
      '2:1: unknown key "colour"; allowed are id, title, summary, requires,',
    ],
    ["a key that is there twice", ["id: small", "id: small\nid: big"], '2:1: the key "id" is there twice'],
    ["a missing key", ["title: { en: Small }\n", ""], "1:1: title: is missing; allowed is a mapping with en"],
    ["a wrong type", ["{ en: Small }", "7"], "2:8: title: found 7; allowed is a mapping"],
    ["a capital letter in a name", ["name: n1", "name: N1"], '8:13: nodes[0].name: found "N1"; allowed is a name of'],
    [
      "an IPv6 address",
      ["192.168.1.11", '"fd00::1"'],
      '8:26: nodes[0].address: found "fd00::1"; allowed is an IPv4 address such as 192.168.32.127 (labs have no IPv6',
    ],
    [
      "no address at all",
      ["192.168.1.11", "192.168.1.256"],
      '8:26: nodes[0].address: found "192.168.1.256"; allowed is an IPv4 address',
    ],
    [
      "an unknown plugin",
      ["plugin: flannel", "plugin: weave"],
      '11:11: network.plugin: found "weave"; allowed is flannel or calico',
    ],
    [
      "an unknown backend",
      ["plugin: flannel", "plugin: flannel\n  backend: { type: wireguard }"],
      '12:20: network.backend.type: found "wireguard"; allowed is vxlan or host-gw or udp or ipip',
    ],
    [
      "a VNI that is too large",
      ["plugin: flannel", "plugin: flannel\n  backend: { type: vxlan, vni: 16777216 }"],
      "12:32: network.backend.vni: found 16777216; allowed is at most 16777215",
    ],
    [
      "a VNI whose device name would not fit",
      ["plugin: flannel", "plugin: flannel\n  backend: { type: vxlan, vni: 16777215 }"],
      "12:32: network.backend.vni: the tunnel device would be called flannel.16777215, which is 16 bytes",
    ],
    [
      "an MTU below IPv4's",
      ["subnet: 192.168.1.0/24", "subnet: 192.168.1.0/24, mtu: 100"],
      "6:49: underlay.networks[0].mtu: found 100; allowed is at least 576",
    ],
    ["a broken mapping", ["{ en: Small }", "{ en: Small"], "3:1: "],
    ["an alias of nothing", ["{ en: Small }", "*nothing"], "2:8: the alias *nothing names no anchor before it"],
    ["a second document", ["id: small", "id: small\n---"], "2:1: a second document begins here"],
  ])("with %s is refused at the place", (_, edit, problem) => {
    expect(problemsOf(edited(edit)).map((text) => text.slice(0, problem.length))).toContain(problem);
  });

  it.each<[string, [string, string], string]>([
    ["two nodes of one name", ["name: n2, address", "name: n1, address"], '9:13: nodes[1].name: "n1" is there twice'],
    [
      "two nodes with one address",
      ["192.168.1.12", "192.168.1.11"],
      "9:26: nodes[1].address: 192.168.1.11 belongs to n1 already",
    ],
    ["two pods of one name", ["name: b, node", "name: a, node"], '15:13: pods[1].name: "a" is there twice'],
    ["a pod on no node", ["node: n2", "node: n3"], '15:22: pods[1].node: found "n3"; allowed are n1, n2'],
    [
      "an address outside every network",
      ["192.168.1.12", "192.168.2.12"],
      "9:26: nodes[1].address: 192.168.2.12 is outside every underlay network; allowed are lan 192.168.1.0/24",
    ],
    [
      "a node on the network address",
      ["192.168.1.12", "192.168.1.0"],
      "9:26: nodes[1].address: 192.168.1.0 is the network address of its subnet; allowed is 192.168.1.1 to 192.168.1.254",
    ],
    [
      "a node on the broadcast address",
      ["192.168.1.12", "192.168.1.255"],
      "9:26: nodes[1].address: 192.168.1.255 is the broadcast address",
    ],
    [
      "a pod network that overlaps the underlay",
      ["10.244.0.0/16", "192.168.0.0/16"],
      "12:12: network.network: the pod network 192.168.0.0/16 overlaps the underlay network lan 192.168.1.0/24",
    ],
    [
      "a service network that overlaps the pod network",
      ["pods:", "services: { network: 10.240.0.0/12 }\npods:"],
      "13:22: services.network: the service network 10.240.0.0/12 overlaps the pod network 10.244.0.0/16",
    ],
    [
      "a service network that overlaps the underlay",
      ["pods:", "services: { network: 192.168.0.0/16 }\npods:"],
      "13:22: services.network: the service network 192.168.0.0/16 overlaps the underlay network lan",
    ],
    [
      "two underlay networks that overlap",
      [
        "    - { name: lan, subnet: 192.168.1.0/24 }",
        "    - { name: lan, subnet: 192.168.1.0/24 }\n    - { name: lan2, subnet: 192.168.1.128/25 }",
      ],
      "7:29: underlay.networks[1].subnet: the underlay network lan2 192.168.1.128/25 overlaps",
    ],
    [
      "a subnet with host bits",
      ["192.168.1.0/24", "192.168.1.5/24"],
      "6:28: underlay.networks[0].subnet: 192.168.1.5 is not the first address of a /24; allowed is 192.168.1.0/24",
    ],
    [
      "a subnet of multicast addresses",
      ["10.244.0.0/16", "224.0.0.0/16"],
      "12:12: network.network: 224.0.0.0/16 is in the range 224.0.0.0 to 255.255.255.255",
    ],
    [
      "a gateway outside its subnet",
      ["subnet: 192.168.1.0/24", "subnet: 192.168.1.0/24, gateway: 10.0.0.1"],
      "6:53: underlay.networks[0].gateway: 10.0.0.1 is outside 192.168.1.0/24",
    ],
    [
      "a node on a named network elsewhere",
      ["address: 192.168.1.12", "address: 192.168.1.12, network: wan"],
      '9:49: nodes[1].network: found "wan"; allowed are lan',
    ],
    [
      "shares as large as the network",
      ["plugin: flannel", "plugin: flannel\n  subnetLen: 16"],
      "12:14: network.subnetLen: found 16; allowed is more than the 16",
    ],
    [
      "more nodes than shares",
      ["network: 10.244.0.0/16", "network: 10.244.0.0/16\n  subnetMin: 10.244.255.0"],
      "13:14: network.subnetMin: 2 nodes need a /24 each, but there are only 1",
    ],
    [
      "a subnetMin that no share begins at",
      ["network: 10.244.0.0/16", "network: 10.244.0.0/16\n  subnetMin: 10.244.1.7"],
      "13:14: network.subnetMin: 10.244.1.7 is not the first address of a /24; the one around it is 10.244.1.0/24",
    ],
    [
      "a subnetMax outside the network",
      ["network: 10.244.0.0/16", "network: 10.244.0.0/16\n  subnetMax: 10.245.0.0"],
      "13:14: network.subnetMax: 10.245.0.0 is outside the network 10.244.0.0/16",
    ],
    [
      "a subnetMin behind subnetMax",
      ["network: 10.244.0.0/16", "network: 10.244.0.0/16\n  subnetMin: 10.244.9.0\n  subnetMax: 10.244.3.0"],
      "13:14: network.subnetMin: subnetMin 10.244.9.0 is behind",
    ],
    [
      "traffic from nobody",
      ["from: a, to: b }\nchecks", "from: z, to: b }\nchecks"],
      '17:13: traffic[0].from: found "z"; allowed are net/lan, node/n1',
    ],
    [
      "a port for ICMP",
      ["from: a, to: b }\nchecks", "from: a, to: b, port: 80 }\nchecks"],
      "17:29: traffic[0].port: ICMP has no ports",
    ],
    ["a check of nothing", ["- ping: { from: a, to: b }", "- {}"], "19:5: checks[0]: a check is one of ping and path"],
    [
      "a path through an interface that will not exist",
      ["- ping: { from: a, to: b }", "- path: { from: a, to: b, through: [n1/flannel.2] }"],
      '19:39: checks[0].path.through[0]: node/n1 has no interface "flannel.2"; allowed are eth0, flannel.1, cni0',
    ],
    [
      "a path through a node that does not exist",
      ["- ping: { from: a, to: b }", "- path: { from: a, to: b, through: [node/n7/eth0] }"],
      '19:39: checks[0].path.through[0]: found "node/n7"; allowed are',
    ],
  ])("with %s makes no sense, and says where", (_, edit, problem) => {
    expect(problemsOf(edited(edit)).map((text) => text.slice(0, problem.length))).toContain(problem);
  });

  it("refuses more pods on a node than its share has addresses", () => {
    const text = edited(["plugin: flannel", "plugin: flannel\n  subnetLen: 30"], ["node: n2", "node: n1"]);
    expect(problemsOf(text)).toEqual([
      "16:22: pods[1].node: n1 has no address left for b; allowed are 1 pods in a /30",
    ]);
  });

  it("refuses host-gw over two networks", () => {
    const text = edited(
      ["192.168.1.0/24 }", "192.168.1.0/24 }\n    - { name: wan, subnet: 192.168.2.0/24 }"],
      ["192.168.1.12", "192.168.2.12"],
      ["plugin: flannel", "plugin: flannel\n  backend: { type: host-gw }"],
    );
    expect(problemsOf(text)).toEqual([
      "10:26: nodes[1].address: n2 is on wan and n1 on lan, with a router between them; host-gw sends a pod's packet as it is to the other node, which must be a neighbour: a router has never heard of 10.244.0.0/16 and drops it. Put all nodes on one network, or use the backend { type: vxlan, directRouting: true }: routes as with host-gw inside a network, a tunnel across the router",
    ]);
  });

  it("takes host-gw over the cards that iface names, and refuses a card that a node lacks", () => {
    const cards: [string, string][] = [
      ["192.168.1.0/24 }", "192.168.1.0/24 }\n    - { name: wan, subnet: 192.168.2.0/24 }"],
      ["address: 192.168.1.11", "address: [192.168.1.11, 192.168.2.11]"],
    ];
    const hostGateway = (iface: string): [string, string] => [
      "plugin: flannel",
      `plugin: flannel\n  backend: { type: host-gw }\n  iface: ${iface}`,
    ];
    expect(problemsOf(edited(...cards, ["192.168.1.12", "[192.168.1.12, 192.168.2.12]"], hostGateway("eth1")))).toEqual(
      [],
    );
    expect(problemsOf(edited(...cards, hostGateway("eth1")))).toEqual([
      "14:10: network.iface: n2 has no eth1; allowed are the cards that every node has, here eth0",
    ]);
  });

  it("names problems of shape and of sense together, in the order of the lines", () => {
    const text = edited(
      ["id: small", "id: Small\nextra: 1"],
      ["{ name: n2, address: 192.168.1.12 }", "{ name: n2, address: 192.168.9.12 }"],
      ["10.244.0.0/16", "192.168.0.0/16\n  ipMasq: maybe"],
      ["{ name: a, node: n1 }", "{ name: a }\n  - { name: b, node: n9 }"],
      ["from: a, to: b }\nchecks", "from: a, to: b, port: 99999 }\nchecks"],
    );
    expect(problemsOf(text).map((problem) => problem.split(/; | such/)[0])).toEqual([
      '1:5: id: found "Small"',
      '2:1: unknown key "extra"',
      "10:26: nodes[1].address: 192.168.9.12 is outside every underlay network",
      "13:12: network.network: the pod network 192.168.0.0/16 overlaps the underlay network lan 192.168.1.0/24",
      '14:11: network.ipMasq: found "maybe"',
      "16:5: pods[0].node: is missing",
      '17:22: pods[1].node: found "n9"',
      '18:13: pods[2].name: "b" is there twice',
      "20:29: traffic[0].port: found 99999",
    ]);
  });

  it("refuses aliases that blow up, and lets a few of them save lines", () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (const [from, to] of ["ab", "bc", "cd", "de", "ef", "fg", "gh"])
      bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(", ")}]`);
    expect(problemsOf(bomb.join("\n"))[0]).toContain("names something that has aliases itself");
    expect(problemsOf("id: x\npods: &p [*p]")[0]).toBe(
      "2:11: the alias *p names something that has aliases itself; allowed is something without",
    );
    expect(problemsOf(`a: &a 1\nb: [${Array(101).fill("*a").join(", ")}]`)[0]).toContain(
      "the file has 101 aliases; allowed are 100",
    );
    expect(problemsOf(`a: &a "${"x".repeat(20_000)}"\nb: [${Array(60).fill("*a").join(", ")}]`)[0]).toContain(
      "repeat more than 1 MiB",
    );
    expect(problemsOf(edited(["{ en: Small }", "&words { en: Small }"], ["{ en: Two pods. }", "*words"]))).toEqual([]);
  });

  it("refuses nesting that would exhaust the stack, an empty file and a lab that builds nothing", () => {
    expect(problemsOf("[".repeat(100_000))).toEqual([expect.stringMatching(/^1:\d+: the file is nested too deeply$/)]);
    expect(problemsOf("# nothing\n")).toEqual([expect.stringContaining("1:1: the file is empty")]);
    expect(problemsOf("id: x\ntitle: { en: x }\nsummary: { en: x }\n")).toEqual([
      expect.stringContaining("the lab builds nothing"),
    ]);
    expect(problemsOf("- a\n- b\n")).toEqual([expect.stringContaining('1:1: found ["a","b"]; allowed is a mapping')]);
  });
});

describe("a lab with Calico", () => {
  const calico = (more = "") => edited(["plugin: flannel\n  network: 10.244.0.0/16", `plugin: calico${more}`]);

  it("gets the defaults of Calico's manifest, and needs what IPIP needs", () => {
    const parsed = parseLab(calico().replaceAll("192.168.1.", "10.0.0."), "lab.yaml");
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        network: {
          plugin: "calico",
          network: "192.168.0.0/16",
          blockSize: 26,
          vxlanVNI: 4096,
          vxlanPort: 4789,
          natOutgoing: true,
          routes: "felix",
        },
      },
    });
    expect(parsed.ok && requirementsOf(parsed.value)).toEqual([
      "br_netfilter",
      "bridge",
      "ipip",
      "ipset",
      "iptables",
      "veth",
    ]);
  });

  it("needs VXLAN and no IPIP for VXLAN", () => {
    const parsed = parseLab(calico("\n  network: 172.26.0.0/16\n  vxlanMode: CrossSubnet"), "lab.yaml");
    expect(parsed.ok && requirementsOf(parsed.value)).toEqual([
      "br_netfilter",
      "bridge",
      "ipset",
      "iptables",
      "veth",
      "vxlan",
    ]);
  });

  it.each<[string, string, string]>([
    [
      "a pool that overlaps the underlay",
      "\n  network: 192.168.0.0/16",
      "12:12: network.network: the pod network 192.168.0.0/16 overlaps the underlay network lan 192.168.1.0/24",
    ],
    ["the default pool over the underlay", "", "11:3: network.network: the pod network 192.168.0.0/16 overlaps"],
    [
      "a pool whose host bits are set",
      "\n  network: 172.26.0.1/16",
      "12:12: network.network: 172.26.0.1 is not the first address of a /16; allowed is 172.26.0.0/16",
    ],
    [
      "blocks that are larger than the pool",
      "\n  network: 172.26.0.0/27",
      "11:3: network.blockSize: found 26; allowed is at least the 27 of the network 172.26.0.0/27",
    ],
    [
      "fewer blocks than nodes",
      "\n  network: 172.26.0.0/26\n  blockSize: 26",
      "13:14: network.blockSize: 2 nodes need 2 blocks of a /26 for their tunnels and pods, but 172.26.0.0/26 has only 1",
    ],
    [
      "blocks too small for tunnel and pods",
      "\n  network: 172.26.0.0/31\n  blockSize: 32",
      "13:14: network.blockSize: 2 nodes need 4 blocks of a /32 for their tunnels and pods, but 172.26.0.0/31 has only 2",
    ],
    ["a block size that Calico refuses", "\n  network: 172.26.0.0/16\n  blockSize: 33", "13:14: network.blockSize: "],
    [
      "a mode that is none",
      "\n  network: 172.26.0.0/16\n  ipipMode: Sometimes",
      '13:13: network.ipipMode: found "Sometimes"; allowed is Always or CrossSubnet or Never',
    ],
    [
      "two encapsulations",
      "\n  network: 172.26.0.0/16\n  ipipMode: CrossSubnet\n  vxlanMode: Always",
      "14:14: network.vxlanMode: ipipMode is CrossSubnet and vxlanMode Always; allowed is one encapsulation of a pool",
    ],
    [
      "VXLAN and BIRD's routes",
      "\n  network: 172.26.0.0/16\n  vxlanMode: Always\n  routes: bird",
      "14:11: network.routes: found bird; allowed is felix: Felix writes the routes of VXLAN in every version of Calico",
    ],
    [
      "flannel's words",
      "\n  network: 172.26.0.0/16\n  backend: { type: vxlan }",
      '13:3: network: unknown key "backend"',
    ],
  ])("with %s makes no sense, and says where", (_, more, problem) => {
    expect(problemsOf(calico(more)).map((text) => text.slice(0, problem.length))).toContain(problem);
  });
});

describe("a free-form part", () => {
  const FREE = `id: free
title: { en: Free }
summary: { en: Free. }
namespaces:
  - name: sw
    bridges: [{ name: br0, ports: [p1, p2] }]
  - name: h1
    interfaces: [{ name: eth0, addresses: [10.0.0.1/24] }]
    routes: [{ to: default, via: 10.0.0.2 }]
  - name: h2
    interfaces: [{ name: eth0, addresses: [10.0.0.2/24] }]
links:
  - [h1/eth0, sw/p1]
  - [h2/eth0, sw/p2]
`;
  const change = (from: string, to: string) => {
    expect(FREE).toContain(from);
    return problemsOf(FREE.replace(from, to));
  };

  it("is fine as it is", () => {
    expect(problemsOf(FREE)).toEqual([]);
  });

  it.each<[string, string, string, string]>([
    [
      "an interface name of 16 bytes",
      "[{ name: eth0, addresses: [10.0.0.2/24] }]",
      "[{ name: sixteen-bytes-xx, addresses: [10.0.0.2/24] }]",
      '11:26: namespaces[2].interfaces[0].name: found "sixteen-bytes-xx"; allowed is an interface name of at most 15',
    ],
    [
      "an interface name with a slash",
      "{ name: br0,",
      "{ name: br/0,",
      '6:23: namespaces[0].bridges[0].name: found "br/0"',
    ],
    ["an interface called lo", "{ name: br0,", "{ name: lo,", '6:23: namespaces[0].bridges[0].name: found "lo"'],
    [
      "a port that is no link's end",
      "[p1, p2]",
      "[p1, p2, p3]",
      "6:44: namespaces[0].bridges[0].ports[2]: sw/p3 is the end of no link",
    ],
    [
      "a link to an unknown namespace",
      "[h2/eth0, sw/p2]",
      "[h2/eth0, zz/p2]",
      '14:15: links[1][1]: there is no namespace "zz"; allowed are sw, h1, h2',
    ],
    [
      "a link to an unknown interface",
      "[h2/eth0, sw/p2]",
      "[h2/eth0, sw/p9]",
      '14:15: links[1][1]: sw has no interface "p9"; allowed are p1, p2',
    ],
    ["a link to a bridge", "[h2/eth0, sw/p2]", "[h2/eth0, sw/br0]", "14:15: links[1][1]: sw/br0 is a bridge"],
    [
      "an interface that is linked twice",
      "[h2/eth0, sw/p2]",
      "[h2/eth0, sw/p1]",
      "14:15: links[1][1]: sw/p1 is linked already",
    ],
    [
      "a link with one end",
      "[h2/eth0, sw/p2]",
      "[h2/eth0]",
      '14:5: links[1]: found ["h2/eth0"]; allowed is a list of two ends',
    ],
    [
      "a link to an unknown underlay network",
      "[h2/eth0, sw/p2]",
      "[h2/eth0, net/lan/p2]",
      '14:15: links[1][1]: there is no underlay network "lan"',
    ],
    [
      "one address twice on a wire",
      "10.0.0.2/24] }]",
      "10.0.0.1/24] }]",
      "11:44: namespaces[2].interfaces[0].addresses[0]: 10.0.0.1 belongs to h1/eth0 already, on the same wire",
    ],
    [
      "the broadcast address on an interface",
      "[10.0.0.2/24]",
      "[10.0.0.255/24]",
      "11:44: namespaces[2].interfaces[0].addresses[0]: 10.0.0.255 is the broadcast address",
    ],
    [
      "a loopback address on an interface",
      "[10.0.0.2/24]",
      "[127.0.0.2/24]",
      "11:44: namespaces[2].interfaces[0].addresses[0]: 127.0.0.2/24 is in the range 127.0.0.0",
    ],
    [
      "a route through somewhere out of reach",
      "via: 10.0.0.2 }",
      "via: 10.9.0.2 }",
      "9:34: namespaces[1].routes[0].via: h1 has no address or earlier route that says where 10.9.0.2 is",
    ],
    [
      "a route through an unknown interface",
      "via: 10.0.0.2 }",
      "dev: eth9 }",
      '9:34: namespaces[1].routes[0].dev: found "eth9"; allowed are eth0',
    ],
    [
      "a route to nowhere",
      "{ to: default, via: 10.0.0.2 }",
      "{ to: default }",
      "9:14: namespaces[1].routes[0]: a route needs via, dev or both",
    ],
    [
      "a sysctl of the whole machine",
      "routes: [",
      "sysctls: { kernel.panic: 1 }\n    routes: [",
      '9:16: namespaces[1].sysctls.kernel.panic: found "kernel.panic"',
    ],
    [
      "a sysctl of an unknown interface",
      "routes: [",
      "sysctls: { net.ipv4.conf.eth5.proxy_arp: 1 }\n    routes: [",
      '9:46: namespaces[1].sysctls.net.ipv4.conf.eth5.proxy_arp: there is no interface "eth5"',
    ],
    [
      "a multicast MAC address",
      "{ name: eth0, addresses: [10.0.0.2/24] }",
      '{ name: eth0, mac: "01:00:5e:00:00:01" }',
      '11:37: namespaces[2].interfaces[0].mac: found "01:00:5e:00:00:01"; allowed is a unicast MAC',
    ],
    ["two namespaces of one name", "- name: h2", "- name: h1", '10:11: namespaces[2].name: "h1" is there twice'],
  ])("with %s is refused at the place", (_, from, to, problem) => {
    expect(change(from, to).map((text) => text.slice(0, problem.length))).toContain(problem);
  });

  it("may use an address again on another wire", () => {
    const text = `${FREE}`
      .replace(
        "  - name: h1\n",
        "  - name: x\n    interfaces: [{ name: eth0, addresses: [10.0.0.1/24] }]\n  - name: y\n    interfaces: [{ name: eth0 }]\n  - name: h1\n",
      )
      .concat("  - [x/eth0, y/eth0]\n");
    expect(problemsOf(text)).toEqual([]);
  });
});

describe("reading a lab file from disk", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "hoplab-lab-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("says which file is missing, a folder, a pipe, too large or not text", async () => {
    const large = join(folder, "large.yaml");
    await writeFile(large, `${VALID}#${"x".repeat(1024 * 1024)}\n`);
    const binary = join(folder, "binary.yaml");
    await writeFile(binary, Buffer.from([0xff, 0xfe, 0x00]));
    const pipe = join(folder, "pipe");
    execFileSync("sh", ["-c", 'mkfifo "$0"', pipe]);
    const faults = await Promise.all(
      [join(folder, "none.yaml"), folder, pipe, large, binary].map((file) => readLab(file)),
    );
    expect(faults).toMatchObject([
      { ok: false, fault: { code: "not-found", message: expect.stringContaining("there is no file") } },
      { ok: false, fault: { code: "bad-input", message: expect.stringContaining("is a folder") } },
      { ok: false, fault: { code: "bad-input", message: expect.stringContaining("is no regular file") } },
      { ok: false, fault: { code: "bad-input", message: expect.stringContaining("is larger than 1 MiB") } },
      { ok: false, fault: { code: "bad-input", message: expect.stringContaining("is not UTF-8") } },
    ]);
  });
});
