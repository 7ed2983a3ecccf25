/** Calico with tunnels: IPIP and VXLAN, always and across subnets, and as k0s deploys it. Its BGP is in bgp.facts.ts. */

import type { Fact, LabFacts } from "./fact.ts";

const FELIX = "calico v3.33 felix";
const LINKS = (name: string) => `ip -j -d link show ${name}`;
const ROUTES = "ip route show";
const RULES = (table: string, chain: string) =>
  `iptables -t ${table} -S ${chain} | grep ^-A | sed -e 's/-p \\(ipencap\\|ipv4\\|ipip\\) /-p 4 /' -e 's/-j CT --notrack/-j NOTRACK/'`;
const SETTINGS = (...keys: string[]) => `cd /proc/sys && grep -H . ${keys.join(" ")}`;
const MEMBERS = (set: string) => `ipset save ${set} | sed -n 's/^add //p'`;

/** SHA-1 of default.a begins with acd53aa4120, of default.b with ff6fc35a693: `printf default.a | sha1sum`. */
const [HOST_A, HOST_B] = ["caliacd53aa4120", "califf6fc35a693"];

/** What is the same however packets reach other nodes: pods a and b are on the node, addresses begin with `prefix`. */
function workloads(node: string, prefix: string, mtu: number, tunnel: string): Fact[] {
  const netns = `node/${node}`;
  return [
    {
      says: "a pod's cable ends on the node as cali and the first 11 digits of the SHA-1 of namespace.pod",
      source: "ground-truth 2",
      netns,
      read: "ip -j link show | tr ',' '\\n' | sed -n 's/.*\"ifname\":\"\\(cali.*\\)\"/\\1/p'",
      is: [HOST_A, HOST_B],
    },
    {
      says: "the node's end of a pod's cable has the MAC address ee:ee:ee:ee:ee:ee and the pod's MTU, and is on no bridge",
      source: "ground-truth 2",
      netns,
      read: `${LINKS(HOST_A)} | sed 's/"master":/"found":true,&/'`,
      json: [{ address: "ee:ee:ee:ee:ee:ee", mtu, linkinfo: { info_kind: "veth" } }],
      hasNot: ["found"],
    },
    {
      says: "there is no bridge on a node",
      source: "ground-truth 2",
      netns,
      read: "ip -o link show type bridge",
      is: [],
    },
    {
      says: "the node's end of a pod's cable has no IPv4 address",
      source: "ground-truth 2",
      netns,
      read: `ip -o -4 address show dev ${HOST_A}`,
      is: [],
    },
    {
      says: "a pod's address is a /32",
      source: "ground-truth 2",
      netns: "pod/a",
      read: "ip -o -4 address show dev eth0 | sed 's/.* inet \\([^ ]*\\) .*/\\1/'",
      is: [`${prefix}.1/32`],
    },
    {
      says: "a pod has a link route to 169.254.1.1 and its default route by way of it",
      source: "ground-truth 2",
      netns: "pod/a",
      read: ROUTES,
      is: ["169.254.1.1 dev eth0 scope link", "default via 169.254.1.1 dev eth0"],
    },
    {
      says: "no interface of the node has the address 169.254.1.1, but the node answers for it with ee:ee:ee:ee:ee:ee",
      source: "ground-truth 2",
      netns: "pod/a",
      read: "ping -c 1 -W 5 169.254.1.1 >/dev/null 2>&1; ip neigh show 169.254.1.1 | sed 's/ [A-Z]* *$//'",
      is: ["169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee"],
    },
    {
      says: `a pod's MTU leaves room for the headers of the tunnel: ${mtu}`,
      source: "ground-truth 2",
      netns: "pod/a",
      read: "ip -j link show eth0",
      json: [{ mtu }],
    },
    {
      says: "a pod does not forward",
      source: "ground-truth 2",
      netns: "pod/a",
      read: SETTINGS("net/ipv4/ip_forward"),
      is: ["net/ipv4/ip_forward:0"],
    },
    {
      says: "the node's end of a pod's cable answers ARP for others at once, forwards, and lets 127.0.0.0/8 be translated",
      source: `ground-truth 2; ${FELIX}/dataplane/linux/endpoint_mgr.go`,
      netns,
      read: SETTINGS(
        ...["proxy_arp", "forwarding", "route_localnet"].map((key) => `net/ipv4/conf/${HOST_A}/${key}`),
        `net/ipv6/conf/${HOST_A}/accept_ra`,
      ),
      is: [
        `net/ipv4/conf/${HOST_A}/proxy_arp:1`,
        `net/ipv4/conf/${HOST_A}/forwarding:1`,
        `net/ipv4/conf/${HOST_A}/route_localnet:1`,
        `net/ipv6/conf/${HOST_A}/accept_ra:0`,
      ],
    },
    {
      says: "the node's end of a pod's cable does not wait before it answers for others",
      source: "ground-truth 2",
      netns,
      // Some kernels show it to none but the machine's root.
      read: `cat /proc/sys/net/ipv4/neigh/${HOST_A}/proxy_delay 2>/dev/null || echo 0`,
      is: ["0"],
    },
    {
      says: "a pod can't send from an address that is not its own: strict reverse path filter on its cable",
      source: "ground-truth 2",
      netns,
      read: SETTINGS(`net/ipv4/conf/${HOST_A}/rp_filter`, `net/ipv4/conf/${HOST_B}/rp_filter`),
      is: [`net/ipv4/conf/${HOST_A}/rp_filter:1`, `net/ipv4/conf/${HOST_B}/rp_filter:1`],
    },
    {
      says: "Felix has the node forward, and count the packets of each connection",
      source: "ground-truth 2",
      netns,
      read: SETTINGS("net/ipv4/ip_forward", "net/netfilter/nf_conntrack_acct"),
      is: ["net/ipv4/ip_forward:1", "net/netfilter/nf_conntrack_acct:1"],
    },
    {
      says: "a pod is reached by a link route of its own, with the protocol boot",
      source: "ground-truth 2",
      netns,
      read: `ip -d route show dev ${HOST_A}`,
      is: [`unicast ${prefix}.1 proto boot scope link`],
    },
    {
      says: "the node has a default route, which proxy ARP lives on",
      source: "ground-truth 2",
      netns,
      read: "ip route show default",
      has: [/^default via 192\.168\.32\.1 dev eth0/],
    },
    {
      says: "blocks are of 64 addresses: the node's own is a blackhole that Felix has written",
      source: "ground-truth 2, 2.1",
      netns,
      read: "ip route show type blackhole",
      is: [`blackhole ${prefix}.0/26 proto 80`],
    },
    {
      says: "the tunnel has the first address of the node's own block, as a /32",
      source: "ground-truth 2.2, 2.3",
      netns,
      read: `ip -o -4 address show dev ${tunnel} | sed 's/.* inet \\([^ ]*\\) .*/\\1/'`,
      is: [`${prefix}.0/32`],
    },
    {
      says: "what goes from a pool with natOutgoing to no pool gets the node's address, fully at random",
      source: "ground-truth 2.5",
      netns,
      read: RULES("nat", "cali-nat-outgoing"),
      is: [
        '-A cali-nat-outgoing -m comment --comment "cali:W_qq_N2KSTWyCvrX" -m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40network-ip-pools dst -j MASQUERADE --random-fully',
      ],
    },
    {
      says: "both sets of pools hold the pool",
      source: "ground-truth 2.5",
      netns,
      read: `${MEMBERS("cali40masq-ipam-pools")}; ${MEMBERS("cali40network-ip-pools")}`,
      is: [`cali40masq-ipam-pools ${prefix}.0/16`, `cali40network-ip-pools ${prefix}.0/16`],
    },
    {
      says: "Felix's chains are entered from POSTROUTING and INPUT",
      source: "ground-truth 2.5",
      netns,
      read: `${RULES("nat", "POSTROUTING")}; ${RULES("filter", "INPUT")}`,
      is: [
        '-A POSTROUTING -m comment --comment "cali:O3lYWMrLQYEMJtB5" -j cali-POSTROUTING',
        '-A INPUT -m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT',
      ],
    },
  ];
}

