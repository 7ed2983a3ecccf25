/** Flannel: what flanneld and the CNI plugins put into a node, backend by backend. */

import type { Fact, LabFacts } from "./fact.ts";

const NODE1 = "node/node1";
const POD = "pod/a";
const MASQ = '-m comment --comment "flanneld masq"';
const FORWARD = '-m comment --comment "flanneld forward"';

/** Of every backend: the bridge, the cables and the pods, on a node that owns 10.244.0.0/24. */
const CNI: Fact[] = [
  {
    says: "the bridge of a node's pods is cni0 and has the first address of the node's subnet, with its mask",
    source: "ground-truth 1; plugins plugins/main/bridge/bridge.go",
    netns: NODE1,
    read: "ip -j -d addr show dev cni0",
    json: [
      {
        ifname: "cni0",
        linkinfo: { info_kind: "bridge" },
        addr_info: [{ family: "inet", local: "10.244.0.1", prefixlen: 24, broadcast: "10.244.0.255", scope: "global" }],
      },
    ],
  },
  {
    says: "the host's end of a pod's cable is called veth and eight hexadecimal digits, and is a port of cni0",
    source: "ground-truth 1; plugins pkg/ip/link_linux.go",
    netns: NODE1,
    read: "bridge link show | sed -n 's/^[0-9]*: veth[0-9a-f]\\{8\\}@.* master \\(.*\\) state.*/\\1/p' | sort -u",
    is: ["cni0"],
  },
  {
    says: "the pod's end is called eth0",
    source: "ground-truth 1",
    netns: POD,
    read: 'ip -j link show type veth | grep -o \'"ifname":"[^"]*"\'',
    is: ['"ifname":"eth0"'],
  },
  {
    says: "every port of cni0 may send a frame back where it came from (hairpinMode: true)",
    source: "ground-truth 1; Documentation/kube-flannel.yml",
    netns: NODE1,
    read: "bridge -d link show | grep -o 'hairpin [a-z]*' | sort -u",
    is: ["hairpin on"],
  },
  {
    says: "cni0 keeps its MAC address when a port with a lower one is added",
    source: "ground-truth 1; plugins plugins/main/bridge/bridge.go",
    netns: NODE1,
    read: [
      "before=$(ip -br link show cni0 | awk '{print $3}')",
      "ip link add lower address 02:00:00:00:00:01 type veth peer name lower0",
      "ip link set lower master cni0 up",
      "after=$(ip -br link show cni0 | awk '{print $3}')",
      "ip link del lower",
      '[ "$before" = "$after" ] && echo kept',
    ].join("; "),
    is: ["kept"],
  },
  {
    says: "no router advertisement changes cni0 (accept_ra=0)",
    source: "ground-truth 1; plugins plugins/main/bridge/bridge.go",
    netns: NODE1,
    read: "cat /proc/sys/net/ipv6/conf/cni0/accept_ra",
    is: ["0"],
  },
  {
    says: "the first pod of a node has the second address of its subnet, the next one the third",
    source: "ground-truth 1; plugins plugins/ipam/host-local",
    netns: NODE1,
    read: "for pod in a b; do ip -n pod.$pod -o -4 addr show dev eth0 | awk '{print $4}'; done",
    isInOrder: ["10.244.0.2/24", "10.244.0.3/24"],
  },
  {
    says: "a pod has a route to the cluster's network beside its default route, both through cni0",
    source: "ground-truth 1; cni-plugin flannel_linux.go",
    netns: POD,
    read: "ip route",
    is: [
      "default via 10.244.0.1 dev eth0",
      "10.244.0.0/16 via 10.244.0.1 dev eth0",
      "10.244.0.0/24 dev eth0 proto kernel scope link src 10.244.0.2",
    ],
  },
  {
    says: "what the bridge forwards also passes through iptables, without which flanneld refuses to start",
    source: "ground-truth 1; flannel main.go",
    netns: NODE1,
    read: "cat /proc/sys/net/bridge/bridge-nf-call-iptables",
    is: ["1"],
  },
  {
    says: "a node forwards packets",
    source: "ground-truth 5",
    netns: NODE1,
    read: "cat /proc/sys/net/ipv4/ip_forward",
    is: ["1"],
  },
];

