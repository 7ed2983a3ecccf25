/**
 * Flannel's VXLAN broken by hand in one way after the other on the real kernel: the packet that does not come out of the
 * tunnel says what stopped it, at which end. Each test puts right what it broke.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Journey } from "../../preload/contract/journey.ts";
import { inSandbox, Workplace } from "./hoplab.ts";

const place = new Workplace();
const name = `${place.prefix}tunnel`;
let pid = 0;
/** The MAC of node2's flannel.1. */
let mac = "";

beforeAll(async () => {
  ({ pid } = await place.json("up", "flannel-vxlan", "--name", name));
  mac = /link\/ether (\S+)/.exec(inNetns("node.node2", "ip link show dev flannel.1"))?.[1] ?? "";
});

afterAll(async () => {
  await place.downAll();
  place[Symbol.dispose]();
});

function inNetns(netns: string, command: string): string {
  return inSandbox(pid, "ip", "netns", "exec", netns, "sh", "-c", command);
}

/** What is said of a ping from pod a to pod c where it was seen last; and the ICMP error that it was answered with. */
async function lose(...more: string[]): Promise<{ at: string; causes: string[]; error?: string | undefined }> {
  const ran = await place.hoplab("send", name, "--from", "a", "--to", "c", ...more, "--json");
  const [journey]: Journey[] = JSON.parse(ran.stdout).journeys;
  const last = journey?.hops.find((hop) => `${hop.netns}/${hop.interface}` === journey.lastSeen);
  const causes = (last?.causes ?? []).map(({ kind, text }) => `${kind}: ${text.trim()}`);
  return { at: journey?.lastSeen ?? "", causes, ...(journey?.error ? { error: journey.error.summary } : {}) };
}

/** Makes a node's flannel.1 anew, with all that flanneld gives it for the other node. */
function rebuild(node: string, own: string, other: string, device: string): void {
  const link = inNetns(node, "ip link show dev flannel.1");
  const address = /link\/ether (\S+)/.exec(link)?.[1];
  const neighbours = inNetns(node, "ip neigh show dev flannel.1");
  const fdb = inNetns(node, "bridge fdb show dev flannel.1");
  inNetns(
    node,
    [
      "ip link del flannel.1",
      `ip link add flannel.1 address ${address} mtu 1450 type vxlan local ${own} dev eth0 nolearning ${device}`,
      `ip link set flannel.1 up`,
      ...neighbours.split("\n").flatMap((line) => {
        const [, ip, lladdr] = /^(\S+) lladdr (\S+) PERMANENT/.exec(line) ?? [];
        return ip ? [`ip neigh add ${ip} lladdr ${lladdr} dev flannel.1 nud permanent`] : [];
      }),
      ...fdb
        .split("\n")
        .flatMap((line) => (line ? [`bridge fdb add ${line.replace(" dst", " dev flannel.1 dst")}`] : [])),
      `ip route add ${other}/24 via ${other} dev flannel.1 onlink`,
    ].join(" && "),
  );
}

test("no FDB entry for the other node's MAC", async () => {
  inNetns("node.node1", `bridge fdb del ${mac} dev flannel.1`);
  try {
    expect(await lose()).toEqual({
      at: "node/node1/flannel.1",
      causes: [`fdb: no FDB entry for ${mac} on flannel.1`],
    });
  } finally {
    inNetns("node.node1", `bridge fdb replace ${mac} dev flannel.1 dst 192.168.32.128 self permanent`);
  }
});

test("an FDB entry that names an address which nobody has", async () => {
  inNetns("node.node1", `bridge fdb replace ${mac} dev flannel.1 dst 192.168.32.99 self permanent`);
  try {
    const { at, causes } = await lose();
    expect(at).toBe("node/node1/flannel.1");
    expect(causes).toEqual([
      `fdb: ${mac} dev flannel.1 dst 192.168.32.99 self permanent`,
      "route: 192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.127",
      expect.stringMatching(/^neighbour: 192\.168\.32\.99 dev eth0 .*(FAILED|INCOMPLETE)$/),
      "nobody: nobody in the lab has 192.168.32.99",
    ]);
  } finally {
    inNetns("node.node1", `bridge fdb replace ${mac} dev flannel.1 dst 192.168.32.128 self permanent`);
  }
});

test("a neighbour entry with another MAC than the other node's device has", async () => {
  inNetns("node.node1", "ip neigh replace 10.244.1.0 lladdr 02:00:00:00:00:77 dev flannel.1 nud permanent");
  inNetns("node.node1", "bridge fdb replace 02:00:00:00:00:77 dev flannel.1 dst 192.168.32.128 self permanent");
  try {
    expect(await lose()).toEqual({
      at: "node/node2/flannel.1",
      causes: [
        "neighbour: 10.244.1.0 dev flannel.1 lladdr 02:00:00:00:00:77 PERMANENT",
        `nobody: flannel.1 is ${mac}; the frame is for 02:00:00:00:00:77`,
      ],
    });
  } finally {
    inNetns("node.node1", "bridge fdb del 02:00:00:00:00:77 dev flannel.1");
    inNetns("node.node1", `ip neigh replace 10.244.1.0 lladdr ${mac} dev flannel.1 nud permanent`);
  }
});