/** tunl0 of a node with the address 192.168.32.127. */
const IPIP: Fact[] = [
  {
    says: "tunl0 has neither a local nor a remote end, is the module's own device, and has room for 20 bytes",
    source: "ground-truth 2.2",
    netns: "node/node1",
    read: LINKS("tunl0"),
    json: [
      {
        mtu: 1480,
        linkinfo: { info_kind: "ipip", info_data: { remote: "any", local: "any", ttl: 0, pmtudisc: false } },
      },
    ],
  },
  {
    says: "tunl0 resolves no neighbours",
    source: "ground-truth 2.2",
    netns: "node/node1",
    read: "ip link show tunl0 | head -n 1",
    has: [/<NOARP,UP,LOWER_UP>/],
  },
  {
    says: "IPIP is let in from nodes and dropped from anyone else",
    source: "ground-truth 2.2",
    netns: "node/node1",
    read: RULES("filter", "cali-INPUT"),
    isInOrder: [
      '-A cali-INPUT -p 4 -m comment --comment "cali:PajejrV4aFdkZojI" -m comment --comment "Allow IPIP packets from Calico hosts" -m set --match-set cali40all-hosts-net src -m addrtype --dst-type LOCAL -j ACCEPT',
      '-A cali-INPUT -p 4 -m comment --comment "cali:_wjq-Yrma8Ly1Svo" -m comment --comment "Drop IPIP packets from non-Calico hosts" -j DROP',
    ],
  },
  {
    says: "what the node itself sends into tunl0 gets the tunnel's address",
    source: `${FELIX}/rules/static.go`,
    netns: "node/node1",
    read: RULES("nat", "cali-POSTROUTING"),
    isInOrder: [
      '-A cali-POSTROUTING -m comment --comment "cali:Z-c7XtVd2Bq7s_hA" -j cali-fip-snat',
      '-A cali-POSTROUTING -m comment --comment "cali:nYKhEzDlr11Jccal" -j cali-nat-outgoing',
      '-A cali-POSTROUTING -o tunl0 -m comment --comment "cali:SXWvdsbh4Mw7wOln" -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL -j MASQUERADE --random-fully',
    ],
  },
];

