/** Layer 2 and 3: what Linux itself does. */

import type { Fact, LabFacts } from "./fact.ts";

/** Says `NAME answered`. A switch may need a moment before its ports forward. */
const answers = (name: string, address: string, more = "") =>
  `ping -q -n -c 1 -w 5 ${more} ${address} >/dev/null 2>&1 && echo ${name} answered || echo ${name} silent`;

/** Says `NAME silent` after a second. */
const isSilent = (name: string, address: string, more = "") =>
  `ping -q -n -c 1 -W 1 ${more} ${address} >/dev/null 2>&1 && echo ${name} answered || echo ${name} silent`;

/** A line to a TCP port, and what comes back. */
const line = (address: string, port: number) =>
  `perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(PeerAddr => "${address}:${port}", Timeout => 2) or die "$!\\n"; print $s "hello\\n"; print <$s>' 2>&1`;

const DYNAMIC = "bridge fdb show br br0 dynamic | sed 's/ *$//'";

/** The state of a bridge's ports, once each has had the news that its cable is up. */
const ports = (name: string) =>
  `while bridge link show | grep -q 'state disabled'; do sleep 0.1; done; bridge link show | sed -n 's/^[0-9]*: \\([a-z0-9]*\\)[@:].* master ${name} state \\([a-z]*\\) .*/\\1 \\2/p'`;

const BRIDGE_ARP: Fact[] = [
  {
    says: "the switch is a bridge of three ports that all forward",
    source: "Linux bridge(8)",
    netns: "switch",
    read: ports("br0"),
    is: ["port1 forwarding", "port2 forwarding", "port3 forwarding"],
  },
  {
    says: "the switch has no IPv4 address",
    source: "ip-address(8)",
    netns: "switch",
    read: "ip -4 address show scope global",
    is: [],
  },
  {
    says: "before anybody speaks, nobody knows a neighbour",
    source: "ip-neighbour(8)",
    netns: "h1",
    read: "ip neighbour",
    is: [],
  },
  {
    says: "after a ping the neighbour is known, by its MAC address",
    source: "ip-neighbour(8)",
    netns: "h1",
    read: "ping -q -n -c 1 -w 5 10.0.0.2 >/dev/null; ip neighbour show 10.0.0.2",
    has: [/^10\.0\.0\.2 dev eth0 lladdr 02:[0-9a-f:]{14} (REACHABLE|DELAY)/],
  },
  {
    says: "an address that nobody has becomes FAILED",
    source: "Linux net/core/neighbour.c: three questions, a second apart",
    netns: "h1",
    read: "ping -q -n -c 1 -W 4 10.0.0.99 >/dev/null 2>&1; ip neighbour show 10.0.0.99",
    has: [/^10\.0\.0\.99 dev eth0 +FAILED/],
  },
  {
    says: "whoever announces itself is not believed by those that don't know it",
    source: "Linux Documentation/networking/ip-sysctl.rst: arp_accept",
    netns: "h3",
    read: "sysctl -n net.ipv4.conf.eth0.arp_accept",
    is: ["0"],
  },
];

const ARP_PROXY: Fact[] = [
  {
    says: "the router answers for others on both sides",
    source: "Linux Documentation/networking/ip-sysctl.rst: proxy_arp",
    netns: "router",
    read: "sysctl net.ipv4.conf.eth0.proxy_arp net.ipv4.conf.eth1.proxy_arp",
    is: ["net.ipv4.conf.eth0.proxy_arp = 1", "net.ipv4.conf.eth1.proxy_arp = 1"],
  },
  {
    says: "both hosts believe that the whole subnet is on their cable, and have no gateway",
    source: "the lab's own drawing",
    netns: "h1",
    read: "ip route",
    is: ["10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2"],
  },
  {
    says: "the router knows the two halves",
    source: "the lab's own drawing",
    netns: "router",
    read: "ip route",
    is: [
      "10.0.0.0/25 dev eth0 proto kernel scope link src 10.0.0.1",
      "10.0.0.128/25 dev eth1 proto kernel scope link src 10.0.0.129",
    ],
  },
  {
    says: "the other half is reached, and its MAC address is that of the router",
    source: "RFC 1027",
    netns: "h1",
    read: `${answers("h2", "10.0.0.130")}; ping -q -n -c 1 -W 1 10.0.0.1 >/dev/null; ip neighbour | sed -n 's/.* lladdr \\([^ ]*\\) .*/\\1/p' | sort -u | wc -l`,
    is: ["h2 answered", "1"],
  },
  {
    says: "for an address of the same half the router does not answer",
    source: "Linux net/ipv4/arp.c: only where the route leaves by another device",
    netns: "h1",
    read: "ping -q -n -c 1 -W 4 10.0.0.77 >/dev/null 2>&1; ip neighbour show 10.0.0.77",
    has: [/^10\.0\.0\.77 dev eth0 +FAILED/],
  },
];