/** Of every backend that has its rules in iptables. */
const IPTABLES: Fact[] = [
  {
    says: "flanneld's seven masquerading rules are there, with its comment and in its order",
    source: "ground-truth 1; flannel pkg/trafficmngr/iptables/iptables.go",
    netns: NODE1,
    read: "iptables-save -t nat | grep '^-A'",
    isInOrder: [
      `-A POSTROUTING ${MASQ} -j FLANNEL-POSTRTG`,
      `-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 ${MASQ} -j RETURN`,
      `-A FLANNEL-POSTRTG -s 10.244.0.0/24 -d 10.244.0.0/16 ${MASQ} -j RETURN`,
      `-A FLANNEL-POSTRTG -s 10.244.0.0/16 -d 10.244.0.0/24 ${MASQ} -j RETURN`,
      `-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d 10.244.0.0/24 ${MASQ} -j RETURN`,
      `-A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4 ${MASQ} -j MASQUERADE --random-fully`,
      `-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d 10.244.0.0/16 ${MASQ} -j MASQUERADE --random-fully`,
    ],
  },
  {
    says: "flanneld lets through what pods send and get, in a chain of its own",
    source: "ground-truth 1; flannel pkg/trafficmngr/iptables/iptables.go",
    netns: NODE1,
    read: "iptables-save -t filter | grep '^-A'",
    isInOrder: [
      `-A FORWARD ${FORWARD} -j FLANNEL-FWD`,
      `-A FLANNEL-FWD -s 10.244.0.0/16 ${FORWARD} -j ACCEPT`,
      `-A FLANNEL-FWD -d 10.244.0.0/16 ${FORWARD} -j ACCEPT`,
    ],
  },
  {
    says: "the bridge plugin does not masquerade where flanneld does (FLANNEL_IPMASQ=true)",
    source: "ground-truth 1; cni-plugin flannel_linux.go",
    netns: NODE1,
    read: "iptables-save",
    hasNot: [/CNI-/],
  },
];

/** How flanneld tells the CNI plugin what it may use, and the MTU that comes of it. */
function handOver(mtu: 1450 | 1500 | 1472 | 1480, overhead: string): Fact[] {
  return [
    {
      says: `flanneld writes /run/flannel/subnet.env, with an MTU of ${overhead}`,
      source: "ground-truth 1; flannel pkg/subnet/subnet.go",
      netns: NODE1,
      read: "cat /run/flannel/subnet.env",
      isInOrder: [
        "FLANNEL_NETWORK=10.244.0.0/16",
        "FLANNEL_SUBNET=10.244.0.1/24",
        `FLANNEL_MTU=${mtu}`,
        "FLANNEL_IPMASQ=true",
      ],
    },
    {
      says: "pods and cni0 have that MTU",
      source: "ground-truth 1",
      netns: NODE1,
      read: "ip link show dev cni0; ip link show master cni0; ip -n pod.a link show dev eth0",
      has: [
        new RegExp(`cni0: .* mtu ${mtu} `),
        new RegExp(`veth[0-9a-f]{8}@.* mtu ${mtu} `),
        new RegExp(`eth0@.* mtu ${mtu} `),
      ],
    },
    {
      says: "a packet of that size leaves a pod for one of another node without being cut, and none that is larger",
      source: "ground-truth 1",
      netns: POD,
      read: `ping -q -c 1 -W 2 -M do -s ${mtu - 28} 10.244.1.2 | grep -o '[0-9]* received'; ping -c 1 -W 2 -M do -s ${mtu - 27} 10.244.1.2 2>&1 | grep -o 'mtu=[0-9]*'`,
      isInOrder: ["1 received", `mtu=${mtu}`],
    },
  ];
}