const CALICO_IPIP: Fact[] = [
  ...workloads("node1", "172.26.0", 1480, "tunl0"),
  ...IPIP,
  {
    says: "the set of nodes holds all of them, this one too",
    source: "ground-truth 2.2",
    netns: "node/node1",
    read: MEMBERS("cali40all-hosts-net"),
    is: [
      "cali40all-hosts-net 192.168.32.127",
      "cali40all-hosts-net 192.168.32.128",
      "cali40all-hosts-net 192.168.32.129",
    ],
  },
  {
    says: "each other node's block is one route that Felix has written, by tunl0, with the other node as its gateway on link",
    source: "ground-truth 2.1, 2.2",
    netns: "node/node1",
    read: `${ROUTES} dev tunl0`,
    is: ["172.26.0.64/26 via 192.168.32.128 proto 80 onlink", "172.26.0.128/26 via 192.168.32.129 proto 80 onlink"],
  },
  {
    says: "nothing is told of neighbours: IPIP needs none",
    source: "ground-truth 2.2",
    netns: "node/node1",
    read: "ip neigh show nud permanent",
    is: [],
  },
];

const CALICO_IPIP_CROSSSUBNET: Fact[] = [
  ...workloads("node1", "172.26.0", 1480, "tunl0"),
  ...IPIP,
  {
    says: "a node of the same subnet is reached by the card, one of another subnet by tunl0; both routes are Felix's and on link",
    source: "ground-truth 2.2",
    netns: "node/node1",
    read: `${ROUTES} proto 80`,
    is: [
      "172.26.0.64/26 via 192.168.32.128 dev eth0 onlink",
      "172.26.0.128/26 via 192.168.33.129 dev tunl0 onlink",
      "blackhole 172.26.0.0/26",
    ],
  },
  {
    says: "a node that is alone in its subnet reaches all others by tunl0",
    source: "ground-truth 2.2",
    netns: "node/node3",
    read: `${ROUTES} proto 80`,
    is: [
      "172.26.0.0/26 via 192.168.32.127 dev tunl0 onlink",
      "172.26.0.64/26 via 192.168.32.128 dev tunl0 onlink",
      "blackhole 172.26.0.128/26",
    ],
  },
  {
    says: "the router knows no pod",
    source: "ground-truth 2.2",
    netns: "router",
    read: ROUTES,
    hasNot: ["172.26."],
  },
  {
    says: "MTUs are those of the tunnel also where no tunnel is met",
    source: "ground-truth 2",
    netns: "pod/c",
    read: "ip -j link show eth0",
    json: [{ mtu: 1480 }],
  },
];