const BRIDGE_LEARNING: Fact[] = [
  {
    says: "both switches are bridges of three ports",
    source: "Linux bridge(8)",
    netns: "sw1",
    read: ports("br0"),
    is: ["port1 forwarding", "port2 forwarding", "uplink forwarding"],
  },
  {
    says: "a bridge that nobody has spoken through has learned nothing",
    source: "Linux bridge(8)",
    netns: "sw2",
    read: DYNAMIC,
    is: [],
  },
  {
    says: "a MAC address is forgotten after five minutes of silence",
    source: "Linux net/bridge/br_device.c: ageing_time 300 s, printed in hundredths",
    netns: "sw1",
    read: "ip -d link show br0 | grep -o 'ageing_time [0-9]*'",
    is: ["ageing_time 30000"],
  },
  {
    says: "no spanning tree is spoken",
    source: "Linux net/bridge/br_device.c",
    netns: "sw1",
    read: "ip -d link show br0 | grep -o 'stp_state [0-9]'",
    is: ["stp_state 0"],
  },
  {
    says: "a ping across both switches is answered",
    source: "the lab's own drawing",
    netns: "h1",
    read: answers("h3", "10.0.0.3"),
    is: ["h3 answered"],
  },
  {
    says: "then the first switch has learned who is behind which port",
    source: "Linux net/bridge/br_fdb.c",
    netns: "sw1",
    read: DYNAMIC,
    is: ["02:00:00:00:00:01 dev port1 master br0", "02:00:00:00:00:03 dev uplink master br0"],
  },
  {
    says: "and so has the second, for which everybody else is behind the uplink",
    source: "Linux net/bridge/br_fdb.c",
    netns: "sw2",
    read: DYNAMIC,
    is: ["02:00:00:00:00:01 dev uplink master br0", "02:00:00:00:00:03 dev port1 master br0"],
  },
];

const VLAN_TRUNK: Fact[] = [
  {
    says: "the switches look at tags",
    source: "Linux Documentation/networking/bridge.rst: VLAN filtering",
    netns: "sw1",
    read: "ip -d link show br0 | grep -o 'vlan_filtering [01]\\|vlan_default_pvid [0-9]*'",
    is: ["vlan_filtering 1", "vlan_default_pvid 0"],
  },
  {
    says: "access ports belong to one VLAN without a tag, trunks to both with one",
    source: "bridge(8): bridge vlan",
    netns: "sw1",
    read: "bridge -j vlan show",
    json: [
      { ifname: "uplink", vlans: [{ vlan: 10 }, { vlan: 20 }] },
      { ifname: "trunk", vlans: [{ vlan: 10 }, { vlan: 20 }] },
      { ifname: "port1", vlans: [{ vlan: 10, flags: ["PVID", "Egress Untagged"] }] },
      { ifname: "port2", vlans: [{ vlan: 20, flags: ["PVID", "Egress Untagged"] }] },
    ],
  },
  {
    says: "the router has a device for each VLAN of its one cable",
    source: "ip-link(8): type vlan",
    netns: "router",
    read: "ip -d link show | grep -o 'eth0\\.[0-9]*@eth0\\|protocol 802.1Q id [0-9]*'",
    is: ["eth0.10@eth0", "protocol 802.1Q id 10", "eth0.20@eth0", "protocol 802.1Q id 20"],
  },
  {
    says: "within a VLAN a ping passes both switches, its TTL untouched",
    source: "IEEE 802.1Q",
    netns: "h1",
    read: "ping -n -c 1 -w 9 10.0.10.13 | grep -o 'ttl=[0-9]*'",
    is: ["ttl=64"],
  },
  {
    says: "into the other VLAN it passes the router, which lowers the TTL",
    source: "the lab's own drawing",
    netns: "h1",
    read: "ping -n -c 1 -w 9 10.0.20.12 | grep -o 'ttl=[0-9]*'",
    is: ["ttl=63"],
  },
  {
    says: "who pretends to be in the other subnet stays in its own VLAN",
    source: "IEEE 802.1Q",
    netns: "h1",
    read: `ip address add 10.0.20.99/24 dev eth0; ${isSilent("h2", "10.0.20.12", "-I 10.0.20.99")}; ip address del 10.0.20.99/24 dev eth0`,
    is: ["h2 silent"],
  },
  {
    says: "the switch keeps what it learned apart by VLAN",
    source: "Linux net/bridge/br_fdb.c: an entry is of a MAC address and a VLAN",
    netns: "sw1",
    read: "bridge fdb show br br0 dynamic | grep -o 'dev uplink vlan [0-9]*' | sort -u",
    is: ["dev uplink vlan 10", "dev uplink vlan 20"],
  },
];