const VXLAN_DEVICE: Fact[] = [
  {
    says: "the tunnel is called flannel.1 after its VNI 1 and sends to UDP port 8472, the kernel's own default",
    source: "ground-truth 1.1; flannel pkg/backend/vxlan/vxlan.go",
    netns: NODE1,
    read: "ip -j -d link show dev flannel.1",
    json: [
      {
        ifname: "flannel.1",
        mtu: 1450,
        linkinfo: {
          info_kind: "vxlan",
          info_data: {
            id: 1,
            local: "192.168.32.127",
            link: "eth0",
            port: 8472,
            learning: false,
            ageing: 300,
            udp_csum: true,
            udp_zero_csum6_tx: false,
            udp_zero_csum6_rx: false,
          },
        },
      },
    ],
  },
  {
    says: "ip prints the tunnel as a real one",
    source: "ground-truth 1.1",
    netns: NODE1,
    read: "ip -d link show dev flannel.1 | grep -o 'vxlan id .*noudp6zerocsumrx'",
    is: [
      "vxlan id 1 local 192.168.32.127 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx",
    ],
  },
  {
    says: "the tunnel asks nobody for addresses and carries no group policy (no L2MISS, L3MISS, GBP)",
    source: "ground-truth 1.1; flannel pkg/backend/vxlan/device.go",
    netns: NODE1,
    read: "ip -d link show dev flannel.1",
    hasNot: [/l2miss/, /l3miss/, /gbp/],
  },
  {
    says: "the tunnel's address is the network address of the node's subnet, as a /32 without broadcast",
    source: "ground-truth 1.1; flannel pkg/backend/vxlan/device.go",
    netns: NODE1,
    read: "ip -o -4 addr show dev flannel.1 | sed 's/.*inet //; s/ *flannel.*//'",
    is: ["10.244.0.0/32 scope global"],
  },
  {
    says: "that address brings no broadcast route and no subnet route",
    source: "ground-truth 1.1",
    netns: NODE1,
    read: "ip route show table local dev flannel.1; ip route show dev flannel.1 proto kernel",
    is: ["local 10.244.0.0 proto kernel scope host src 10.244.0.0"],
  },
  {
    says: "no router advertisement changes the tunnel (accept_ra=0)",
    source: "ground-truth 1.1; flannel pkg/backend/vxlan/device.go",
    netns: NODE1,
    read: "cat /proc/sys/net/ipv6/conf/flannel.1/accept_ra",
    is: ["0"],
  },
];

/** The MAC address of a remote end of the tunnel is drawn at random, so that it is put for itself. */
const REMOTE_MACS =
  "sed -e s/$(ip -n node.node2 -br link show flannel.1 | awk '{print $3}')/MAC2/ -e s/$(ip -n node.node3 -br link show flannel.1 | awk '{print $3}')/MAC3/";

const VXLAN: Fact[] = [
  {
    says: "per remote node there is one permanent neighbour: the other end of the tunnel, with its MAC address",
    source: "ground-truth 1.1 (a)",
    netns: NODE1,
    read: `ip neigh show dev flannel.1 | ${REMOTE_MACS}`,
    is: ["10.244.1.0 lladdr MAC2 PERMANENT", "10.244.2.0 lladdr MAC3 PERMANENT"],
  },
  {
    says: "per remote node there is one permanent FDB entry: that MAC address is behind the node's address",
    source: "ground-truth 1.1 (b)",
    netns: NODE1,
    read: `bridge fdb show dev flannel.1 | ${REMOTE_MACS}`,
    is: ["MAC2 dst 192.168.32.128 self permanent", "MAC3 dst 192.168.32.129 self permanent"],
  },
  {
    says: "per remote node there is one route, through the other end of the tunnel, onlink and of global scope",
    source: "ground-truth 1.1 (c)",
    netns: NODE1,
    read: "ip -d route show dev flannel.1",
    is: [
      "unicast 10.244.1.0/24 via 10.244.1.0 proto boot scope global onlink",
      "unicast 10.244.2.0/24 via 10.244.2.0 proto boot scope global onlink",
    ],
  },
  {
    says: "what a node itself sends to a pod of another node has the tunnel's address as its source",
    source: "ground-truth 1.1",
    netns: NODE1,
    read: "ip route get 10.244.1.2 | head -n 1 | sed 's/ uid.*//'",
    is: ["10.244.1.2 via 10.244.1.0 dev flannel.1 src 10.244.0.0"],
  },
  {
    says: "a node has no other routes",
    source: "ground-truth 1.1",
    netns: "node/node3",
    read: "ip route",
    is: [
      "default via 192.168.32.1 dev eth0",
      "10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink",
      "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
      "10.244.2.0/24 dev cni0 proto kernel scope link src 10.244.2.1",
      "192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.129",
    ],
  },
];