/** SHA-1: node1 f937c37e94…, node2 2dbf44a68b…, node3 a46fe0c4da…; fcos01 99856db51b…, fcos02 8685966f5b…. */
const MACS = {
  node1: "66:f9:37:c3:7e:94",
  node2: "66:2d:bf:44:a6:8b",
  node3: "66:a4:6f:e0:c4:da",
  fcos01: "66:99:85:6d:b5:1b",
  fcos02: "66:86:85:96:6f:5b",
};

/** vxlan.calico of a node with the address 192.168.32.127. */
function vxlan(node: "node1" | "fcos01", mtu: number): Fact[] {
  const netns = `node/${node}`;
  return [
    {
      says: `vxlan.calico has VNI 4096, UDP port 4789, MTU ${mtu}, the node's address and card, and learns nothing`,
      source: "ground-truth 2.3",
      netns,
      read: LINKS("vxlan.calico"),
      json: [
        {
          mtu,
          linkinfo: {
            info_kind: "vxlan",
            info_data: { id: 4096, port: 4789, local: "192.168.32.127", link: "eth0", learning: false },
          },
        },
      ],
    },
    {
      says: "the tunnel's MAC address is 66 and the first five bytes of the SHA-1 of the node's name",
      source: "ground-truth 2.3",
      netns,
      read: "ip -j link show vxlan.calico",
      json: [{ address: MACS[node] }],
    },
    {
      says: "VXLAN to the node is let in from other nodes and dropped from anyone else, whatever its VNI",
      source: "ground-truth 2.3; hashes as in clusters that people have posted (calico issue 6752 and others)",
      netns,
      read: RULES("filter", "cali-INPUT"),
      isInOrder: [
        '-A cali-INPUT -p udp -m comment --comment "cali:J76FwxInZIsk7uKY" -m comment --comment "Allow IPv4 VXLAN packets from allowed hosts" -m multiport --dports 4789 -m set --match-set cali40all-vxlan-net src -m addrtype --dst-type LOCAL -j ACCEPT',
        '-A cali-INPUT -p udp -m comment --comment "cali:EDCNTTxYfggApx8C" -m comment --comment "Drop IPv4 VXLAN packets from non-allowed hosts" -m multiport --dports 4789 -m addrtype --dst-type LOCAL -j DROP',
      ],
    },
    {
      says: "the outer packets are kept out of connection tracking, as they come in and as they go out",
      source: `${FELIX}/rules/static.go`,
      netns,
      read: `${RULES("raw", "cali-PREROUTING")}; ${RULES("raw", "cali-OUTPUT")}`,
      isInOrder: [
        '-A cali-PREROUTING -m comment --comment "cali:XFX5xbM8B9qR10JG" -j MARK --set-xmark 0x0/0xf0000',
        '-A cali-PREROUTING -p udp -m udp --dport 4789 -m comment --comment "cali:M7WeklUcDzCqHKI_" -j NOTRACK',
        '-A cali-OUTPUT -m comment --comment "cali:njdnLwYeGqBJyMxW" -j MARK --set-xmark 0x0/0xf0000',
        '-A cali-OUTPUT -m comment --comment "cali:rz86uTUcEZAfFsh7" -j cali-to-host-endpoint',
        '-A cali-OUTPUT -p udp -m udp --dport 4789 -m comment --comment "cali:h6IBQLYf-NmXFeY_" -j NOTRACK',
      ],
    },
    {
      says: "what the node itself sends into the tunnel gets the tunnel's address, and UDP never the source port 4789",
      source: `${FELIX}/rules/static.go (masqPortRangeExcluding)`,
      netns,
      read: RULES("nat", "cali-POSTROUTING"),
      isInOrder: [
        '-A cali-POSTROUTING -m comment --comment "cali:Z-c7XtVd2Bq7s_hA" -j cali-fip-snat',
        '-A cali-POSTROUTING -m comment --comment "cali:nYKhEzDlr11Jccal" -j cali-nat-outgoing',
        '-A cali-POSTROUTING -o vxlan.calico -p udp -m comment --comment "cali:k5tPXc7Lt1qvBU9K" -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL -j MASQUERADE --to-ports 4790-65535 --random-fully',
        '-A cali-POSTROUTING -o vxlan.calico -m comment --comment "cali:ZUy_r64wRDl4JBc4" -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL -j MASQUERADE --random-fully',
      ],
    },
    {
      says: "the set of hosts that IPIP needs is not there",
      source: `${FELIX}/dataplane/linux/int_dataplane.go`,
      netns,
      read: "ipset list -n",
      is: ["cali40all-vxlan-net", "cali40masq-ipam-pools", "cali40network-ip-pools"],
    },
    {
      says: "there is no tunl0",
      source: "ground-truth 2.3",
      netns,
      // Where the module is loaded the kernel makes one in every namespace, which is down.
      read: "ip -o link show up | grep -c tunl0",
      is: ["0"],
    },
  ];
}