/** What all three VXLAN labs are asked. */
const vxlanPings = (source: string): Fact[] => [
  {
    says: "all three hosts are on one Ethernet: a ping arrives with its TTL untouched",
    source,
    netns: "h1",
    read: "for last in 2 3; do ping -n -c 1 -w 5 10.0.0.$last | grep -m 1 -o 'ttl=[0-9]*'; done",
    is: ["ttl=64", "ttl=64"],
  },
  {
    says: "the tunnel takes 50 bytes",
    source: "RFC 7348, section 5",
    netns: "vtep1",
    read: "ip -o link show | sed -n 's/^[0-9]*: \\(eth0\\|vxlan100\\|br0\\|port1\\)[@:].* mtu \\([0-9]*\\) .*/\\1 \\2/p'",
    is: ["br0 1450", "eth0 1500", "port1 1500", "vxlan100 1450"],
  },
];

const VXLAN = "ip -d link show vxlan100 | sed -n 's/^ *\\(vxlan id.*\\) ttl.*/\\1/p'";
const LEARNED = "bridge fdb show dev vxlan100 | grep ' dst ' | sed 's/ *$//'";

const VXLAN_MULTICAST: Fact[] = [
  {
    says: "the tunnel device sends what it does not know to a multicast group",
    source: "RFC 7348, section 4.2",
    netns: "vtep1",
    read: VXLAN,
    is: ["vxlan id 100 group 239.1.1.1 local 192.168.1.1 dev eth0 srcport 0 0 dstport 4789"],
  },
  {
    says: "it has joined the group",
    source: "Linux drivers/net/vxlan/vxlan_multicast.c",
    netns: "vtep1",
    read: "ip maddress show dev eth0 | grep -o 'inet *239.1.1.1'",
    has: ["239.1.1.1"],
  },
  {
    says: "before anybody speaks it only has the entry for everything",
    source: "Linux drivers/net/vxlan/vxlan_core.c",
    netns: "vtep1",
    read: LEARNED,
    is: ["00:00:00:00:00:00 dst 239.1.1.1 via eth0 self permanent"],
  },
  ...vxlanPings("RFC 7348"),
  {
    says: "from what came in it has learned behind which tunnel end each host is",
    source: "RFC 7348, section 4.1",
    netns: "vtep1",
    read: LEARNED,
    is: [
      "00:00:00:00:00:00 dst 239.1.1.1 via eth0 self permanent",
      "02:00:00:00:00:02 dst 192.168.1.2 self",
      "02:00:00:00:00:03 dst 192.168.1.3 self",
    ],
  },
];

