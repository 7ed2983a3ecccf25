/** Calico's BGP: ground-truth 2.1 (BIRD's routes) and 2.4, with a route reflector, a router outside, and IPIP before v3.33. */

import type { Fact, LabFacts } from "./fact.ts";

const TRUTH = "ground-truth 2.4";
const TEMPLATES = "calico v3.31.7 confd/tests/compiled_templates";
const BIRDC = "birdc -s /run/calico/bird.ctl";

/** A line of the configuration, without its comment, that only the configuration can show: it has no state of its own. */
function configured(says: string, line: string, file = "bird.cfg", source = TRUTH): Fact {
  return {
    says,
    source,
    netns: "node/node1",
    read: `sed 's/^ *//; s/ *#.*//' /run/calico/${file} | grep -Fx '${line}' | sort -u`,
    is: [line],
  };
}

const SESSIONS = `${BIRDC} show protocols | awk '$2 == "BGP" { print $1, $4, $6 }'`;
const PREFIXES = `grep -o '^[0-9][0-9./]*'`;

const MESH: Fact[] = [
  {
    says: "a route to another node's block goes by that node's address and the card, written by BIRD, without onlink and metric",
    source: TRUTH,
    netns: "node/node1",
    read: "ip route show 172.26.0.64/26; ip route show 172.26.0.128/26",
    is: [
      "172.26.0.64/26 via 192.168.32.128 dev eth0 proto bird",
      "172.26.0.128/26 via 192.168.32.129 dev eth0 proto bird",
    ],
  },
  {
    says: "the kernel knows the protocol as number 12, bird",
    source: TRUTH,
    netns: "node/node2",
    read: 'ip -j -N route show 172.26.0.0/26 | grep -o \'"protocol":"[0-9]*"\'',
    is: ['"protocol":"12"'],
  },
  {
    says: "a node's own block is a blackhole that BIRD has written",
    source: "ground-truth 2.1",
    netns: "node/node1",
    read: "ip route show type blackhole",
    is: ["blackhole 172.26.0.0/26 proto bird"],
  },
  {
    says: "BIRD adds no other route: those to pods and subnets are not its own",
    source: "calico v3.31.7 confd/etc/calico/confd/templates/bird_ipam.cfg.template, calico_kernel_programming",
    netns: "node/node1",
    read: "ip route show proto bird | wc -l; ip route show proto boot scope link; ip route show proto kernel",
    is: [
      "3",
      "172.26.0.0 dev caliacd53aa4120",
      "172.26.0.1 dev califf6fc35a693",
      "192.168.32.0/24 dev eth0 scope link src 192.168.32.127",
    ],
  },
  {
    says: "every node speaks with every other: one session each, named Mesh_ and the address",
    source: TRUTH,
    netns: "node/node1",
    read: SESSIONS,
    is: ["Mesh_192_168_32_128 up Established", "Mesh_192_168_32_129 up Established"],
  },
  {
    says: "the same on the last node",
    source: TRUTH,
    netns: "node/node3",
    read: SESSIONS,
    is: ["Mesh_192_168_32_127 up Established", "Mesh_192_168_32_128 up Established"],
  },
  {
    says: "all are in AS 64512, and the sessions are internal, multihop and with AS numbers of four octets",
    source: TRUTH,
    netns: "node/node2",
    read: `${BIRDC} show protocols all Mesh_192_168_32_127 | sed -n 's/^ *\\(Neighbor AS\\|Local AS\\|Session\\): */\\1 /p'`,
    is: ["Neighbor AS 64512", "Local AS 64512", "Session internal multihop AS4"],
  },
  {
    says: "the session is between the nodes' own addresses, and the router id is that address",
    source: `${TEMPLATES}/mesh/ipip-off/bird.cfg`,
    netns: "node/node2",
    read: `${BIRDC} show protocols all Mesh_192_168_32_127 | sed -n 's/^ *\\(Neighbor address\\|Neighbor ID\\|Source address\\): */\\1 /p'; ${BIRDC} show status | grep -o 'Router ID is .*'`,
    is: [
      "Neighbor address 192.168.32.127",
      "Neighbor ID 192.168.32.127",
      "Source address 192.168.32.128",
      "Router ID is 192.168.32.128",
    ],
  },
  {
    says: "both sides can send and receive additional paths",
    source: TRUTH,
    netns: "node/node1",
    read: `${BIRDC} show protocols all Mesh_192_168_32_128 | grep -A2 ADD-PATH | tr -d ' -' | sort | uniq -c | sed 's/^ *//'`,
    is: ["2 ADDPATH", "2 RX:ipv4", "2 TX:ipv4", "1"],
  },
  {
    says: "both sides restart gracefully, within 120 s",
    source: TRUTH,
    netns: "node/node1",
    read: `${BIRDC} show protocols all Mesh_192_168_32_128 | grep -A2 'Graceful restart' | sed 's/^ *//' | sort | uniq -c | sed 's/^ *//'`,
    is: ["2 Graceful restart", "2 Restart time: 120", "2 AF supported: ipv4", "1 --"],
  },
  {
    says: "the hold time is 240 s, and a KEEPALIVE is due every 80 s",
    source: "BIRD 2.0.12 doc/bird.sgml, hold time and keepalive time; Calico's templates do not set them",
    netns: "node/node1",
    read: `${BIRDC} show protocols all Mesh_192_168_32_128 | grep -oE '/(240|80)$'`,
    is: ["/240", "/80"],
  },
  configured("the session is multihop", "multihop;"),
  configured("the next hop is looked up in the routing table", "gateway recursive;"),
  configured("additional paths are on", "add paths on;"),
  configured("BGP and the kernel restart gracefully", "graceful restart;"),
  configured("a connection that failed is tried again after 5 s", "connect retry time 5;"),
  configured(
    "an error keeps a session down for 5 s, then for up to 30 s",
    "error wait time 5,30;",
    "bird.cfg",
    `${TEMPLATES}/mesh/ipip-off/bird.cfg`,
  ),
  configured("BIRD learns the kernel's routes of others", "learn;"),
  configured("BIRD leaves its routes behind", "persist;"),
  configured("the kernel's table is read every 2 s", "scan time 2;"),
  configured("several paths become one route with several next hops", "merge paths on;"),
  {
    says: "the node with the lower address (as text) waits, so that no two connect to each other at once",
    source: "calico v3.33 confd/pkg/backends/calico/bgp_processor.go, processMeshPeers",
    netns: "node/node2",
    read: "awk '/^protocol bgp/ { name = $3 } /passive on/ { print name }' /run/calico/bird.cfg",
    is: ["Mesh_192_168_32_129"],
  },
  {
    says: "the subnets of cards are taken from the interfaces, but not those of cali* and kube-ipvs*",
    source: TRUTH,
    netns: "node/node1",
    read: `grep -o 'interface -"cali\\*", -"kube-ipvs\\*", "\\*";' /run/calico/bird.cfg; ${BIRDC} show route protocol direct1 | ${PREFIXES}`,
    is: ['interface -"cali*", -"kube-ipvs*", "*";', "192.168.32.0/24"],
  },
  {
    says: "BIRD has learned the routes to pods, and the default route, from the kernel",
    source: TRUTH,
    netns: "node/node1",
    read: `${BIRDC} show route protocol kernel1 | ${PREFIXES}`,
    is: ["0.0.0.0/0", "172.26.0.0/32", "172.26.0.1/32"],
  },
  {
    says: "it tells others of nothing but its block: no pod, no subnet, no default route",
    source: TRUTH,
    netns: "node/node1",
    read: `${BIRDC} show route export Mesh_192_168_32_128 | ${PREFIXES}`,
    is: ["172.26.0.0/26"],
  },
  {
    says: "it does not pass on what it has heard from another node of its AS",
    source: "RFC 4271, section 9.2",
    netns: "node/node2",
    read: `${BIRDC} show route export Mesh_192_168_32_129 | ${PREFIXES}; ${BIRDC} show route protocol Mesh_192_168_32_127 | ${PREFIXES}`,
    is: ["172.26.0.64/26", "172.26.0.0/26"],
  },
  {
    says: "what is told has the node itself as next hop, an empty AS path and the default preference",
    source: TRUTH,
    netns: "node/node2",
    read: `${BIRDC} show route for 172.26.0.0/26 all | sed -n 's/^\\s*\\(BGP\\.[a-z_]*\\): */\\1 /p'`,
    is: ["BGP.origin IGP", "BGP.as_path", "BGP.next_hop 192.168.32.127", "BGP.local_pref 100"],
  },
  {
    says: "what others hear of is aggregated by calico_aggr: the block is confirmed, all beneath it rejected",
    source: TRUTH,
    netns: "node/node3",
    read: "sed -n '/^function calico_aggr/,/^}/p' /run/calico/bird_aggr.cfg | grep 'if (' | sed 's/^ *//'",
    isInOrder: ["if ( net = 172.26.0.128/26 ) then { accept; }", "if ( net ~ 172.26.0.128/26 ) then { reject; }"],
  },
  {
    says: "BIRD's socket is /run/calico/bird.ctl",
    source: "calico v3.33 node/filesystem/etc/service/available/bird/run",
    netns: "node/node1",
    read: "test -S /run/calico/bird.ctl && echo socket",
    is: ["socket"],
  },
  {
    says: "there is no tunnel device of any kind",
    source: "ground-truth 2.1",
    netns: "node/node1",
    read: "ip -o link show | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/'",
    is: ["lo", "eth0", "caliacd53aa4120", "califf6fc35a693"],
  },
  {
    says: "pods and their cables have the card's MTU",
    source: "ground-truth 2, pod MTU",
    netns: "node/node1",
    read: "ip -o link show | sed -n 's/^[0-9]*: \\(eth0\\|cali\\).* mtu \\([0-9]*\\) .*/\\2/p'",
    is: ["1500", "1500", "1500"],
  },
  {
    says: "so does the pod's end; its address is a /32 and its gateway 169.254.1.1",
    source: "ground-truth 2",
    netns: "pod/a",
    read: "ip -o link show eth0 | grep -o 'mtu [0-9]*'; ip -o -4 addr show eth0 | grep -o 'inet [0-9./]*'; ip route",
    is: ["mtu 1500", "inet 172.26.0.0/32", "169.254.1.1 dev eth0 scope link", "default via 169.254.1.1 dev eth0"],
  },
  {
    says: "what leaves the pool is masqueraded, and nothing else",
    source: "ground-truth 2.5",
    netns: "node/node1",
    read: "iptables -t nat -S cali-nat-outgoing | grep -v '^-N' | sed 's/ -m comment --comment \"cali:[^\"]*\"//'",
    is: [
      "-A cali-nat-outgoing -m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40network-ip-pools dst -j MASQUERADE --random-fully",
    ],
  },
  {
    says: "no tunnelled packet is let in, since none is sent",
    source: "ground-truth 2.2",
    netns: "node/node1",
    read: "iptables-save -t filter | grep -c cali-INPUT",
    is: ["0"],
  },
];

