/**
 * Calico labs on the real kernel: the printed script builds them, as root and as a user, and what the kernel then says is
 * compared with the facts of the real Calico, written here by hand. Needs a kernel with ipip, and ipset.
 */

import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { parseLab, readLab } from "../../main/lab/read.ts";
import type { Lab } from "../../main/lab/schema.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import { planLab } from "../../main/plan/plan.ts";
import { printPlan } from "../../main/plan/script.ts";
import { buildAndRun, lacks, lacksIpip, mountsLeft, processesIn, type Who } from "./build.ts";
import { type LabState, type NetnsState, parseState, READ_STATE } from "./kernel-state.ts";

const WHO: Who[] = ["root", "user"];

const reasons = { root: await lacksIpip("root"), user: await lacksIpip("user") };
for (const who of WHO) if (reasons[who]) console.warn(`Calico labs are not built by ${who}: ${reasons[who]}`);
const mountsBefore = await mountsLeft();

/** Other names, subnets and counts than those of Calico's manifest; more pods than fit into one block. */
const ownLab = (network: string) => `
id: own
title: { en: Own }
summary: { en: A lab of the test's own. }
underlay:
  networks:
    - { name: rack, subnet: 172.30.8.0/22, mtu: 9000, gateway: 172.30.8.10 }
nodes:
  - { name: alpha, address: 172.30.8.10 }
  - { name: beta, address: 172.30.9.20 }
network: { plugin: calico, network: 10.50.0.0/20, blockSize: 30, natOutgoing: false, ${network} }
pods:
  - { name: web, node: alpha }
  - { name: db, node: beta }
  - { name: cache, node: beta }
  - { name: queue, node: beta }
  - { name: mail, node: beta }
`;
const OWN_LAB = ownLab("routes: bird");
/** Another port, another VNI and another MTU than Calico's own. */
const VXLAN_LAB = ownLab("vxlanMode: Always, vxlanVNI: 77, vxlanPort: 50000, mtu: 1400");

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

function pingAll(namespaces: string[], addresses: string[]): string {
  return `for netns in ${namespaces.join(" ")}; do for address in ${addresses.join(" ")}; do
    echo "$netns $address $(ip netns exec "$netns" ping -q -n -c 2 -i 0.2 -W 5 "$address" | grep -o '[0-9.]*% packet loss')"
  done; done`;
}

function everyPing(namespaces: string[], addresses: string[]): string[] {
  return namespaces.flatMap((netns) => addresses.map((address) => `${netns} ${address} 0% packet loss`));
}