const VXLAN_HEADEND: Fact[] = [
  {
    says: "the tunnel device has no group",
    source: "ip-link(8): type vxlan",
    netns: "vtep1",
    read: VXLAN,
    is: ["vxlan id 100 local 192.168.1.2 dev eth0 srcport 0 0 dstport 4789"],
  },
  {
    says: "the entry for everything is a list of the other two ends",
    source: "bridge(8): bridge fdb append 00:00:00:00:00:00",
    netns: "vtep1",
    read: LEARNED,
    is: ["00:00:00:00:00:00 dst 192.168.2.2 self permanent", "00:00:00:00:00:00 dst 192.168.3.2 self permanent"],
  },
  ...vxlanPings("RFC 7348"),
  {
    says: "across the router too it has learned behind which tunnel end each host is",
    source: "RFC 7348, section 4.1",
    netns: "vtep1",
    read: LEARNED,
    is: [
      "00:00:00:00:00:00 dst 192.168.2.2 self permanent",
      "00:00:00:00:00:00 dst 192.168.3.2 self permanent",
      "02:00:00:00:00:02 dst 192.168.2.2 self",
      "02:00:00:00:00:03 dst 192.168.3.2 self",
    ],
  },
  {
    says: "the router knows none of the hosts",
    source: "the lab's own drawing",
    netns: "router",
    read: "ip route",
    is: [1, 2, 3].map(
      (number) => `192.168.${number}.0/24 dev eth${number} proto kernel scope link src 192.168.${number}.1`,
    ),
  },
];

const VXLAN_STATIC: Fact[] = [
  {
    says: "the tunnel device learns nothing, and answers ARP itself",
    source: "ip-link(8): type vxlan: nolearning, proxy",
    netns: "vtep1",
    read: "ip -d link show vxlan100 | sed -n 's/^ *\\(vxlan id.*\\) ttl.*/\\1/p'",
    is: ["vxlan id 100 local 192.168.1.2 dev eth0 srcport 0 0 dstport 4789 nolearning proxy"],
  },
  {
    says: "the MAC addresses of the others are written down",
    source: "ip-neighbour(8)",
    netns: "vtep1",
    read: "ip neighbour show dev vxlan100 | sed 's/ *$//'",
    is: ["10.0.0.2 lladdr 02:00:00:00:00:02 PERMANENT", "10.0.0.3 lladdr 02:00:00:00:00:03 PERMANENT"],
  },
  {
    says: "and so are the tunnel ends that they are behind; there is no entry for everything",
    source: "bridge(8)",
    netns: "vtep1",
    read: LEARNED,
    is: ["02:00:00:00:00:02 dst 192.168.2.2 self permanent", "02:00:00:00:00:03 dst 192.168.3.2 self permanent"],
  },
  {
    says: "the bridge is told that both are behind the tunnel",
    source: "bridge(8)",
    netns: "vtep1",
    read: "bridge fdb show dev vxlan100 | grep 'master br0 static' | sed 's/ *$//'",
    is: ["02:00:00:00:00:02 master br0 static", "02:00:00:00:00:03 master br0 static"],
  },
  ...vxlanPings("Linux drivers/net/vxlan/vxlan_core.c: arp_reduce"),
  {
    says: "pings have taught it nothing new",
    source: "Linux drivers/net/vxlan/vxlan_core.c",
    netns: "vtep1",
    read: LEARNED,
    is: ["02:00:00:00:00:02 dst 192.168.2.2 self permanent", "02:00:00:00:00:03 dst 192.168.3.2 self permanent"],
  },
  {
    says: "an address that is not written down is asked for in vain, and no question crosses the router",
    source: "Linux drivers/net/vxlan/vxlan_core.c",
    netns: "h1",
    read: "ping -q -n -c 1 -W 4 10.0.0.99 >/dev/null 2>&1; ip neighbour show 10.0.0.99",
    has: [/FAILED/],
  },
];

