/**
 * What the guides say that becomes of a command, by lab: those that are meant to fail, and what a reader is told to see
 * printed. A command that is not here must end well. One that stands in a guide several times is told apart by `time`.
 */

export interface Result {
  command: string;
  /** Which of the equal commands of the guide, from 1. */
  time?: number;
  /** It must not end with exit code 0. */
  fails?: true;
  prints?: RegExp;
  /** What the guide says about it. */
  says: string;
}

const LOST = /1 sent, 0 answered/;
const TOO_LONG = /message too long, mtu=/;

export const RESULTS: Readonly<Record<string, readonly Result[]>> = {
  "arp-proxy": [
    {
      command: "hoplab exec arp-proxy h1 -- ip route",
      prints: /^10\.0\.0\.0\/24 dev eth0 [^\n]*\n*$/,
      says: "one route, and no gateway",
    },
    {
      command: "hoplab send arp-proxy --from h1 --to h2",
      prints: /routed, ttl 64→63/,
      says: "routed, though both believe that they are neighbours",
    },
    {
      command: "hoplab exec arp-proxy h1 -- ping -c 1 10.0.0.77",
      fails: true,
      prints: /Destination Host Unreachable/,
      says: "nobody has that address, and the router answers for the other half only",
    },
    {
      command: "hoplab send arp-proxy --from h1 --to h2",
      time: 2,
      fails: true,
      prints: /No packet of this traffic was seen/,
      says: "without proxy ARP the ping is not even sent",
    },
    {
      command: "hoplab send arp-proxy --from h1 --to 8.8.8.8",
      fails: true,
      prints: /h2 +eth0 +in .*not seen any further/,
      says: "by a gateway that nobody has, as far as h2",
    },
    {
      command: "hoplab send arp-proxy --from h1 --to 8.8.8.8",
      time: 2,
      fails: true,
      prints: /No packet of this traffic was seen/,
      says: "without a route to it the router does not answer for 169.254.1.1",
    },
  ],
  "bridge-arp": [
    {
      command: "hoplab exec bridge-arp h1 -- ip neighbour",
      time: 2,
      prints: /10\.0\.0\.2 .* STALE/,
      says: "stale before the ping",
    },
    {
      command: "hoplab exec bridge-arp h1 -- ip neighbour",
      time: 3,
      prints: /10\.0\.0\.2 .* DELAY/,
      says: "the entry becomes DELAY",
    },
    {
      command: "hoplab exec bridge-arp h1 -- ping -c 1 10.0.0.99",
      fails: true,
      prints: /From 10\.0\.0\.1 .*Destination Host Unreachable/,
      says: "h1 itself says so",
    },
    {
      command: "hoplab exec bridge-arp h1 -- ip neighbour",
      time: 4,
      prints: /10\.0\.0\.99 .*FAILED/,
      says: "FAILED after three questions",
    },
    {
      command: "hoplab exec bridge-arp h1 -- ip neighbour",
      time: 5,
      prints: /10\.0\.0\.2 .*02:00:00:00:00:22/,
      says: "the announcement corrects the entry that was there",
    },
    {
      command: "hoplab send bridge-arp --from h1 --to h2",
      time: 2,
      prints: /h3 +eth0 +in/,
      says: "h3 sees packets that are none of its business",
    },
  ],
  "bridge-learning": [
    {
      command: "hoplab exec bridge-learning sw1 -- bridge fdb show br br0 dynamic",
      prints: /^\s*$/,
      says: "nothing",
    },
    {
      command: "hoplab exec bridge-learning sw2 -- bridge fdb show br br0 dynamic",
      prints: /01 dev uplink master br0[\s\S]*03 dev port1 master br0/,
      says: "two lines for each switch",
    },
    {
      command: "hoplab exec bridge-learning sw1 -- bridge fdb show br br0 dynamic",
      time: 3,
      prints: /^\s*$/,
      says: "gone after the ageing time",
    },
    {
      command: "hoplab send bridge-learning --from h1 --to h3",
      time: 2,
      prints: /sw1 +port2 +out .*flooded/,
      says: "the ping itself is flooded",
    },
    {
      command: "hoplab send bridge-learning --from h1 --to 10.0.0.9",
      fails: true,
      prints: /no FDB entry for 02:00:00:00:00:09 on bridge br0/,
      says: "flooded to everybody, and nobody answers",
    },
    {
      command: "hoplab send bridge-learning --from h1 --to h3",
      time: 3,
      fails: true,
      prints: /lost, last seen at h2\/eth0/,
      says: "the switch believes whoever spoke last",
    },
  ],
  "flannel-compare": [
    {
      command: "hoplab compare flannel-compare --from a --to b",
      time: 2,
      prints: /4 hops against 4: 4 alike\./,
      says: "none of the hops differs",
    },
    {
      command: "hoplab compare flannel-compare --from a --to c",
      prints: /12 hops against 10: 6 alike, 4 not, 2 only in flannel-vxlan/,
      says: "the tunnel devices are on one side only",
    },
    {
      command: "hoplab compare flannel-compare --from a --to c --size 1472 --dont-fragment",
      fails: true,
      prints: /flannel-vxlan: 1 sent, 0 answered[\s\S]*flannel-host-gw: 1 sent, 1 answered[\s\S]*mtu=1450/,
      says: "too long for the pods of the tunnel",
    },
  ],
  "flannel-host-gw": [
    {
      command: "hoplab send flannel-host-gw --from a --to c",
      time: 2,
      fails: true,
      prints: /default via 192\.168\.32\.1/,
      says: "the default route takes it to the gateway",
    },
    {
      command: "hoplab send flannel-host-gw --from a --to c",
      time: 3,
      prints: /1 sent, 1 answered/,
      says: "flanneld puts back what is missing when it starts",
    },
    {
      command: "hoplab send flannel-host-gw --from a --to c",
      time: 4,
      fails: true,
      prints: LOST,
      says: "node2 has moved, and node1 has not heard of it",
    },
    {
      command: "hoplab exec flannel-host-gw node/node1 -- ip route get 10.244.1.2",
      time: 2,
      prints: /via 192\.168\.32\.128/,
      says: "the route still names 192.168.32.128",
    },
    {
      command: "hoplab exec flannel-host-gw node/node1 -- ip neigh",
      prints: /192\.168\.32\.128 dev eth0.* (FAILED|INCOMPLETE)/,
      says: "nobody has that address any more",
    },
  ],
  "flannel-nftables": [
    {
      command: "hoplab exec flannel-nftables node/node1 -- iptables -S",
      prints: /^(-P \w+ ACCEPT\s*){3}$/,
      says: "iptables is empty",
    },
    {
      command: "hoplab send flannel-nftables --from a --to 192.168.32.1",
      prints: /snat 10\.244\.0\.2→192\.168\.32\.127 .*masquerade fully-random/,
      says: "it becomes node1's",
    },
    {
      command: "hoplab send flannel-nftables --from client --to b",
      prints: /ICMP echo reply 10\.244\.1\.2 > 192\.168\.32\.50/,
      says: "pod/b sees the client's own address",
    },
    {
      command: "hoplab send flannel-nftables --from a --to b",
      time: 2,
      fails: true,
      prints: /the chain's policy drops it: -P FORWARD DROP/,
      says: "one drop is enough",
    },
    {
      command: "hoplab send flannel-nftables --from a --to 192.168.32.1",
      time: 2,
      fails: true,
      prints: LOST,
      says: "the gateway can't answer: it has no way to the pod",
    },
  ],
  "flannel-two-nics": [
    {
      command: "hoplab exec flannel-two-nics node/node1 -- ip -d link show flannel.1",
      prints: /mtu 1450[\s\S]*local 192\.168\.56\.11 dev eth1/,
      says: "the tunnel is on eth1",
    },
    {
      command: "hoplab send flannel-two-nics --from a --to 10.0.2.2",
      prints: /10\.244\.0\.2→10\.0\.2\.15/,
      says: "leaves by eth0 with the address 10.0.2.15",
    },
    {
      command: "hoplab send flannel-two-nics --from a --to b",
      time: 2,
      fails: true,
      prints: /node\/node1 +eth0 +out/,
      says: "goes out of the wrong card",
    },
    {
      command: "hoplab exec flannel-two-nics node/node1 -- bridge fdb show dev flannel.1",
      time: 2,
      prints: /dst 10\.0\.3\.15 /,
      says: "node2's address on eth0",
    },
    {
      command: "hoplab exec flannel-two-nics node/node1 -- ping -c 1 -W 1 10.0.3.15",
      fails: true,
      prints: /100% packet loss/,
      says: "the NAT's gateway has no idea where that is",
    },
  ],
  "flannel-udp": [
    {
      command: "hoplab exec flannel-udp node/node1 -- ip route",
      prints: /10\.244\.0\.0\/16 dev flannel0/,
      says: "one route for all pods",
    },
    { command: "hoplab send flannel-udp --from a --to c", prints: /ttl 61→60/, says: "arrives with TTL 60" },
    ...[1, 2, 3, 4].map((ttl): Result => {
      const isTold = ttl === 1 || ttl === 4;
      return {
        command: `hoplab exec flannel-udp pod/a -- ping -c 1 -W 1 -t ${ttl} 10.244.1.2`,
        fails: true,
        prints: isTold ? /Time to live exceeded/ : /0 received, 100% packet loss/,
        says: isTold ? "the node's kernel tells" : "flanneld is silent",
      };
    }),
    {
      command: "hoplab send flannel-udp --from a --to 10.244.77.7 --protocol udp --port 99",
      fails: true,
      prints: /answered with ICMP net unreachable 10\.244\.0\.0 > 10\.244\.0\.2[\s\S]*no answer in/,
      says: "the answer comes as far as flannel0 and no further",
    },
    {
      command: "hoplab exec flannel-udp node/node1 -- ip route get 10.244.0.2 from 10.244.0.0 iif flannel0",
      fails: true,
      prints: /Invalid argument/,
      says: "a martian",
    },
    {
      command: "hoplab send flannel-udp --from a --to c",
      time: 2,
      fails: true,
      prints: /answered with ICMP port unreachable 192\.168\.32\.128/,
      says: "no socket listens at node2",
    },
    {
      command: "hoplab send flannel-udp --from c --to a",
      fails: true,
      prints: /the link is down: flannel0/,
      says: "flannel0 has lost its carrier",
    },
    {
      command: "hoplab exec flannel-udp node/node1 -- cat /run/flannel/udp-routes",
      time: 2,
      prints: /10\.244\.3\.0\/24 192\.168\.32\.130:8285/,
      says: "the new node is there",
    },
  ],
  "flannel-vxlan": [
    { command: "hoplab send flannel-vxlan --from a --to c", prints: /ttl 63→62/, says: "arrives with TTL 62" },
    {
      command: "hoplab exec flannel-vxlan pod/a -- ip link show eth0",
      prints: /eth0@if3.* mtu 1450/,
      says: "the other end is interface 3 over there",
    },
    {
      command: "hoplab exec flannel-vxlan pod/a -- ping -c 1 -M do -s 1423 10.244.1.2",
      fails: true,
      prints: TOO_LONG,
      says: "one byte more than fits",
    },
    {
      command: "hoplab send flannel-vxlan --from a --to 192.168.32.1",
      prints:
        /snat 10\.244\.0\.2→192\.168\.32\.127 .*MASQUERADE|snat 10\.244\.0\.2→192\.168\.32\.127 .*FLANNEL-POSTRTG/,
      says: "the source address becomes the node's",
    },
    {
      command: "hoplab send flannel-vxlan --from a --to g",
      fails: true,
      prints: /default via 192\.168\.32\.1/,
      says: "node1 has no route to the new node, so the packet follows the default route",
    },
    {
      command: "hoplab send flannel-vxlan --from a --to c",
      time: 2,
      fails: true,
      prints: /lost, last seen at node\/node1\/flannel\.1/,
      says: "never comes to node1/eth0",
    },
    {
      command: "hoplab send flannel-vxlan --from a --to c",
      time: 3,
      fails: true,
      prints: /lost, last seen at node\/node2\/eth0\n(?!.*answered with)/,
      says: "node2 says nothing",
    },
    {
      command: "hoplab send flannel-vxlan --from a --to c",
      time: 4,
      fails: true,
      prints: /lost, last seen at node\/node2\/eth0\n.*answered with ICMP port unreachable/,
      says: "node2 answers port unreachable",
    },
    {
      command: "hoplab send flannel-vxlan --from a --to c",
      time: 5,
      fails: true,
      prints: LOST,
      says: "node2 has moved, and node1 has not heard of it",
    },
  ],
  "flannel-vxlan-directrouting": [
    {
      command: "hoplab exec flannel-vxlan-directrouting node/node1 -- ip route",
      prints:
        /10\.244\.1\.0\/24 via 192\.168\.32\.128 dev eth0[\s\S]*10\.244\.2\.0\/24 via 10\.244\.2\.0 dev flannel\.1 onlink/,
      says: "two kinds of routes",
    },
    {
      command: "hoplab send flannel-vxlan-directrouting --from a --to d",
      prints: /router +eth1 +out .*routed, ttl 64→63/,
      says: "the router takes one off the outer TTL",
    },
    {
      command: "hoplab exec flannel-vxlan-directrouting router -- ip route get 10.244.2.2",
      fails: true,
      prints: /Network is unreachable/,
      says: "it has never heard of pods",
    },
    {
      command: "hoplab send flannel-vxlan-directrouting --from a --to d",
      time: 2,
      fails: true,
      prints: /lost, last seen at router\/eth0\n(?!.*answered with)/,
      says: "ends in the router, which can't even say so",
    },
    {
      command: "hoplab exec flannel-vxlan-directrouting pod/a -- ping -c 1 -M do -s 1423 10.244.1.2",
      fails: true,
      prints: TOO_LONG,
      says: "one byte more than fits, also between near nodes",
    },
    {
      command: "hoplab send flannel-vxlan-directrouting --from a --to d",
      time: 3,
      fails: true,
      prints: /a rule drops it: .*--dport 8472 -j DROP/,
      says: "the tunnel is filtered, the direct way is not",
    },
  ],
  mtu: [
    {
      command: "hoplab exec mtu h1 -- ping -c 1 -M do -s 1373 10.0.2.2",
      fails: true,
      prints: /From 10\.0\.1\.1 .*Frag needed and DF set \(mtu = 1400\)/,
      says: "one byte more, and the answer comes from 10.0.1.1",
    },
    {
      command: "hoplab send mtu --from h1 --to h2 --size 1450 --dont-fragment",
      fails: true,
      prints: /lost, last seen at r1\/eth0[\s\S]*1478 bytes with DF, and eth1 mtu 1400/,
      says: "ends before the narrow wire",
    },
    {
      command: "hoplab exec mtu h1 -- ip route get 10.0.2.2",
      prints: /cache expires \d+sec mtu 1400/,
      says: "h1 has noted the path MTU",
    },
    {
      command: "hoplab exec mtu h1 -- ping -c 1 -M do -s 1373 10.0.2.2",
      time: 2,
      fails: true,
      prints: /message too long, mtu=1400/,
      says: "now it does not even send",
    },
    {
      command: "hoplab send mtu --from h1 --to h2 --size 1450 --fragment",
      prints: /bytes 0 to 1376 [\s\S]*bytes 1376 to 1458 [\s\S]*h2[\s\S]*reassembled/,
      says: "cut by r1, put together at h2",
    },
    {
      command: "hoplab exec mtu h1 -- ping -c 2 -W 1 -M do -s 1450 10.0.2.2",
      fails: true,
      prints: /2 packets transmitted, 0 received, 100% packet loss/,
      says: "large packets vanish, and nobody says why",
    },
  ],
  nat: [
    {
      command: "hoplab send nat --from a --to internet",
      prints: /snat 10\.0\.0\.2→203\.0\.113\.1[\s\S]*dnat 203\.0\.113\.1→10\.0\.0\.2/,
      says: "snat on the way out, dnat on the way back",
    },
    {
      command: "hoplab exec nat router -- iptables -t nat -vnL POSTROUTING",
      prints: /^ +2 +\d+ MASQUERADE/m,
      says: "the rule has met the first packet of each connection only",
    },
    {
      command: "hoplab exec nat internet -- ping -c 1 10.0.0.80",
      fails: true,
      prints: /Network is unreachable/,
      says: "not one packet was sent",
    },
    {
      command: "hoplab send nat --from internet --to 203.0.113.1 --protocol tcp --port 8080",
      prints: /dnat 203\.0\.113\.1:8080→10\.0\.0\.80:80/,
      says: "published",
    },
    {
      command: "hoplab send nat --from internet --to a",
      fails: true,
      prints: /lost, last seen at router\/eth1[\s\S]*the chain's policy drops it: -P FORWARD DROP/,
      says: "stopped by the policy of FORWARD",
    },
    {
      command: `hoplab exec nat a -- perl -MIO::Socket::INET -e '
  my $s = IO::Socket::INET->new("203.0.113.1:8080") or die "$!\\n"; print $s "hello\\n"; print <$s>'`,
      fails: true,
      prints: /Connection refused/,
      says: "the rule is about eth1",
    },
    {
      command: "hoplab send nat --from a --to 203.0.113.1 --protocol tcp --port 8080",
      fails: true,
      prints: /TCP 10\.0\.0\.80:80 > 10\.0\.0\.2:\d+ SYN ACK {2}arrived/,
      says: "web answers past the router, and a never asked that address",
    },
  ],
  routing: [
    {
      command: "hoplab exec routing h1 -- ping -c 1 -t 1 10.0.2.2",
      fails: true,
      prints: /From 10\.0\.1\.1 .*Time to live exceeded/,
      says: "the first router speaks",
    },
    {
      command: "hoplab exec routing h1 -- ping -c 1 -t 2 10.0.2.2",
      fails: true,
      prints: /From 10\.0\.12\.2 .*Time to live exceeded/,
      says: "the second, with the address towards h1",
    },
    { command: "hoplab exec routing h1 -- ping -c 1 -t 3 10.0.2.2", prints: /ttl=62/, says: "the answer has ttl=62" },
    {
      command: "hoplab send routing --from h1 --to 10.0.3.1",
      fails: true,
      prints: /answered with ICMP net unreachable 10\.0\.1\.1/,
      says: "r1 sends net unreachable",
    },
    {
      command: "hoplab send routing --from h1 --to 10.0.99.1",
      fails: true,
      prints: /route: blackhole 10\.0\.99\.0\/24/,
      says: "disappears without a word, and the last hop names the route",
    },
    {
      command: "hoplab send routing --from h1 --to h2",
      time: 2,
      fails: true,
      prints: /ICMP echo request .*arrived[\s\S]*ICMP net unreachable 10\.0\.2\.1 > 10\.0\.2\.2/,
      says: "the request arrives, the answer does not, and r2 tells h2",
    },
  ],
  "rp-filter": [
    {
      command: "hoplab send rp-filter --from client --to server",
      time: 2,
      fails: true,
      prints: /lost, last seen at gw\/eth0\n(?!.*answered with)[\s\S]*rp_filter = 1/,
      says: "lost at gw/eth0, without a message to anybody",
    },
    {
      command: "hoplab exec rp-filter gw -- nstat -az TcpExtIPReversePathFilter",
      prints: /TcpExtIPReversePathFilter +1 /,
      says: "only a counter goes up",
    },
    {
      command: "hoplab send rp-filter --from client --to server",
      time: 4,
      fails: true,
      prints: /ICMP echo request .*lost, last seen at gw\/eth0[\s\S]*rp_filter = 2/,
      says: "with 2 the request is dropped",
    },
    {
      command: "hoplab send rp-filter --from client --to server",
      time: 5,
      fails: true,
      prints: /ICMP echo request .*arrived[\s\S]*ICMP echo reply .*lost, last seen at gw\/eth2/,
      says: "with 0 it is the answer that gw can't send on",
    },
  ],
  "vxlan-flood-learn-headend": [
    {
      command: "hoplab exec vxlan-flood-learn-headend vtep1 -- bridge fdb show dev vxlan100",
      prints: /00:00:00:00:00:00 dst 192\.168\.2\.2 [\s\S]*00:00:00:00:00:00 dst 192\.168\.3\.2 /,
      says: "two lines for one MAC address",
    },
    {
      command: "hoplab send vxlan-flood-learn-headend --from h1 --to h2",
      prints: /router +eth2 +out .*routed, ttl 64→63/,
      says: "the router routes the outer header",
    },
    {
      command: "hoplab exec vxlan-flood-learn-headend vtep1 -- bridge fdb show dev vxlan100",
      time: 2,
      prints: /02:00:00:00:00:02 dst 192\.168\.2\.2 self/,
      says: "the answer has taught it",
    },
    {
      command: "hoplab send vxlan-flood-learn-headend --from h1 --to h2",
      time: 3,
      fails: true,
      prints: /ARP who-has 10\.0\.0\.2 .*lost, last seen at h3\/eth0/,
      says: "h1 asks in vain, only h3 hears it",
    },
  ],
  "vxlan-flood-learn-multicast": [
    {
      command: "hoplab exec vxlan-flood-learn-multicast vtep1 -- bridge fdb show dev vxlan100",
      prints: /00:00:00:00:00:00 dst 239\.1\.1\.1 via eth0 self permanent/,
      says: "all that has no line of its own goes to the group",
    },
    {
      command: "hoplab exec vxlan-flood-learn-multicast vtep2 -- bridge fdb show dev vxlan100",
      prints: /02:00:00:00:00:01 dst 192\.168\.1\.1 self/,
      says: "learned from the packet's source",
    },
    {
      command: "hoplab exec vxlan-flood-learn-multicast h1 -- ping -c 1 -M do -s 1423 10.0.0.2",
      fails: true,
      prints: TOO_LONG,
      says: "one byte more than fits",
    },
  ],
  "vxlan-static": [
    {
      command: "hoplab exec vxlan-static vtep1 -- ip -d link show vxlan100",
      prints: /nolearning proxy/,
      says: "the device says nolearning proxy",
    },
    {
      command: "hoplab send vxlan-static --from h1 --to h2",
      prints: /ARP who-has 10\.0\.0\.2 tell 10\.0\.0\.1 {2}arrived, 4 hops/,
      says: "the question ends at vtep1/vxlan100",
    },
    {
      command: "hoplab send vxlan-static --from h1 --to 10.0.0.99",
      fails: true,
      prints: /ARP who-has 10\.0\.0\.99 .*lost, last seen at vtep1\/vxlan100/,
      says: "the question reaches no other machine",
    },
    {
      command: "hoplab send vxlan-static --from h1 --to 10.0.0.33",
      fails: true,
      prints: /ARP who-has 10\.0\.0\.33 .*lost, last seen at vtep1\/vxlan100/,
      says: "what is not written down does not exist",
    },
    {
      command: "hoplab send vxlan-static --from h1 --to h2",
      time: 2,
      fails: true,
      prints:
        /lost, last seen at vtep3\/vxlan100[\s\S]*02:00:00:00:00:02 dev vxlan100 master br0 static: the port that it came by/,
      says: "the table is wrong until its owner corrects it",
    },
  ],
  "calico-vxlan": [
    {
      command: "hoplab send calico-vxlan --from a --to b",
      prints: /169\.254\.1\.1 is-at ee:ee:ee:ee:ee:ee/,
      says: "the node answers for a gateway that nobody has",
    },
    { command: "hoplab send calico-vxlan --from a --to c", prints: /ttl 63→62/, says: "arrives with TTL 62" },
    {
      command: "hoplab exec calico-vxlan node/node1 -- bridge fdb show dev vxlan.calico",
      prints: /66:2d:bf:44:a6:8b dst 192\.168\.32\.128/,
      says: "the MAC address of node2's tunnel",
    },
    {
      command: "hoplab exec calico-vxlan node/node1 -- sh -c 'printf node2 | sha1sum'",
      prints: /^2dbf44a68b/,
      says: "66 and the first five bytes of the SHA-1 of the node's name",
    },
    {
      command: "hoplab send calico-vxlan --from a --to c --size 1423 --dont-fragment",
      fails: true,
      prints: TOO_LONG,
      says: "one byte more than fits",
    },
    {
      command: "hoplab send calico-vxlan --from a --to 192.168.32.1",
      prints: /snat 172\.26\.0\.1→192\.168\.32\.127/,
      says: "the packet gets the node's address",
    },
    {
      command: "hoplab send calico-vxlan --from a --to c",
      time: 2,
      fails: true,
      prints: /lost, last seen at node\/node2\/vxlan\.calico/,
      says: "comes out of node2's tunnel, and nobody takes it",
    },
    {
      command: "hoplab send calico-vxlan --from a --to c",
      time: 3,
      fails: true,
      prints: /a rule drops it: .*--dport 4789 -j DROP/,
      says: "a network that lets everything through but VXLAN",
    },
    {
      command: "hoplab send calico-vxlan --from a --to c",
      time: 4,
      fails: true,
      prints: /net\.ipv4\.conf\.all\.rp_filter = 1/,
      says: "the strict filter drops it",
    },
  ],
  "calico-vxlan-crosssubnet": [
    {
      command: "hoplab exec calico-vxlan-crosssubnet node/node1 -- ip route",
      prints:
        /172\.26\.0\.64\/26 via 192\.168\.32\.128 dev eth0 proto 80 onlink[\s\S]*172\.26\.0\.128\/26 via 172\.26\.0\.128 dev vxlan\.calico onlink/,
      says: "two kinds of route",
    },
    {
      command: "hoplab send calico-vxlan-crosssubnet --from a --to c",
      prints: /^(?![\s\S]*vxlan\.calico)/,
      says: "no vxlan.calico anywhere",
    },
    {
      command: "hoplab send calico-vxlan-crosssubnet --from a --to d",
      prints: /router +eth1 +out .*routed, ttl 64→63/,
      says: "the router lowers the outer TTL",
    },
    {
      command: "hoplab send calico-vxlan-crosssubnet --from a --to d",
      time: 2,
      fails: true,
      prints: /a rule drops it: .*--dport 4789 -j DROP/,
      says: "the tunnel is filtered",
    },
    {
      command: "hoplab send calico-vxlan-crosssubnet --from a --to c",
      time: 3,
      fails: true,
      prints: /lost, last seen at node\/node2\/vxlan\.calico[\s\S]*net\.ipv4\.conf\.all\.rp_filter = 1/,
      says: "node2 filters by reverse path",
    },
    {
      command: "hoplab send calico-vxlan-crosssubnet --from a --to d",
      time: 3,
      fails: true,
      prints: /lost, last seen at router\/eth0\n(?!.*answered with)/,
      says: "ends in the router, without a word",
    },
  ],
  "calico-vxlan-k0s": [
    {
      command: "hoplab exec calico-vxlan-k0s node/fcos01 -- ip link show vxlan.calico",
      prints: / mtu 1450 /,
      says: "1450, though the card has 9000",
    },
    {
      command: "hoplab send calico-vxlan-k0s --from a --to c --size 1423 --dont-fragment",
      fails: true,
      prints: TOO_LONG,
      says: "one byte more than fits",
    },
    {
      command: "hoplab send calico-vxlan-k0s --from a --to c --size 8972",
      fails: true,
      prints: /answered with ICMP fragmentation needed .* mtu 1450/,
      says: "the first is lost",
    },
    {
      command: "hoplab exec calico-vxlan-k0s pod/a -- ip route get 10.244.0.65",
      prints: /cache expires \d+sec mtu 1450/,
      says: "the pod keeps what it was told",
    },
    {
      command: "hoplab send calico-vxlan-k0s --from a --to c --size 1400",
      fails: true,
      prints: /too long: 1478 bytes, and fcos02 mtu 1400/,
      says: "a switch that carries less than everybody believes",
    },
  ],
  "calico-bgp": [
    {
      command: "hoplab exec calico-bgp node/node1 -- ip route",
      prints:
        /172\.26\.0\.64\/26 via 192\.168\.32\.128 dev eth0 proto bird[\s\S]*172\.26\.0\.128\/26 via 192\.168\.32\.129 dev eth0 proto bird/,
      says: "two lines end in proto bird",
    },
    {
      command: "hoplab read bgp.pcapng",
      prints:
        /NOTIFICATION cease: administrative reset[\s\S]*OPEN AS 64512 .* hold time 240 s[\s\S]*UPDATE 172\.26\.0\.64\/26 via 192\.168\.32\.128, AS path empty/,
      says: "NOTIFICATION, OPEN, and one UPDATE",
    },
    {
      command:
        "hoplab exec calico-bgp node/node2 -- birdc -s /run/calico/bird.ctl show route export Mesh_192_168_32_127",
      prints: /172\.26\.0\.64\/26 (?![\s\S]*172\.26\.0\.6\d\/32)/,
      says: "only the block",
    },
    {
      command: "hoplab exec calico-bgp node/node1 -- ip route show proto bird",
      prints: /^(?![\s\S]*172\.26\.0\.128\/26)/,
      says: "the route is gone at once",
    },
    {
      command: "hoplab exec calico-bgp pod/a -- ping -c 1 -W 1 172.26.0.128",
      fails: true,
      prints: /100% packet loss/,
      says: "node3 has taken its leave",
    },
    {
      command: "hoplab exec calico-bgp node/node1 -- ip route show proto bird",
      time: 2,
      prints: /172\.26\.0\.128\/26 via 192\.168\.32\.129/,
      says: "it is back",
    },
    {
      command: "hoplab exec calico-bgp node/node1 -- ip route show proto bird",
      time: 3,
      prints: /172\.26\.0\.128\/26 via 192\.168\.32\.129/,
      says: "the route stays",
    },
  ],
  "calico-bgp-reflector": [
    {
      command: "hoplab exec calico-bgp-reflector node/node2 -- ip route",
      prints: /172\.26\.0\.192\/26 via 192\.168\.32\.130 /,
      says: "the next hop is node4, not the reflector",
    },
    {
      command: "hoplab exec calico-bgp-reflector node/node2 -- ip route show proto bird",
      prints: /^(?![\s\S]*172\.26\.0\.192\/26)/,
      says: "node2 forgets it at once",
    },
    {
      command: "hoplab read rr.pcapng",
      prints: /NOTIFICATION[\s\S]*(withdraws 172\.26\.0\.192\/26[\s\S]*){2}end of RIB/,
      says: "one NOTIFICATION comes in, two withdrawals go out",
    },
    {
      command: "hoplab send calico-bgp-reflector --from b --to d",
      time: 2,
      fails: true,
      prints: /default via 192\.168\.32\.1/,
      says: "nobody reaches anybody",
    },
  ],
  "calico-bgp-router": [
    {
      command: "hoplab exec calico-bgp-router router -- ip route",
      prints: /172\.26\.0\.0\/26 via 192\.168\.32\.127 [\s\S]*172\.26\.0\.64\/26 via 192\.168\.32\.128 /,
      says: "both blocks, each by way of the node that has it",
    },
    {
      command: "hoplab send calico-bgp-router --from client --to c",
      prints: /routed, ttl 64→63 {2}172\.26\.0\.64\/26 via 192\.168\.32\.128 dev eth0 proto bird/,
      says: "the router's hop names its route",
    },
    {
      command: "hoplab read router.pcapng",
      prints: /AS path 65000 64512/,
      says: "the router passes the blocks on, with the path 65000 64512",
    },
    {
      command:
        "hoplab exec calico-bgp-router node/node1 -- birdc -s /run/calico/bird.ctl show route protocol Global_192_168_32_1",
      prints: /^(?![\s\S]*172\.26\.)[\s\S]*10\.99\.0\.0\/24/,
      says: "only the client's network",
    },
    {
      command: "hoplab exec calico-bgp-router node/node1 -- iptables -t nat -S cali-nat-outgoing",
      prints: /^-N cali-nat-outgoing\s*$/,
      says: "the chain is empty",
    },
    {
      command: "hoplab exec calico-bgp-router client -- ping -c 1 -W 1 172.26.0.64",
      prints: /1 received/,
      says: "it still works",
    },
  ],
  "calico-ipip": [
    {
      command: "hoplab send calico-ipip --from a --to b",
      prints: /routed, ttl 64→63[\s\S]*169\.254\.1\.1 is-at ee:ee:ee:ee:ee:ee/,
      says: "routed, and the node answers for a gateway that nobody has",
    },
    {
      command: "hoplab exec calico-ipip node/node1 -- ip route",
      prints:
        /blackhole 172\.26\.0\.0\/26 proto 80[\s\S]*172\.26\.0\.64\/26 via 192\.168\.32\.128 dev tunl0 proto 80 onlink/,
      says: "one route per block of another node, and the node's own block",
    },
    { command: "hoplab send calico-ipip --from a --to c", prints: /ttl 63→62/, says: "arrives with TTL 62" },
    {
      command: "hoplab exec calico-ipip pod/a -- ping -c 1 -W 1 172.26.0.50",
      fails: true,
      prints: /0 received/,
      says: "an address of the block without a pod",
    },
    {
      command: "hoplab send calico-ipip --from a --to b",
      time: 2,
      fails: true,
      prints: /No packet of this traffic was seen/,
      says: "without a default route nobody answers for 169.254.1.1",
    },
    {
      command: "hoplab send calico-ipip --from a --to b",
      time: 3,
      fails: true,
      prints: LOST,
      says: "the same break by its name",
    },
    {
      command: "hoplab exec calico-ipip node/node1 -- ip route get 169.254.1.1",
      fails: true,
      prints: /Network is unreachable/,
      says: "no route covers that address",
    },
    {
      command: "hoplab send calico-ipip --from a --to c",
      time: 2,
      fails: true,
      prints: /lost, last seen at node\/node2\/eth0/,
      says: "node2 refuses node1's tunnel",
    },
    {
      command: "hoplab send calico-ipip --from a --to c",
      time: 3,
      fails: true,
      prints: /a rule drops it: /,
      says: "the network filters protocol 4",
    },
    {
      command: "hoplab send calico-ipip --from a --to c",
      time: 4,
      fails: true,
      prints: /lost, last seen at node\/node2\/tunl0/,
      says: "the strict filter drops it",
    },
  ],
  "calico-ipip-bird": [
    {
      command: "hoplab exec calico-ipip-bird node/node1 -- ip route",
      prints: /172\.26\.0\.64\/26 via 192\.168\.32\.128 dev tunl0 proto bird onlink/,
      says: "the same route by another hand",
    },
    {
      command:
        "hoplab exec calico-ipip-bird node/node1 -- birdc -s /run/calico/bird.ctl show route for 172.26.0.64/26 all",
      prints: /via 192\.168\.32\.128 on eth0/,
      says: "as without any tunnel",
    },
    {
      command: "hoplab send calico-ipip-bird --from a --to e",
      fails: true,
      prints: /default via 192\.168\.32\.1/,
      says: "the route is missing, the packet goes to the gateway",
    },
  ],
  "calico-ipip-crosssubnet": [
    {
      command: "hoplab exec calico-ipip-crosssubnet node/node1 -- ip route",
      prints:
        /172\.26\.0\.64\/26 via 192\.168\.32\.128 dev eth0 proto 80 onlink[\s\S]*172\.26\.0\.128\/26 via 192\.168\.33\.129 dev tunl0 proto 80 onlink/,
      says: "two kinds of route",
    },
    {
      command: "hoplab send calico-ipip-crosssubnet --from a --to c",
      prints: /^(?![\s\S]*tunl0)/,
      says: "no tunl0 anywhere",
    },
    {
      command: "hoplab send calico-ipip-crosssubnet --from a --to d",
      prints: /router +eth1 +out .*routed, ttl 63→62/,
      says: "the router lowers the outer TTL",
    },
    {
      command: "hoplab send calico-ipip-crosssubnet --from a --to d",
      time: 2,
      fails: true,
      prints: /lost, last seen at router\/eth0/,
      says: "ends in the router, without a word",
    },
    {
      command: "hoplab send calico-ipip-crosssubnet --from a --to d",
      time: 3,
      fails: true,
      prints: /a rule drops it: /,
      says: "the tunnel is filtered",
    },
    {
      command: "hoplab send calico-ipip-crosssubnet --from a --to c",
      time: 3,
      fails: true,
      prints: /lost, last seen at node\/node2\/tunl0/,
      says: "node2 filters by reverse path",
    },
  ],
  "calico-compare": [
    {
      command: "hoplab compare calico-compare --from a --to b",
      prints: /4 hops against 4: 4 alike\./,
      says: "none of the hops differs",
    },
    {
      command: "hoplab compare calico-compare --from a --to c",
      prints: /2 only in calico-ipip/,
      says: "tunl0 is on one side only",
    },
    {
      command: "hoplab compare calico-compare --from a --to c --size 1472 --dont-fragment",
      fails: true,
      prints: /calico-ipip: 1 sent, 0 answered[\s\S]*calico-bgp: 1 sent, 1 answered[\s\S]*mtu=1480/,
      says: "too long for the pods of the tunnel",
    },
  ],
  "flannel-ipip": [
    {
      command: "hoplab exec flannel-ipip node/node1 -- ip -d link show flannel.ipip",
      prints: /remote any local 192\.168\.32\.127/,
      says: "no remote end",
    },
    { command: "hoplab send flannel-ipip --from a --to c", prints: /ttl 63→62/, says: "arrives with TTL 62" },
    {
      command: "hoplab exec flannel-ipip pod/a -- ping -c 1 -M do -s 1453 10.244.1.2",
      fails: true,
      prints: TOO_LONG,
      says: "one byte more than fits",
    },
    {
      command: "hoplab send flannel-ipip --from a --to c",
      time: 2,
      fails: true,
      prints: /lost, last seen at node\/node2\/eth0/,
      says: "node2 drops protocol 4",
    },
  ],
  "vlan-trunk": [
    {
      command: "hoplab send vlan-trunk --from h1 --to h3",
      prints: /sw1 +trunk +out +Eth\|VLAN\|IP\|ICMP/,
      says: "a tag on the trunk",
    },
    {
      command: "hoplab exec vlan-trunk h1 -- ping -c 1 -I 10.0.20.99 10.0.20.12",
      fails: true,
      prints: /0 received/,
      says: "the VLAN is what the switch knows",
    },
    { command: "hoplab send vlan-trunk --from h1 --to h2", prints: /routed, ttl 64→63/, says: "over the router" },
    {
      command: "hoplab exec vlan-trunk sw1 -- bridge fdb show br br0 dynamic",
      time: 2,
      prints: /(\S+) dev uplink vlan (10|20) master br0[\s\S]*\1 dev uplink vlan (10|20) master br0/,
      says: "the router's MAC address is there twice",
    },
    {
      command: "hoplab send vlan-trunk --from h2 --to h4",
      fails: true,
      prints: /^(?![\s\S]*h4 +eth0)[\s\S]*sw2 +trunk +in/,
      says: "VLAN 20 ends at sw2/trunk",
    },
    {
      command: "hoplab send vlan-trunk --from h1 --to h3",
      time: 3,
      fails: true,
      prints: LOST,
      says: "h3 is in the wrong VLAN",
    },
  ],
};