const REFLECTOR: Fact[] = [
  {
    says: "the reflector speaks with every node; the sessions are named Node_",
    source: `${TEMPLATES}/explicit_peering/route_reflector/bird.cfg`,
    netns: "node/node1",
    read: SESSIONS,
    is: [
      "Node_192_168_32_128 up Established",
      "Node_192_168_32_129 up Established",
      "Node_192_168_32_130 up Established",
    ],
  },
  {
    says: "a client speaks with the reflector alone",
    source: `${TEMPLATES}/explicit_peering/route_reflector/bird.cfg`,
    netns: "node/node2",
    read: SESSIONS,
    is: ["Node_192_168_32_127 up Established"],
  },
  {
    says: "all others are clients of the reflector, with the cluster id of their node",
    source: `${TEMPLATES}/explicit_peering/route_reflector/bird.cfg`,
    netns: "node/node1",
    read: "grep -oE 'rr (client|cluster id [0-9.]+)' /run/calico/bird.cfg | sort | uniq -c | sed 's/^ *//'",
    is: ["3 rr client", "3 rr cluster id 244.0.0.1"],
  },
  {
    says: "a client is none of its own making: only the reflector's side says so",
    source: `${TEMPLATES}/explicit_peering/route_reflector/bird.cfg`,
    netns: "node/node2",
    read: "grep -c 'rr client' /run/calico/bird.cfg",
    is: ["0"],
  },
  {
    says: "nobody waits for the other: both sides may connect",
    source: `${TEMPLATES}/explicit_peering/route_reflector/bird.cfg`,
    netns: "node/node1",
    read: "grep -c passive /run/calico/bird.cfg",
    is: ["0"],
  },
  {
    says: "a reflected route keeps its next hop, and says where it began and which cluster it has passed",
    source: "RFC 4456, sections 8 and 10",
    netns: "node/node4",
    read: `${BIRDC} show route for 172.26.0.64/26 all | sed -n 's/^\\s*\\(BGP\\.[a-z_]*\\): */\\1 /p'`,
    is: [
      "BGP.origin IGP",
      "BGP.as_path",
      "BGP.next_hop 192.168.32.128",
      "BGP.local_pref 100",
      "BGP.originator_id 192.168.32.128",
      "BGP.cluster_list 244.0.0.1",
    ],
  },
  {
    says: "so packets go straight to the other nodes, and not by way of the reflector",
    source: TRUTH,
    netns: "node/node4",
    read: "ip route show proto bird",
    is: [
      "blackhole 172.26.0.192/26",
      "172.26.0.0/26 via 192.168.32.127 dev eth0",
      "172.26.0.64/26 via 192.168.32.128 dev eth0",
      "172.26.0.128/26 via 192.168.32.129 dev eth0",
    ],
  },
  {
    says: "the reflector tells a client of its own block and of those of the others",
    source: "RFC 4456, section 6",
    netns: "node/node1",
    read: `${BIRDC} show route export Node_192_168_32_130 | ${PREFIXES}`,
    is: ["172.26.0.0/26", "172.26.0.64/26", "172.26.0.128/26"],
  },
  {
    says: "a client tells the reflector of its own block alone",
    source: TRUTH,
    netns: "node/node4",
    read: `${BIRDC} show route export Node_192_168_32_127 | ${PREFIXES}`,
    is: ["172.26.0.192/26"],
  },
];