const ROUTING: Fact[] = [
  {
    says: "the first router knows the far subnet by the second one, and drops one subnet without a word",
    source: "ip-route(8)",
    netns: "r1",
    read: "ip route",
    is: [
      "10.0.1.0/24 dev eth0 proto kernel scope link src 10.0.1.1",
      "10.0.2.0/24 via 10.0.12.2 dev eth1",
      "10.0.12.0/24 dev eth1 proto kernel scope link src 10.0.12.1",
      "blackhole 10.0.99.0/24",
    ],
  },
  {
    says: "both routers forward, hosts do not",
    source: "Linux Documentation/networking/ip-sysctl.rst: ip_forward",
    netns: "r2",
    read: "sysctl -n net.ipv4.ip_forward",
    is: ["1"],
  },
  { says: "a host is no router", source: "RFC 1122", netns: "h1", read: "sysctl -n net.ipv4.ip_forward", is: ["0"] },
  {
    says: "two routers lower the TTL by two",
    source: "RFC 1812, section 5.3.1",
    netns: "h1",
    read: "ping -n -c 1 -W 2 10.0.2.2 | grep -o 'ttl=[0-9]*'",
    is: ["ttl=62"],
  },
  {
    says: "where the TTL ends, that router says so: the first, then the second",
    source: "RFC 792: time exceeded",
    netns: "h1",
    read: "for ttl in 1 2 3; do ping -n -c 1 -W 2 -t $ttl 10.0.2.2 | grep -o 'From .*\\|^64 bytes from [0-9.]*' | sed 's/ icmp_seq=1//'; done",
    isInOrder: [
      "From 10.0.1.1 Time to live exceeded",
      "From 10.0.12.2 Time to live exceeded",
      "64 bytes from 10.0.2.2",
    ],
  },
  {
    says: "for a subnet without a route the first router refuses",
    source: "RFC 792: net unreachable",
    netns: "h1",
    read: "ping -n -c 1 -W 2 10.0.3.1 | grep -o 'From .*'",
    is: ["From 10.0.1.1 icmp_seq=1 Destination Net Unreachable"],
  },
  {
    says: "the blackhole says nothing",
    source: "ip-route(8): blackhole",
    netns: "h1",
    read: "ping -n -c 1 -W 1 10.0.99.1 | grep -c '^From'",
    is: ["0"],
  },
];

const NAT: Fact[] = [
  {
    says: "what leaves gets the public address, and one port leads in",
    source: "iptables-extensions(8): MASQUERADE, DNAT",
    netns: "router",
    read: "iptables-save -t nat | grep '^-A'",
    isInOrder: [
      "-A PREROUTING -d 203.0.113.1/32 -i eth1 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.80:80",
      "-A POSTROUTING -s 10.0.0.0/24 -o eth1 -j MASQUERADE",
    ],
  },
  {
    says: "what is not answered, sent out or translated is not forwarded",
    source: "iptables-extensions(8): conntrack",
    netns: "router",
    read: "iptables-save -t filter | grep '^-A\\|^:FORWARD' | sed 's/ \\[.*//'",
    isInOrder: [
      ":FORWARD DROP",
      "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
      "-A FORWARD -i eth0 -o eth1 -j ACCEPT",
      "-A FORWARD -i eth1 -o eth0 -m conntrack --ctstate DNAT -j ACCEPT",
    ],
  },
  {
    says: "the outside has no route to the private subnet",
    source: "RFC 1918",
    netns: "internet",
    read: "ip route",
    is: ["203.0.113.0/24 dev eth0 proto kernel scope link src 203.0.113.9"],
  },
  {
    says: "out and back: a ping is answered",
    source: "RFC 3022",
    netns: "a",
    read: answers("internet", "203.0.113.9"),
    is: ["internet answered"],
  },
  {
    says: "a line to the published port comes back from the web server",
    source: "RFC 3022",
    netns: "internet",
    read: line("203.0.113.1", 8080),
    is: ["hello"],
  },
  {
    says: "another port leads to the router itself, where nobody listens",
    source: "RFC 9293",
    netns: "internet",
    read: line("203.0.113.1", 8081),
    is: ["Connection refused"],
  },
  {
    says: "from inside, the published port does not lead in: the rule is about eth1",
    source: "iptables(8)",
    netns: "a",
    read: line("203.0.113.1", 8080),
    is: ["Connection refused"],
  },
  {
    says: "who is told a route to the private subnet is still not let in",
    source: "the lab's own rules",
    netns: "internet",
    read: `ip route add 10.0.0.0/24 via 203.0.113.1; ${isSilent("a", "10.0.0.2")}; ip route del 10.0.0.0/24`,
    is: ["a silent"],
  },
];