/** One neighbour and one FDB entry for each other node of the three. */
const THREE_ENDS: Fact[] = [
  {
    says: "each other end of the tunnel is a permanent neighbour",
    source: "ground-truth 2.3",
    netns: "node/node1",
    read: "ip neigh show nud permanent",
    is: [
      `172.26.0.64 dev vxlan.calico lladdr ${MACS.node2} PERMANENT`,
      `172.26.0.128 dev vxlan.calico lladdr ${MACS.node3} PERMANENT`,
    ],
  },
];

const CALICO_VXLAN: Fact[] = [
  ...workloads("node1", "172.26.0", 1450, "vxlan.calico"),
  ...vxlan("node1", 1450),
  ...THREE_ENDS,
  {
    says: "each other end's MAC address is a permanent FDB entry that names the other node",
    source: "ground-truth 2.3",
    netns: "node/node1",
    read: "bridge fdb show dev vxlan.calico",
    is: [`${MACS.node2} dst 192.168.32.128 self permanent`, `${MACS.node3} dst 192.168.32.129 self permanent`],
  },
  {
    says: "each other node's block is one route to its end of the tunnel, on link and with no protocol of Felix's own",
    source: `ground-truth 2.3; ${FELIX}/dataplane/linux/{vxlan_mgr,route_mgr}.go (calculateRouteProtocol)`,
    netns: "node/node1",
    read: "ip -d route show dev vxlan.calico",
    is: [
      "unicast 172.26.0.64/26 via 172.26.0.64 proto boot scope global onlink",
      "unicast 172.26.0.128/26 via 172.26.0.128 proto boot scope global onlink",
    ],
  },
  {
    says: "the set of allowed sources holds all other nodes",
    source: `ground-truth 2.3; ${FELIX}/dataplane/linux/vxlan_mgr.go (updateNeighborsAndAllowedSources)`,
    netns: "node/node1",
    read: MEMBERS("cali40all-vxlan-net"),
    is: ["cali40all-vxlan-net 192.168.32.128", "cali40all-vxlan-net 192.168.32.129"],
  },
];