test("the other node's device has another VNI", async () => {
  rebuild("node.node2", "192.168.32.128", "10.244.0.0", "id 7 dstport 8472");
  try {
    const { at, causes } = await lose();
    expect(at).toBe("node/node2/eth0");
    expect(causes).toEqual([
      expect.stringMatching(
        /^socket: not VNI 1: flannel\.1: vxlan id 7 local 192\.168\.32\.128 dev eth0 .*dstport 8472/,
      ),
    ]);
  } finally {
    rebuild("node.node2", "192.168.32.128", "10.244.0.0", "id 1 dstport 8472");
  }
});

test("the other node's device listens on another port, and its kernel refuses", async () => {
  rebuild("node.node2", "192.168.32.128", "10.244.0.0", "id 1 dstport 4789");
  try {
    const { at, causes, error } = await lose();
    expect(at).toBe("node/node2/eth0");
    expect(causes).toEqual([
      expect.stringMatching(/^socket: not UDP port 8472: flannel\.1: vxlan id 1 .*dstport 4789/),
    ]);
    expect(error).toBe("ICMP port unreachable 192.168.32.128 > 192.168.32.127");
  } finally {
    rebuild("node.node2", "192.168.32.128", "10.244.0.0", "id 1 dstport 8472");
  }
});

test("this node's device sends to a port that no lab file names", async () => {
  rebuild("node.node1", "192.168.32.127", "10.244.1.0", "id 1 dstport 9999");
  try {
    const { at, causes } = await lose();
    expect(at).toBe("node/node2/eth0");
    expect(causes).toEqual([
      expect.stringMatching(/^socket: not UDP port 9999: flannel\.1: vxlan id 1 .*dstport 8472/),
    ]);
  } finally {
    rebuild("node.node1", "192.168.32.127", "10.244.1.0", "id 1 dstport 8472");
  }
});

test("a rule of the other node drops what comes for its VXLAN port", async () => {
  inNetns("node.node2", "iptables -A INPUT -p udp --dport 8472 -s 192.168.32.127 -j DROP");
  try {
    expect(await lose()).toEqual({
      at: "node/node2/eth0",
      causes: ["rule: -A INPUT -s 192.168.32.127/32 -p udp -m udp --dport 8472 -j DROP"],
    });
  } finally {
    inNetns("node.node2", "iptables -D INPUT 1");
  }
});

test("a rule of this node lets nothing out for that port", async () => {
  inNetns("node.node1", "iptables -A OUTPUT -p udp --dport 8472 -j DROP");
  try {
    const { at, causes } = await lose();
    expect(at).toBe("node/node1/flannel.1");
    expect(causes.at(-1)).toBe("rule: -A OUTPUT -p udp -m udp --dport 8472 -j DROP");
  } finally {
    inNetns("node.node1", "iptables -D OUTPUT 1");
  }
});

test("a pod's packet with DF that the tunnel has no room for", async () => {
  inNetns("pod.a", "ip link set eth0 mtu 1500");
  const veth = inNetns("node.node1", "ip -o link show master cni0").match(/veth\w+/g)?.[0];
  for (const dev of [veth, "cni0"]) inNetns("node.node1", `ip link set ${dev} mtu 1500`);
  try {
    const { at, causes, error } = await lose("--size", "1450", "--dont-fragment");
    expect(at).toBe("node/node1/cni0");
    expect(causes).toEqual([
      "mtu: 1478 bytes with DF, and flannel.1 mtu 1450",
      "route: 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
    ]);
    expect(error).toBe("ICMP fragmentation needed 10.244.0.1 > 10.244.0.2 mtu 1450");
  } finally {
    inNetns("pod.a", "ip link set eth0 mtu 1450; ip route flush cache");
    for (const dev of ["cni0", veth]) inNetns("node.node1", `ip link set ${dev} mtu 1450`);
  }
});

test("the tunnel promises more than the network below carries: its packets are cut, and put together at the other end", async () => {
  setUnderlayMtu(1400);
  try {
    const large = ["send", name, "--from", "a", "--to", "c", "--size", "1400", "--fragment"];
    const { received, journeys, also } = await place.json(...large);
    expect(received).toBe(1);
    const [request]: Journey[] = journeys;
    expect(request?.end).toBe("arrived");
    const cut = request?.hops.flatMap((hop) =>
      hop.changes
        .filter(({ kind }) => kind === "fragmented" || kind === "reassembled")
        .map(({ kind, bytes }) => [`${hop.netns}/${hop.interface}`, kind, bytes]),
    );
    expect(cut).toEqual([
      ["node/node1/eth0", "fragmented", [0, 1376]],
      ["node/node1/eth0", "fragmented", [1376, 1458]],
      ["node/node2/flannel.1", "reassembled", undefined],
    ]);
    const all: Journey[] = [...journeys, ...also];
    expect(all.filter(({ summary }) => summary.includes("fragment at"))).toEqual([]);
  } finally {
    setUnderlayMtu(1500);
  }
});

/** Of the nodes' own interfaces; what their tunnel promises stays as it is. */
function setUnderlayMtu(mtu: number): void {
  for (const node of ["node.node1", "node.node2"]) inNetns(node, `ip link set eth0 mtu ${mtu}`);
}