const MTU: Fact[] = [
  {
    says: "the wire between the routers is narrower than those to the hosts",
    source: "the lab's own drawing",
    netns: "r1",
    read: "ip -o link show | sed -n 's/^[0-9]*: \\(eth[01]\\)[@:].* mtu \\([0-9]*\\) .*/\\1 \\2/p'",
    is: ["eth0 1500", "eth1 1400"],
  },
  {
    says: "a packet that fits passes whole",
    source: "RFC 791",
    netns: "h1",
    read: answers("h2", "10.0.2.2", "-M do -s 1372"),
    is: ["h2 answered"],
  },
  {
    says: "one byte more, with DF, and the router refuses and names its MTU",
    source: "RFC 1191, section 4",
    netns: "h1",
    read: "ping -n -c 1 -W 2 -M do -s 1373 10.0.2.2 | grep -o 'From .*'",
    is: ["From 10.0.1.1 icmp_seq=1 Frag needed and DF set (mtu = 1400)"],
  },
  {
    says: "the host remembers that: the next one is not even sent",
    source: "RFC 1191, section 6.3; Linux net/ipv4/route.c",
    netns: "h1",
    read: "ip route get 10.0.2.2 | grep -o 'mtu [0-9]*'; ping -n -c 1 -W 2 -M do -s 1373 10.0.2.2 2>&1 | grep -o 'message too long.*'",
    is: ["mtu 1400", "message too long, mtu=1400"],
  },
  {
    says: "without DF the router cuts the packet up, and all of it arrives",
    source: "RFC 791, section 2.3",
    netns: "h1",
    read: `ip route flush cache; ${answers("h2", "10.0.2.2", "-M dont -s 1472")}`,
    is: ["h2 answered"],
  },
  {
    says: "the router has counted the pieces",
    source: "RFC 1213: ipFragCreates",
    netns: "r1",
    read: "nstat -asz IpFragOKs IpFragCreates | awk '/^Ip/ { print $1, ($2 > 0) }'",
    is: ["IpFragOKs 1", "IpFragCreates 1"],
  },
];

const DROPPED = "nstat -asz TcpExtIPReversePathFilter | awk '/^TcpExt/ { print $2 + 0 }'";
const RP_FILTER: Fact[] = [
  {
    says: "the best way back is by the other router",
    source: "ip-route(8): metric",
    netns: "gw",
    read: "ip route get 10.0.1.2 | head -1 | sed 's/ *uid.*//'",
    is: ["10.0.1.2 via 10.0.4.1 dev eth1 src 10.0.4.2"],
  },
  {
    says: "no reverse path filter is on when the lab comes up",
    source: "Linux Documentation/networking/ip-sysctl.rst: rp_filter",
    netns: "gw",
    read: "sysctl -n net.ipv4.conf.all.rp_filter net.ipv4.conf.eth0.rp_filter net.ipv4.conf.eth1.rp_filter",
    is: ["0", "0", "0"],
  },
  {
    says: "off: the ping is answered, by two different ways",
    source: "the lab's own drawing",
    netns: "client",
    read: answers("server", "10.0.5.2"),
    is: ["server answered"],
  },
  {
    says: "until now the filter has dropped nothing",
    source: "Linux net/ipv4/fib_frontend.c: IPReversePathFilter",
    netns: "gw",
    read: `${DROPPED}; echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter`,
    is: ["0"],
  },
  {
    says: "strict: a packet whose answer would leave by another interface is dropped",
    source: "RFC 3704, section 2.2",
    netns: "client",
    read: isSilent("server", "10.0.5.2"),
    is: ["server silent"],
  },
  {
    says: "and the gateway has counted it",
    source: "Linux net/ipv4/fib_frontend.c: IPReversePathFilter",
    netns: "gw",
    read: `${DROPPED}; echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter`,
    is: ["1"],
  },
  {
    says: "loose: any way back will do",
    source: "RFC 3704, section 2.4",
    netns: "client",
    read: answers("server", "10.0.5.2"),
    is: ["server answered"],
  },
];

export const facts: LabFacts[] = [
  { lab: "bridge-arp", facts: BRIDGE_ARP },
  { lab: "arp-proxy", facts: ARP_PROXY },
  { lab: "bridge-learning", facts: BRIDGE_LEARNING },
  { lab: "vlan-trunk", facts: VLAN_TRUNK },
  { lab: "vxlan-flood-learn-multicast", facts: VXLAN_MULTICAST },
  { lab: "vxlan-flood-learn-headend", facts: VXLAN_HEADEND },
  { lab: "vxlan-static", facts: VXLAN_STATIC },
  { lab: "routing", facts: ROUTING },
  { lab: "nat", facts: NAT },
  { lab: "mtu", facts: MTU },
  { lab: "rp-filter", facts: RP_FILTER },
];