const DIRECT_ROUTING: Fact[] = [
  {
    says: "a node of the same subnet gets a plain route to itself, without onlink; one behind the router goes through the tunnel",
    source: "ground-truth 1.2; flannel pkg/backend/vxlan/vxlan_network.go",
    netns: NODE1,
    read: "ip route show root 10.244.0.0/16 | grep via",
    is: ["10.244.1.0/24 via 192.168.32.128 dev eth0", "10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink"],
  },
  {
    says: "the near node has neither neighbour nor FDB entry on the tunnel",
    source: "ground-truth 1.2",
    netns: NODE1,
    read: `ip neigh show dev flannel.1 | ${REMOTE_MACS}; bridge fdb show dev flannel.1 | ${REMOTE_MACS}`,
    is: ["10.244.2.0 lladdr MAC3 PERMANENT", "MAC3 dst 192.168.33.129 self permanent"],
  },
  {
    says: "the lonely node reaches both others through the tunnel",
    source: "ground-truth 1.2",
    netns: "node/node3",
    read: "ip route show dev flannel.1; bridge fdb show dev flannel.1 | wc -l",
    is: ["10.244.0.0/24 via 10.244.0.0 onlink", "10.244.1.0/24 via 10.244.1.0 onlink", "2"],
  },
  {
    says: "the kernel's answer about a near node has no gateway, and about a far one it has: that is how flanneld tells them apart",
    source: "ground-truth 1.2; flannel pkg/ip/iface.go",
    netns: NODE1,
    read: "for node in 192.168.32.128 192.168.33.129; do ip route get $node | head -n 1 | sed 's/ uid.*//'; done",
    isInOrder: [
      "192.168.32.128 dev eth0 src 192.168.32.127",
      "192.168.33.129 via 192.168.32.1 dev eth0 src 192.168.32.127",
    ],
  },
  {
    says: "the router between the subnets knows no pod",
    source: "ground-truth 1.2",
    netns: "router",
    read: "ip route",
    is: [
      "192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.1",
      "192.168.33.0/24 dev eth1 proto kernel scope link src 192.168.33.1",
    ],
  },
];

const HOST_GW: Fact[] = [
  {
    says: "the pods of another node are behind that node itself",
    source: "ground-truth 1.3; flannel pkg/backend/hostgw/hostgw.go",
    netns: NODE1,
    read: "ip route",
    is: [
      "default via 192.168.32.1 dev eth0",
      "10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1",
      "10.244.1.0/24 via 192.168.32.128 dev eth0",
      "10.244.2.0/24 via 192.168.32.129 dev eth0",
      "192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.127",
    ],
  },
  {
    says: "there is no tunnel device",
    source: "ground-truth 1.3",
    netns: NODE1,
    read: "ip -d link",
    hasNot: [/vxlan/, /flannel/, /tun type/],
  },
];