const CALICO_VXLAN_CROSSSUBNET: Fact[] = [
  ...workloads("node1", "172.26.0", 1450, "vxlan.calico"),
  ...vxlan("node1", 1450),
  ...THREE_ENDS,
  {
    says: "also the near node's end of the tunnel is in the FDB, although nothing is sent there",
    source: `${FELIX}/vxlanfdb/vxlan_fdb.go (SetVTEPs)`,
    netns: "node/node1",
    read: "bridge fdb show dev vxlan.calico",
    is: [`${MACS.node2} dst 192.168.32.128 self permanent`, `${MACS.node3} dst 192.168.33.129 self permanent`],
  },
  {
    says: "a node of the same subnet is reached by the card, with protocol 80 and on link; one of another by the tunnel",
    source: "ground-truth 2.2, 2.3",
    netns: "node/node1",
    read: `${ROUTES} | grep onlink`,
    is: [
      "172.26.0.64/26 via 192.168.32.128 dev eth0 proto 80 onlink",
      "172.26.0.128/26 via 172.26.0.128 dev vxlan.calico onlink",
    ],
  },
  {
    says: "a node that is alone in its subnet reaches all others by the tunnel",
    source: "ground-truth 2.3",
    netns: "node/node3",
    read: `${ROUTES} | grep onlink`,
    is: [
      "172.26.0.0/26 via 172.26.0.0 dev vxlan.calico onlink",
      "172.26.0.64/26 via 172.26.0.64 dev vxlan.calico onlink",
    ],
  },
  {
    says: "the set of allowed sources holds all other nodes, of any subnet",
    source: "ground-truth 2.3",
    netns: "node/node1",
    read: MEMBERS("cali40all-vxlan-net"),
    is: ["cali40all-vxlan-net 192.168.32.128", "cali40all-vxlan-net 192.168.33.129"],
  },
  {
    says: "the router knows no pod",
    source: "ground-truth 2.3",
    netns: "router",
    read: ROUTES,
    hasNot: ["172.26."],
  },
];

const K0S = "k0s 1.35 static/manifests/calico/DaemonSet/calico-node.yaml";

const CALICO_VXLAN_K0S: Fact[] = [
  ...workloads("fcos01", "10.244.0", 1450, "vxlan.calico"),
  ...vxlan("fcos01", 1450),
  {
    says: "the LAN could carry more: its cards have an MTU of 9000",
    source: `${K0S} (FELIX_VXLANMTU)`,
    netns: "node/fcos01",
    read: "ip -j link show eth0",
    json: [{ mtu: 9000 }],
  },
  {
    says: "k0s writes the MTU into the CNI configuration too: the node's end of a pod's cable has 1450",
    source: `${K0S} (CNI_NETWORK_CONFIG)`,
    netns: "node/fcos02",
    read: "ip -o link show | sed -n 's/.*\\(cali[0-9a-f]*\\)@.* mtu \\([0-9]*\\) .*/\\2/p'",
    is: ["1450", "1450"],
  },
  {
    says: "the other node is one neighbour, one FDB entry and one route",
    source: "ground-truth 2.3",
    netns: "node/fcos01",
    read: `ip neigh show nud permanent; bridge fdb show dev vxlan.calico; ${ROUTES} dev vxlan.calico`,
    is: [
      `10.244.0.64 dev vxlan.calico lladdr ${MACS.fcos02} PERMANENT`,
      `${MACS.fcos02} dst 192.168.32.128 self permanent`,
      "10.244.0.64/26 via 10.244.0.64 onlink",
    ],
  },
];

export const facts: LabFacts[] = [
  { lab: "calico-ipip", facts: CALICO_IPIP },
  { lab: "calico-ipip-crosssubnet", facts: CALICO_IPIP_CROSSSUBNET },
  { lab: "calico-vxlan", facts: CALICO_VXLAN },
  { lab: "calico-vxlan-crosssubnet", facts: CALICO_VXLAN_CROSSSUBNET },
  { lab: "calico-vxlan-k0s", facts: CALICO_VXLAN_K0S },
];
