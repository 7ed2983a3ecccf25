/** VLANs, tunnels, entries and rules of free-form labs: what is read, and which mistakes are named at which place. */

import { describe, expect, it } from "vitest";
import { parseLab } from "../../main/lab/read.ts";
import { requirementsOf } from "../../main/lab/requirements.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { planLab } from "../../main/plan/plan.ts";

const VALID = `id: basics
title: { en: Basics }
namespaces:
  - name: sw
    bridges:
      - name: br0
        vlanFiltering: true
        access: 10
        ports:
          - { name: p1, access: 10 }
          - { name: p2, trunk: [10, 20], native: 30 }
  - name: r
    bridges:
      - { name: br0, ports: [p1, vx] }
    interfaces:
      - { name: eth0, addresses: [10.0.0.1/24] }
      - { name: eth0.20, addresses: [10.0.20.1/24], vlan: { parent: eth0, vid: 20 } }
      - { name: vx, mtu: 1400, vxlan: { vni: 7, local: 10.0.20.1, dev: eth0.20, remotes: [10.0.20.2] } }
    routes:
      - { to: 10.9.0.0/24, via: 10.0.0.9, src: 10.0.20.1, metric: 5 }
      - { to: 10.8.0.0/24, type: unreachable }
      - { to: default, via: 192.0.2.1, dev: eth0, onlink: true }
    neighbours:
      - { address: 10.0.0.7, mac: "02:00:00:00:00:07", dev: eth0 }
    fdb:
      - { mac: "02:00:00:00:00:08", dev: vx, dst: 10.0.20.2 }
      - { mac: "02:00:00:00:00:08", dev: vx }
    listeners:
      - { protocol: tcp, port: 80 }
    iptables:
      nat:
        chains: [MINE]
        rules:
          - -A POSTROUTING -o eth0 -m comment --comment "out we go" -j MINE
          - -A MINE ! -d 10.0.0.0/8 -j MASQUERADE --random-fully
      filter:
        policies: { FORWARD: DROP }
  - name: h
    interfaces:
      - { name: eth0 }
links:
  - [sw/p2, r/eth0]
  - [sw/p1, h/eth0]
  - [r/p1, net/lan/r]
underlay:
  networks: [{ name: lan, subnet: 192.168.7.0/24 }]
`;