const UDP: Fact[] = [
  {
    says: "the way to other nodes is the TUN device flannel0, with an MTU 28 bytes below that of the node's card",
    source: "ground-truth 1.4; flannel pkg/backend/udp/udp_network_amd64.go",
    netns: NODE1,
    read: "ip -j -d link show dev flannel0",
    json: [
      {
        ifname: "flannel0",
        mtu: 1472,
        link_type: "none",
        linkinfo: { info_kind: "tun", info_data: { type: "tun", pi: false } },
      },
    ],
  },
  {
    says: "its address is the network address of the node's subnet, as a /32",
    source: "ground-truth 1.4",
    netns: NODE1,
    read: "ip -o -4 addr show dev flannel0 | sed 's/.*inet //; s/ *flannel.*//'",
    is: ["10.244.0.0/32 scope global"],
  },
  {
    says: "one route leads to the pods of all other nodes, of global scope and without a gateway",
    source: "ground-truth 1.4",
    netns: NODE1,
    read: "ip -d route show dev flannel0",
    is: ["unicast 10.244.0.0/16 proto boot scope global"],
  },
  {
    says: "a process called flanneld listens on UDP port 8285 of the node's address",
    source: "ground-truth 1.4; flannel pkg/backend/udp/udp_amd64.go",
    netns: NODE1,
    read: "ss -Hlunp | sed -E 's/ +/ /g; s/pid=[0-9]+,fd=[0-9]+/…/'",
    is: ['UNCONN 0 0 192.168.32.127:8285 0.0.0.0:* users:(("flanneld",…))'],
  },
  {
    says: "the kernel has neither neighbours nor FDB entries for other nodes' pods: only the process knows where they are",
    source: "ground-truth 1.4",
    netns: NODE1,
    read: "ip neigh show | grep -v ' dev eth0 \\| dev cni0 '; bridge fdb show | grep -c ' dst '",
    is: ["0"],
  },
  {
    says: "a ping between nodes comes with a TTL four lower, two lower than with host-gw: each process takes one",
    source: "ground-truth 1.4; flannel pkg/backend/udp/proxy_amd64.c, decrement_ttl",
    netns: POD,
    read: "ping -c 1 -W 2 10.244.1.2 | grep -o 'ttl=[0-9]*'",
    is: ["ttl=60"],
  },
  {
    says: "where a process takes the last of the TTL, nobody is told: only the first and the fourth of four hops answer",
    source: "ground-truth 1.4; flannel pkg/backend/udp/proxy_amd64.c",
    netns: POD,
    read: "for ttl in 1 2 3 4 5; do echo $ttl $(ping -c 1 -W 1 -t $ttl 10.244.1.2 | grep -oE 'From [0-9.]+ .*Time to live exceeded|bytes from [0-9.]+'); done",
    isInOrder: [
      "1 From 10.244.0.1 icmp_seq=1 Time to live exceeded",
      "2",
      "3",
      "4 From 10.244.1.0 icmp_seq=1 Time to live exceeded",
      "5 bytes from 10.244.1.2",
    ],
  },
  {
    says: "a ping for a pod that no node has is not answered: the process sends no ICMP about ICMP",
    source: "flannel 0.28.9 pkg/backend/udp/proxy_amd64.c, send_net_unreachable",
    netns: POD,
    read: "ping -q -c 1 -W 1 10.244.77.7 | grep -o '[0-9]* received.*loss'",
    is: ["0 received, 100% packet loss"],
  },
  {
    says: "the kernel would take no packet from flannel0 with the device's own address: it drops the process's ICMP as a martian",
    source: "Linux net/ipv4/fib_frontend.c, fib_validate_source",
    netns: NODE1,
    read: "ip route get 10.244.0.2 from 10.244.0.0 iif flannel0",
    has: [/Invalid argument/],
  },
];

const IPIP: Fact[] = [
  {
    says: "the tunnel is flannel.ipip, from the node's address to whatever a route says, without path MTU discovery",
    source: "ground-truth 1.5; flannel pkg/backend/ipip/ipip.go; vishvananda/netlink link_linux.go, addIptunAttrs",
    netns: NODE1,
    read: "ip -d link show dev flannel.ipip | grep -o 'ipip any .*pmtudisc'",
    is: ["ipip any remote any local 192.168.32.127 ttl inherit nopmtudisc"],
  },
  {
    says: "its MTU is 20 bytes below that of the node's card",
    source: "ground-truth 1.5",
    netns: NODE1,
    read: "ip link show dev flannel.ipip | grep -o 'mtu [0-9]*'",
    is: ["mtu 1480"],
  },
  {
    says: "its address is the network address of the node's subnet, as a /32",
    source: "ground-truth 1.5",
    netns: NODE1,
    read: "ip -o -4 addr show dev flannel.ipip | sed 's/.*inet //; s/ *flannel.*//'",
    is: ["10.244.0.0/32 scope global"],
  },
  {
    says: "the kernel's own tunl0 is left alone: down and without an address",
    source: "ground-truth 1.5",
    netns: NODE1,
    read: "ip -br link show dev tunl0 | awk '{print $2}'; ip -br addr show dev tunl0 | awk '{print $3}'",
    is: ["DOWN"],
  },
  {
    says: "the pods of another node are behind that node's address in the tunnel, onlink",
    source: "ground-truth 1.5",
    netns: NODE1,
    read: "ip route show dev flannel.ipip",
    is: ["10.244.1.0/24 via 192.168.32.128 onlink", "10.244.2.0/24 via 192.168.32.129 onlink"],
  },
];