const ROUTER: Fact[] = [
  {
    says: "a node speaks with the other node and with the router, whose session is named Global_",
    source: `${TEMPLATES}/explicit_peering/keepnexthop-global/bird.cfg`,
    netns: "node/node1",
    read: SESSIONS,
    is: ["Mesh_192_168_32_128 up Established", "Global_192_168_32_1 up Established"],
  },
  {
    says: "the router is in another AS, so the session is external",
    source: `${TEMPLATES}/explicit_peering/keepnexthop-global/bird.cfg`,
    netns: "node/node1",
    read: `${BIRDC} show protocols all Global_192_168_32_1 | sed -n 's/^ *\\(Neighbor AS\\|Local AS\\|Session\\): */\\1 /p'`,
    is: ["Neighbor AS 65000", "Local AS 64512", "Session external multihop AS4"],
  },
  {
    says: "keepOriginalNextHop is `next hop keep`, on the session with the router alone",
    source: `${TEMPLATES}/explicit_peering/keepnexthop-global/bird.cfg`,
    netns: "node/node1",
    read: "awk '/^protocol bgp/ { name = $3 } /next hop keep/ { print name }' /run/calico/bird.cfg",
    is: ["Global_192_168_32_1"],
  },
  {
    says: "the router has every block by way of the node that has it",
    source: TRUTH,
    netns: "router",
    read: "ip route show proto bird",
    is: ["172.26.0.0/26 via 192.168.32.127 dev eth0", "172.26.0.64/26 via 192.168.32.128 dev eth0"],
  },
  {
    says: "the AS path of a block is the cluster's AS",
    source: "RFC 4271, section 5.1.2",
    netns: "router",
    read: "birdc show route for 172.26.0.0/26 primary all | grep -o 'BGP.as_path: .*'",
    is: ["BGP.as_path: 64512"],
  },
  {
    says: "nodes have the network behind the router, by way of the router",
    source: "RFC 4271, section 5.1.3",
    netns: "node/node2",
    read: "ip route show 10.99.0.0/24",
    is: ["10.99.0.0/24 via 192.168.32.1 dev eth0 proto bird"],
  },
  {
    says: "a node takes back none of its own AS's routes: that would be a loop",
    source: "RFC 4271, section 9.1.2",
    netns: "node/node1",
    read: `${BIRDC} show route protocol Global_192_168_32_1 | ${PREFIXES}`,
    is: ["10.99.0.0/24"],
  },
  {
    says: "with natOutgoing off no packet of a pod is masqueraded",
    source: "ground-truth 2.5",
    netns: "node/node1",
    read: "iptables -t nat -S | grep -c MASQUERADE; ipset list cali40masq-ipam-pools | grep -c /",
    is: ["0", "0"],
  },
];