async function buildAndRead(who: Who, lab: Lab, command: string): Promise<{ state: LabState }> {
  const script = printPlan(planLab(layOutLab(lab)));
  const { code, stdout, stderr } = await buildAndRun(who, script, `${READ_STATE}\n${command}`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const state = parseState(stdout);
  expect(await processesIn(state.inodes)).toEqual([]);
  return { state };
}

function netns(state: LabState, name: string): NetnsState {
  const found = state.namespaces.get(name);
  if (!found) throw new Error(`there is no namespace ${name}, only ${[...state.namespaces.keys()].join(", ")}`);
  return found;
}

/** Felix's rules of a node; the hashes are those of a real cluster. The protocol's name is up to /etc/protocols. */
function felixRules(natOutgoing: boolean): string[] {
  const hash = (text: string) => `-m comment --comment "cali:${text}"`;
  const rules = [
    ":cali-INPUT -",
    `-A INPUT ${hash("Cz_u1IQiXIMmKD4c")} -j cali-INPUT`,
    `-A cali-INPUT -p 4 ${hash("PajejrV4aFdkZojI")} -m comment --comment "Allow IPIP packets from Calico hosts" -m set --match-set cali40all-hosts-net src -m addrtype --dst-type LOCAL -j ACCEPT`,
    `-A cali-INPUT -p 4 ${hash("_wjq-Yrma8Ly1Svo")} -m comment --comment "Drop IPIP packets from non-Calico hosts" -j DROP`,
    ":cali-POSTROUTING -",
    ":cali-fip-snat -",
    ":cali-nat-outgoing -",
    `-A POSTROUTING ${hash("O3lYWMrLQYEMJtB5")} -j cali-POSTROUTING`,
    `-A cali-POSTROUTING ${hash("Z-c7XtVd2Bq7s_hA")} -j cali-fip-snat`,
    `-A cali-POSTROUTING ${hash("nYKhEzDlr11Jccal")} -j cali-nat-outgoing`,
    `-A cali-POSTROUTING -o tunl0 ${hash("SXWvdsbh4Mw7wOln")} -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL -j MASQUERADE --random-fully`,
  ];
  const masquerade = `-A cali-nat-outgoing ${hash("W_qq_N2KSTWyCvrX")} -m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40network-ip-pools dst -j MASQUERADE --random-fully`;
  return natOutgoing ? [...rules, masquerade] : rules;
}

function rulesOf(node: NetnsState): string[] {
  return node.rules.map((rule) => rule.replace(/-p (ipencap|ipv4|ipip) /, "-p 4 "));
}

afterAll(async () => {
  expect(await mountsLeft()).toEqual(mountsBefore);
});

for (const who of WHO) {
  const reason = reasons[who];
  describe(`built by ${who}${reason ? ` (skipped: ${reason})` : ""}`, {
    skip: reason !== undefined,
    concurrent: false,
    timeout: 300_000,
  }, () => {
    it("calico-ipip has the cables, tunnel, blocks, routes, sets and rules of the real Calico, and every pod reaches every pod", async () => {
      const pods = ["pod.a", "pod.b", "pod.c", "pod.d", "pod.e"];
      const addresses = ["172.26.0.1", "172.26.0.2", "172.26.0.65", "172.26.0.66", "172.26.0.129", "192.168.32.1"];
      const { state } = await buildAndRead(who, await bundled("calico-ipip"), pingAll(pods, addresses));
      expect([...state.namespaces.keys()]).toEqual(["net.lan", "node.node1", "node.node2", "node.node3", ...pods]);

      const node1 = netns(state, "node.node1");
      const [hostA, hostB] = ["caliacd53aa4120", "califf6fc35a693"]; // SHA-1 of default.a and default.b
      expect(node1.links.map(({ ifname }) => ifname).toSorted()).toEqual([hostA, hostB, "eth0", "lo", "tunl0"]);
      const tunnel = node1.link("tunl0");
      expect(tunnel).toMatchObject({ mtu: 1480, linkinfo: { info_kind: "ipip" } });
      expect(tunnel?.linkinfo?.info_data).toMatchObject({ remote: "any", local: "any", ttl: 0, pmtudisc: false });
      expect(tunnel?.flags).toEqual(expect.arrayContaining(["NOARP", "UP"]));
      expect(node1.addresses("tunl0")).toEqual(["172.26.0.0/32 scope global"]);
      for (const host of [hostA, hostB]) {
        expect(node1.link(host!)).toMatchObject({ mtu: 1480, address: "ee:ee:ee:ee:ee:ee", operstate: "UP" });
        expect(node1.addresses(host!)).toEqual([]);
      }
      expect(node1.routes.toSorted()).toEqual([
        "172.26.0.1 dev caliacd53aa4120 scope link",
        "172.26.0.128/26 via 192.168.32.129 dev tunl0 proto 80 onlink",
        "172.26.0.2 dev califf6fc35a693 scope link",
        "172.26.0.64/26 via 192.168.32.128 dev tunl0 proto 80 onlink",
        "192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.127",
        "blackhole 172.26.0.0/26 proto 80",
        "default via 192.168.32.1 dev eth0",
      ]);
      expect(node1.neighbours).toEqual([]);
      expect(rulesOf(node1)).toEqual(felixRules(true));
      expect(node1.ipSets.toSorted()).toEqual([
        "add cali40all-hosts-net 192.168.32.127",
        "add cali40all-hosts-net 192.168.32.128",
        "add cali40all-hosts-net 192.168.32.129",
        "add cali40masq-ipam-pools 172.26.0.0/16",
        "add cali40network-ip-pools 172.26.0.0/16",
        "create cali40all-hosts-net hash:net family inet",
        "create cali40masq-ipam-pools hash:net family inet",
        "create cali40network-ip-pools hash:net family inet",
      ]);
      const settings = (
        [
          ["net/ipv4/ip_forward", "1"],
          [`net/ipv4/conf/${hostA}/proxy_arp`, "1"],
          [`net/ipv4/conf/${hostA}/forwarding`, "1"],
          [`net/ipv4/conf/${hostA}/route_localnet`, "1"],
          [`net/ipv4/conf/${hostA}/rp_filter`, "1"],
          [`net/ipv6/conf/${hostA}/accept_ra`, "0"],
          ["net/ipv4/conf/eth0/proxy_arp", "0"],
          ["net/ipv4/conf/tunl0/rp_filter", "0"],
          ["net/netfilter/nf_conntrack_acct", "1"],
        ] as const
      ).map(([key, value]) => ({ is: `${key}=${node1.sysctl(key)}`, should: `${key}=${value}` }));
      for (const { is, should } of settings) expect(is).toBe(should);
      // Some kernels show it to none but the machine's root.
      expect(node1.sysctl(`net/ipv4/neigh/${hostA}/proxy_delay`) ?? "0").toBe("0");

      const a = netns(state, "pod.a");
      expect(a.links.map(({ ifname, mtu }) => `${ifname} ${mtu}`)).toEqual(["lo 65536", "eth0 1480"]);
      expect(a.addresses("eth0")).toEqual(["172.26.0.1/32 scope global"]);
      expect(a.routes.toSorted()).toEqual(["169.254.1.1 dev eth0 scope link", "default via 169.254.1.1 dev eth0"]);
      expect(a.sysctl("net/ipv4/ip_forward")).toBe("0");
      expect(state.rest.trim().split("\n")).toEqual(everyPing(pods, addresses));
    });

    it("calico-ipip-crosssubnet goes directly within a subnet and through the tunnel across the router", async () => {
      const pods = ["pod.a", "pod.b", "pod.c", "pod.d"];
      const addresses = ["172.26.0.1", "172.26.0.2", "172.26.0.65", "172.26.0.129"];
      const { state } = await buildAndRead(who, await bundled("calico-ipip-crosssubnet"), pingAll(pods, addresses));
      expect(netns(state, "node.node1").routes.toSorted()).toEqual([
        "172.26.0.1 dev caliacd53aa4120 scope link",
        "172.26.0.128/26 via 192.168.33.129 dev tunl0 proto 80 onlink",
        "172.26.0.2 dev califf6fc35a693 scope link",
        "172.26.0.64/26 via 192.168.32.128 dev eth0 proto 80 onlink",
        "192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.127",
        "blackhole 172.26.0.0/26 proto 80",
        "default via 192.168.32.1 dev eth0",
      ]);
      const node3 = netns(state, "node.node3");
      expect(node3.routes.filter((route) => route.includes("tunl0"))).toEqual([
        "172.26.0.0/26 via 192.168.32.127 dev tunl0 proto 80 onlink",
        "172.26.0.64/26 via 192.168.32.128 dev tunl0 proto 80 onlink",
      ]);
      expect(node3.link("tunl0")?.mtu).toBe(1480);
      expect(netns(state, "router").routes.filter((route) => route.includes("172.26."))).toEqual([]);
      expect(state.rest.trim().split("\n")).toEqual(everyPing(pods, addresses));
    });

    it("a lab with BIRD's routes, jumbo frames, small blocks and no default route is built by the same rules", async () => {
      const pods = ["pod.web", "pod.db", "pod.mail"];
      const addresses = ["10.50.0.1", "10.50.0.5", "10.50.0.8"];
      const { state } = await buildAndRead(who, own(OWN_LAB), pingAll(pods, addresses));
      const alpha = netns(state, "node.alpha");
      expect(alpha.link("tunl0")?.mtu).toBe(8980);
      expect(alpha.addresses("tunl0")).toEqual(["10.50.0.0/32 scope global"]);
      expect(alpha.routes.toSorted()).toEqual([
        expect.stringMatching(/^10\.50\.0\.1 dev cali[0-9a-f]{11} scope link$/),
        "10.50.0.4/30 via 172.30.9.20 dev tunl0 proto bird onlink",
        "10.50.0.8/30 via 172.30.9.20 dev tunl0 proto bird onlink",
        // The node is the gateway itself: without this there is no way to 169.254.1.1, and no proxy ARP.
        "169.254.0.0/16 dev eth0 scope link",
        "172.30.8.0/22 dev eth0 proto kernel scope link src 172.30.8.10",
        "blackhole 10.50.0.0/30 proto bird",
      ]);
      const beta = netns(state, "node.beta");
      expect(beta.routes.filter((route) => route.startsWith("blackhole"))).toEqual([
        "blackhole 10.50.0.4/30 proto bird",
        "blackhole 10.50.0.8/30 proto bird",
      ]);
      expect(beta.addresses("tunl0")).toEqual(["10.50.0.4/32 scope global"]);
      expect(rulesOf(alpha)).toEqual(felixRules(false));
      expect(alpha.ipSets.filter((line) => line.startsWith("add"))).toEqual([
        "add cali40all-hosts-net 172.30.8.10",
        "add cali40all-hosts-net 172.30.9.20",
        "add cali40network-ip-pools 10.50.0.0/20",
      ]);
      expect(state.rest.trim().split("\n")).toEqual(everyPing(pods, addresses));
    });

    it("without its default route a node does not answer for 169.254.1.1, and its pods reach nothing", async () => {
      const { stdout } = await buildAndRun(
        who,
        printPlan(planLab(layOutLab(await bundled("calico-ipip")))),
        `ip -n node.node1 route del default
ip netns exec pod.a ping -q -n -c 1 -W 2 172.26.0.2 | grep -o '[0-9.]*% packet loss'
ip -n pod.a neigh show 169.254.1.1`,
      );
      expect(stdout).toContain("100% packet loss");
      expect(stdout).toMatch(/169\.254\.1\.1 dev eth0 .*(FAILED|INCOMPLETE)/);
    });
  });
}

for (const who of WHO) {
  const reason = await lacks(who);
  describe(`VXLAN built by ${who}${reason ? ` (skipped: ${reason})` : ""}`, {
    skip: reason !== undefined,
    timeout: 300_000,
  }, () => {
    it("a lab with numbers of its own has them in device, routes and rules, and every pod reaches every pod", async () => {
      const pods = ["pod.web", "pod.db", "pod.mail"];
      const addresses = ["10.50.0.1", "10.50.0.5", "10.50.0.8"];
      const { state } = await buildAndRead(who, own(VXLAN_LAB), pingAll(pods, addresses));
      const alpha = netns(state, "node.alpha");
      const tunnel = alpha.link("vxlan.calico");
      // SHA-1 of "alpha" begins with be76331b95, of "beta" with a295e0bdde.
      expect(tunnel).toMatchObject({ mtu: 1400, address: "66:be:76:33:1b:95" });
      expect(tunnel?.linkinfo?.info_data).toMatchObject({ id: 77, port: 50000, local: "172.30.8.10", learning: false });
      expect(alpha.routes.toSorted()).toEqual([
        expect.stringMatching(/^10\.50\.0\.1 dev cali[0-9a-f]{11} scope link$/),
        "10.50.0.4/30 via 10.50.0.4 dev vxlan.calico onlink",
        "10.50.0.8/30 via 10.50.0.4 dev vxlan.calico onlink",
        "169.254.0.0/16 dev eth0 scope link",
        "172.30.8.0/22 dev eth0 proto kernel scope link src 172.30.8.10",
        "blackhole 10.50.0.0/30 proto 80",
      ]);
      expect(alpha.neighbours).toEqual(["10.50.0.4 lladdr 66:a2:95:e0:bd:de dev vxlan.calico"]);
      const ports = rulesOf(alpha).flatMap((rule) => rule.match(/--d?ports? \d+|--to-ports \S+/)?.[0] ?? []);
      // The wider side of port 50000, without the privileged ports.
      expect(ports.toSorted()).toEqual([
        "--dport 50000",
        "--dport 50000",
        "--dports 50000",
        "--dports 50000",
        "--to-ports 1024-49999",
      ]);
      expect(alpha.ipSets.filter((line) => line.startsWith("add"))).toEqual([
        "add cali40all-vxlan-net 172.30.9.20",
        "add cali40network-ip-pools 10.50.0.0/20",
      ]);
      expect(state.rest.trim().split("\n")).toEqual(everyPing(pods, addresses));
    });
  });
}

// Without root tcpdump needs help, which test/netns/journey-calico.test.ts is about.
describe(`captured by root${reasons.root ? ` (skipped: ${reasons.root})` : ""}`, {
  skip: reasons.root !== undefined,
  timeout: 300_000,
}, () => {
  it("the tunnel has nodes outside and pods inside, and 169.254.1.1 is answered for nobody", async () => {
    const capture = `
listen() { ip netns exec "$1" tcpdump --immediate-mode -Z root -l -n -e -p -i "$2" "$3" >"/run/$1.$2.txt" 2>"/run/$1.$2.log" & pids="$pids $!"; }
pids=
listen node.node1 tunl0 icmp; listen node.node1 eth0 'ip proto 4'; listen pod.a eth0 arp
until [ "$(cat /run/*.log | grep -c 'listening on')" = 3 ]; do sleep 0.1; done
ip netns exec pod.a ping -q -n -c 1 -W 5 172.26.0.2 >/dev/null
ip netns exec pod.a ping -q -n -c 1 -W 5 172.26.0.65 >/dev/null
for f in node.node1.tunl0 node.node1.eth0 pod.a.eth0; do until [ "$(wc -l <"/run/$f.txt")" -ge 2 ]; do sleep 0.1; done; done
kill $pids; wait
for f in node.node1.tunl0 node.node1.eth0 pod.a.eth0; do echo "--- $f"; cat /run/$f.txt; done`;
    const { stdout } = await buildAndRun("root", printPlan(planLab(layOutLab(await bundled("calico-ipip")))), capture);
    const [, tunnel = "", card = "", arp = ""] = stdout.split(/^--- .*\n/m);
    // The ping to the same node never met the tunnel; what did begins with the IP header.
    expect(tunnel.trim().split("\n")).toHaveLength(2);
    expect(tunnel).toMatch(/172\.26\.0\.1 > 172\.26\.0\.65: ICMP echo request/);
    expect(tunnel).not.toContain("172.26.0.2");
    expect(tunnel).not.toContain("ethertype");
    expect(card).toMatch(
      /ethertype IPv4 .* 192\.168\.32\.127 > 192\.168\.32\.128: (IP )?172\.26\.0\.1 > 172\.26\.0\.65: ICMP echo request/,
    );
    expect(arp).toMatch(/Request who-has 169\.254\.1\.1 tell 172\.26\.0\.1/);
    expect(arp).toMatch(/Reply 169\.254\.1\.1 is-at ee:ee:ee:ee:ee:ee/);
  });
});