function problemsOf(text: string): string[] {
  const parsed = parseLab(text, "lab.yaml");
  return parsed.ok
    ? []
    : (parsed.fault.problems ?? []).map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

function edited(from: string, to: string): string {
  expect(VALID).toContain(from);
  return VALID.replace(from, to);
}

function valid() {
  const parsed = parseLab(VALID, "lab.yaml");
  if (!parsed.ok) throw new Error(problemsOf(VALID).join("\n"));
  return parsed.value;
}

describe("a free-form lab", () => {
  it("needs what its devices and rules need", () => {
    expect(requirementsOf(valid())).toEqual(["bridge", "iptables", "veth", "vlan", "vlan_filtering", "vxlan"]);
  });

  it("becomes the commands that build it, carriers before what they carry", () => {
    const batches = planLab(layOutLab(valid())).batches;
    const commands = (tool: string, netns: string) =>
      batches.filter((batch) => batch.tool === tool && batch.netns === netns).flatMap(({ steps }) => steps);
    const texts = (tool: string, netns: string) => commands(tool, netns).map(({ command }) => command);
    expect(texts("bridge", "sw")).toEqual([
      "vlan add dev br0 vid 10 pvid untagged self",
      "vlan add dev p2 vid 30 pvid untagged",
      "vlan add dev p2 vid 10",
      "vlan add dev p2 vid 20",
      "vlan add dev p1 vid 10 pvid untagged",
    ]);
    const links = texts("ip", "r").filter((command) => / type (vlan|vxlan)/.test(command));
    expect(links[0]).toMatch(/^link add link eth0 name eth0\.20 address (\S+) mtu 1500 type vlan id 20$/);
    expect(links[1]).toMatch(
      /^link add name vx address \S+ mtu 1400 type vxlan id 7 local 10\.0\.20\.1 dev eth0\.20 learning dstport 4789$/,
    );
    expect(links).toHaveLength(2);
    expect(texts("ip", "r").filter((command) => command.startsWith("route"))).toEqual([
      "route add 10.9.0.0/24 via 10.0.0.9 src 10.0.20.1 metric 5",
      "route add unreachable 10.8.0.0/24",
      "route add default via 192.0.2.1 dev eth0 onlink",
    ]);
    expect(texts("bridge", "r")).toEqual([
      "fdb append 00:00:00:00:00:00 dev vx dst 10.0.20.2 self permanent",
      "fdb replace 02:00:00:00:00:08 dev vx dst 10.0.20.2 self permanent",
      "fdb replace 02:00:00:00:00:08 dev vx master static",
    ]);
    expect(texts("iptables-restore", "r")).toEqual([
      "*nat",
      ":MINE - [0:0]",
      '-A POSTROUTING -o eth0 -m comment --comment "out we go" -j MINE',
      "-A MINE ! -d 10.0.0.0/8 -j MASQUERADE --random-fully",
      "COMMIT",
      "*filter",
      ":FORWARD DROP [0:0]",
      "COMMIT",
    ]);
  });

  it("a VLAN device has the MAC address and the MTU of its parent, a bridge the least MTU of its ports", () => {
    const r = layOutLab(valid()).namespaces.find(({ name }) => name === "r")!;
    const found = (name: string) => r.interfaces.find((item) => item.name === name)!;
    const mac = (name: string) => {
      const item = found(name);
      return "mac" in item ? item.mac : undefined;
    };
    expect(mac("eth0.20")).toBe(mac("eth0"));
    expect([found("eth0.20").mtu, found("vx").mtu, found("br0").mtu]).toEqual([1500, 1400, 1400]);
  });

  it("one address may be there once per VLAN, and once only", () => {
    const clash = (address: string) =>
      problemsOf(edited("      - { name: eth0 }\n", `      - { name: eth0, addresses: [${address}] }\n`));
    // p1 is in VLAN 10, eth0.20 in VLAN 20: they don't meet.
    expect(clash("10.0.20.1/24")).toEqual([]);
    const tagged = VALID.replace("{ name: p1, access: 10 }", "{ name: p1, access: 20 }").replace(
      "      - { name: eth0 }\n",
      "      - { name: eth0, addresses: [10.0.20.1/24] }\n",
    );
    expect(problemsOf(tagged)).toEqual([expect.stringMatching(/: 10\.0\.20\.1 belongs to r\/eth0\.20 already/)]);
  });

  it.each<[string, string, string, string, string]>([
    [
      "a parent that is not there",
      "parent: eth0",
      "parent: eth7",
      'namespaces[1].interfaces[1].vlan.parent: found "eth7"; allowed are br0, p1, vx, eth0',
      "eth7",
    ],
    [
      "a VLAN id that is too large",
      "vid: 20",
      "vid: 4095",
      "namespaces[1].interfaces[1].vlan.vid: found 4095; allowed is at most 4094",
      "4095",
    ],
    [
      "the same VLAN twice",
      "      - { name: vx,",
      "      - { name: again, vlan: { parent: eth0, vid: 20 } }\n      - { name: vx,",
      'namespaces[1].interfaces[2].vlan.vid: "VLAN 20 of eth0" is there twice',
      "20 } }",
    ],
    [
      "a device that is carried by itself",
      "parent: eth0",
      "parent: vx",
      "namespaces[1].interfaces[1].vlan: eth0.20 is carried by itself, by way of vx",
      "{ parent: vx",
    ],
    [
      "a local address that no interface has",
      "local: 10.0.20.1",
      "local: 10.0.20.9",
      "namespaces[1].interfaces[2].vxlan.local: no interface of r has the address 10.0.20.9; allowed are 10.0.0.1, 10.0.20.1",
      "10.0.20.9",
    ],
    [
      "a group that is no multicast address",
      "remotes: [10.0.20.2]",
      "group: 10.0.20.2",
      "namespaces[1].interfaces[2].vxlan.group: 10.0.20.2 is no multicast address",
      "10.0.20.2",
    ],
    [
      "a group and a list",
      "remotes: [10.0.20.2]",
      "group: 239.1.1.1, remotes: [10.0.20.2]",
      "namespaces[1].interfaces[2].vxlan.remotes: there is a group already",
      "[10.0.20.2]",
    ],
    [
      "its own end in the list",
      "[10.0.20.2]",
      "[10.0.20.1]",
      "namespaces[1].interfaces[2].vxlan.remotes[0]: 10.0.20.1 is vx's own end",
      "10.0.20.1",
    ],
    [
      "VLANs of a bridge that filters none",
      "vlanFiltering: true",
      "vlanFiltering: false",
      "namespaces[0].bridges[0].access: br0 looks at no tags",
      "10",
    ],
    [
      "a port without a VLAN",
      "{ name: p1, access: 10 }",
      "p1",
      "namespaces[0].bridges[0].ports[0]: the port p1 belongs to no VLAN; it needs access or trunk",
      "p1",
    ],
    [
      "a VLAN twice on a trunk",
      "[10, 20]",
      "[10, 10]",
      'namespaces[0].bridges[0].ports[1].trunk[1]: "10" is there twice',
      "10]",
    ],
    [
      "a port with access and trunk",
      "access: 10 }",
      "access: 10, trunk: [20] }",
      "namespaces[0].bridges[0].ports[0].access: the port p1 has access and trunk",
      "10, trunk",
    ],
    [
      "a native VLAN that has a tag too",
      "native: 30",
      "native: 20",
      "namespaces[0].bridges[0].ports[1].native: VLAN 20 is in trunk too",
      "20 }",
    ],
    [
      "a cable to a VLAN device",
      "r/eth0]",
      "r/eth0.20]",
      "links[0][1]: r/eth0.20 is a VLAN device, which no cable leads to; allowed are p1, eth0",
      "r/eth0.20]",
    ],
    [
      "a route's source that nobody has",
      "src: 10.0.20.1",
      "src: 10.0.99.1",
      "namespaces[1].routes[0].src: no interface of r has the address 10.0.99.1",
      "10.0.99.1",
    ],
    [
      "a route that goes nowhere by a device",
      "type: unreachable",
      "type: unreachable, dev: eth0",
      "namespaces[1].routes[1].type: unreachable goes nowhere",
      "unreachable",
    ],
    [
      "onlink without a device",
      "via: 192.0.2.1, dev: eth0, onlink",
      "via: 192.0.2.1, onlink",
      "namespaces[1].routes[2].onlink: onlink is about a next hop",
      "true",
    ],
    [
      "a neighbour on a device that is not there",
      '07", dev: eth0',
      '07", dev: eth9',
      'namespaces[1].neighbours[0].dev: found "eth9"',
      "eth9",
    ],
    [
      "its own address as a neighbour",
      "address: 10.0.0.7",
      "address: 10.0.0.1",
      "namespaces[1].neighbours[0].address: 10.0.0.1 is an address of r itself",
      "10.0.0.1,",
    ],
    [
      "a tunnel entry of what is no tunnel",
      "dev: vx, dst",
      "dev: eth0, dst",
      'namespaces[1].fdb[0].dev: found "eth0", and dst is for VXLAN devices; allowed are vx',
      "eth0, dst",
    ],
    [
      "a bridge entry of what is no port",
      "dev: vx }",
      "dev: eth0 }",
      'namespaces[1].fdb[1].dev: found "eth0", and an entry without dst is one of a bridge port; allowed are p1, vx',
      "eth0 }",
    ],
    [
      "a port that is listened on twice",
      "      - { protocol: tcp, port: 80 }",
      "      - { protocol: tcp, port: 80 }\n      - { protocol: tcp, port: 80 }",
      'namespaces[1].listeners[1]: "tcp 80" is there twice',
      "{ protocol",
    ],
  ])("with %s is refused at the place", (_, from, to, problem, place) => {
    const text = edited(from, to);
    const parsed = parseLab(text, "lab.yaml");
    const problems = parsed.ok ? [] : (parsed.fault.problems ?? []);
    const found = problems.find(({ message }) => message.startsWith(problem));
    expect(found, problems.map(({ message }) => message).join("\n")).toBeDefined();
    const { line, column } = found!;
    expect(
      text
        .split("\n")
        [line - 1]!.slice(column - 1)
        .slice(0, place.length),
    ).toBe(place);
  });

  it.each<[string, string, string]>([
    ["another command", "-F", 'found "-F"; allowed is a rule that begins with -A and a chain'],
    ["a chain that is not there", "-A FORWARD -j ACCEPT", 'the table nat has no chain "FORWARD"'],
    ["a second line", '"-A OUTPUT -j ACCEPT\\n-A OUTPUT -j DROP"', "a rule is one line of printable ASCII"],
    ["a program to run", "-A OUTPUT --modprobe=/tmp/x -j ACCEPT", 'found "--modprobe=/tmp/x"'],
    ["a program to run, cut short", "-A OUTPUT --modp /tmp/x -j ACCEPT", 'found "--modp"'],
    ["a program to run, as a letter", "-A OUTPUT -M /tmp/x -j ACCEPT", 'found "-M"'],
    ["letters run together", "-A OUTPUT -vM/tmp/x", 'found "-vM/tmp/x"'],
    ["an option in quotes", `'-A OUTPUT "--modprobe=/tmp/x"'`, 'found "--modprobe=/tmp/x"; allowed are words'],
    ["an option begun in quotes", `'-A OUTPUT -"-modprobe=/tmp/x"'`, 'found -"-modprobe=/tmp/x"; allowed are words'],
    ["another table", "-A OUTPUT -t filter", 'found "-t"'],
    ["a path as a match", "-A OUTPUT -m ../../tmp/x", "-m needs a name behind it"],
    ["a target that is missing", "-A OUTPUT -j", "-j needs a name behind it"],
  ])("an iptables rule with %s is refused", (_, rule, message) => {
    const problems = problemsOf(edited("-A MINE ! -d 10.0.0.0/8 -j MASQUERADE --random-fully", rule));
    expect(problems).toEqual([expect.stringContaining(`namespaces[1].iptables.nat.rules[1]: ${message}`)]);
  });

  it("a chain of its own and a policy must fit the table", () => {
    expect(problemsOf(edited("chains: [MINE]", "chains: [MINE, MINE, OUTPUT]"))).toEqual([
      expect.stringContaining('chains[1]: "MINE" is there twice'),
      expect.stringContaining("chains[2]: OUTPUT is there already"),
    ]);
    expect(problemsOf(edited("{ FORWARD: DROP }", "{ PREROUTING: DROP }"))).toEqual([
      expect.stringContaining('policies.PREROUTING: found "PREROUTING"; allowed are INPUT, FORWARD, OUTPUT'),
    ]);
  });
});