const CLASSIC: Fact[] = [
  {
    says: "before v3.33 BIRD writes the routes of IPIP: into tunl0, onlink",
    source: "ground-truth 2.2",
    netns: "node/node1",
    read: "ip route show 172.26.0.64/26; ip route show 172.26.0.128/26",
    is: [
      "172.26.0.64/26 via 192.168.32.128 dev tunl0 proto bird onlink",
      "172.26.0.128/26 via 192.168.32.129 dev tunl0 proto bird onlink",
    ],
  },
  {
    says: "and the blackhole of its own block",
    source: "ground-truth 2.1",
    netns: "node/node1",
    read: "ip route show type blackhole",
    is: ["blackhole 172.26.0.0/26 proto bird"],
  },
  {
    says: "it writes no route of tunl0's own address",
    source: "BIRD 1.6.8 sysdep/unix/krt.c, krt_import_control: device routes are not exported",
    netns: "node/node1",
    read: "ip route show dev tunl0 | wc -l",
    is: ["2"],
  },
  {
    says: "what BGP itself says is the same as without a tunnel: the next hop is the node",
    source: TRUTH,
    netns: "node/node1",
    read: `${BIRDC} show route for 172.26.0.64/26 all | sed -n 's/^\\s*\\(BGP.next_hop\\): */\\1 /p'; ${SESSIONS}`,
    is: ["BGP.next_hop 192.168.32.128", "Mesh_192_168_32_128 up Established", "Mesh_192_168_32_129 up Established"],
  },
  {
    says: "the block alone is told to others, not the tunnel's address",
    source: TRUTH,
    netns: "node/node1",
    read: `${BIRDC} show route export Mesh_192_168_32_128 | ${PREFIXES}`,
    is: ["172.26.0.0/26"],
  },
  {
    says: "the tunnel takes 20 bytes of the MTU",
    source: "ground-truth 2.2",
    netns: "node/node1",
    read: "ip -o link show tunl0 | grep -o 'mtu [0-9]*'",
    is: ["mtu 1480"],
  },
];

export const facts: LabFacts[] = [
  { lab: "calico-bgp", facts: MESH },
  { lab: "calico-bgp-reflector", facts: REFLECTOR },
  { lab: "calico-bgp-router", facts: ROUTER },
  { lab: "calico-ipip-bird", facts: CLASSIC },
];