const NFTABLES: Fact[] = [
  {
    says: "flanneld's rules are in two base chains of a table of its own; the fourth has network and subnet the other way round than with iptables",
    source: "ground-truth 1; flannel pkg/trafficmngr/nftables/nftables.go",
    netns: NODE1,
    read: "nft list table ip flannel-ipv4",
    isInOrder: [
      "table ip flannel-ipv4 {",
      'comment "rules for flannel-ipv4"',
      "chain postrtg {",
      'comment "chain to manage traffic masquerading by flannel"',
      "type nat hook postrouting priority srcnat; policy accept;",
      "meta mark 0x00004000 return",
      "ip saddr 10.244.0.0/24 ip daddr 10.244.0.0/16 return",
      "ip saddr 10.244.0.0/16 ip daddr 10.244.0.0/24 return",
      "ip saddr != 10.244.0.0/24 ip daddr 10.244.0.0/16 return",
      "ip saddr 10.244.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random",
      "ip saddr != 10.244.0.0/16 ip daddr 10.244.0.0/16 masquerade fully-random",
      "}",
      "chain forward {",
      'comment "chain to accept flannel traffic"',
      "type filter hook forward priority filter; policy accept;",
      "ip saddr 10.244.0.0/16 accept",
      "ip daddr 10.244.0.0/16 accept",
      "}",
      "}",
    ],
  },
  {
    says: "the table for IPv6 is there too, and empty in a cluster without IPv6",
    source: "flannel 0.28.9 pkg/trafficmngr/nftables/nftables.go, Init",
    netns: NODE1,
    read: "nft list table ip6 flannel-ipv6",
    isInOrder: ["table ip6 flannel-ipv6 {", 'comment "rules for flannel-ipv6"', "}"],
  },
  {
    says: "iptables has no rule",
    source: "flannel 0.28.9 main.go, newTrafficManager",
    netns: NODE1,
    read: "nft list tables",
    is: ["table ip flannel-ipv4", "table ip6 flannel-ipv6"],
  },
  {
    says: "the tunnel is the same as with iptables",
    source: "ground-truth 1.1",
    netns: NODE1,
    read: "ip route show dev flannel.1; ip -d link show dev flannel.1 | grep -o 'vxlan id .* nolearning'",
    is: [
      "10.244.1.0/24 via 10.244.1.0 onlink",
      "vxlan id 1 local 192.168.32.127 dev eth0 srcport 0 0 dstport 8472 nolearning",
    ],
  },
];

const TWO_NICS: Fact[] = [
  {
    says: "with --iface=eth1 the tunnel ends at that card and its address, although the default route leaves by eth0",
    source: "ground-truth 1.1; flannel pkg/ipmatch/match.go",
    netns: NODE1,
    read: "ip -d link show dev flannel.1 | grep -o 'local .* dev eth[0-9]'; ip route show default",
    is: ["local 192.168.56.11 dev eth1", "default via 10.0.2.2 dev eth0"],
  },
  {
    says: "the other nodes are told that card's address: their FDB entries name it",
    source: "ground-truth 1.1",
    netns: NODE1,
    read: "bridge fdb show dev flannel.1 | cut -d' ' -f2-",
    is: ["dst 192.168.56.12 self permanent"],
  },
  {
    says: "the other node can't be reached through eth0",
    source: "flannel Documentation/troubleshooting.md, Vagrant",
    netns: NODE1,
    read: "ip route get 10.0.3.15 | head -n 1 | sed 's/ uid.*//'; ping -q -c 1 -W 1 10.0.3.15 | grep -o '[0-9]* received'",
    isInOrder: ["10.0.3.15 via 10.0.2.2 dev eth0 src 10.0.2.15", "0 received"],
  },
];

const VXLAN_MTU = handOver(1450, "1450, 50 bytes below that of the node's card");

export const facts: LabFacts[] = [
  { lab: "flannel-vxlan", facts: [...CNI, ...IPTABLES, ...VXLAN_MTU, ...VXLAN_DEVICE, ...VXLAN] },
  {
    lab: "flannel-vxlan-directrouting",
    facts: [...CNI, ...IPTABLES, ...VXLAN_MTU, ...VXLAN_DEVICE, ...DIRECT_ROUTING],
  },
  {
    lab: "flannel-host-gw",
    facts: [...CNI, ...IPTABLES, ...handOver(1500, "1500, all of the node's card"), ...HOST_GW],
  },
  {
    lab: "flannel-udp",
    facts: [...CNI, ...IPTABLES, ...handOver(1472, "1472, 28 bytes below that of the node's card"), ...UDP],
  },
  {
    lab: "flannel-ipip",
    facts: [...CNI, ...IPTABLES, ...handOver(1480, "1480, 20 bytes below that of the node's card"), ...IPIP],
  },
  { lab: "flannel-nftables", facts: NFTABLES },
  { lab: "flannel-two-nics", facts: TWO_NICS },
];
