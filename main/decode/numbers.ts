/**
 * Numbers that headers use for what comes next, and their names. Source: IANA's registries "IEEE 802 Numbers",
 * "Protocol Numbers" and "Service Name and Transport Protocol Port Number".
 */

export const ETHER_TYPE = {
  ipv4: 0x0800,
  arp: 0x0806,
  transparentEthernet: 0x6558,
  vlan: 0x8100,
  ipv6: 0x86dd,
  serviceVlan: 0x88a8,
  oldServiceVlan: 0x9100,
} as const;

/** Up to here the field is a length and the frame is IEEE 802.3. */
export const LARGEST_802_3_LENGTH = 1500;

export const IP_PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  igmp: 2,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  noNext: 59,
  destinationOptions: 60,
  ospf: 89,
  vrrp: 112,
  sctp: 132,
} as const;

export const PORT = {
  dns: 53,
  dhcpServer: 67,
  dhcpClient: 68,
  bgp: 179,
  vxlan: 4789,
  geneve: 6081,
  /** The kernel's default from before IANA gave VXLAN a port; Flannel and Cilium use it still. */
  linuxVxlan: 8472,
} as const;

const ETHER_TYPE_NAMES = new Map<number, string>([
  [ETHER_TYPE.ipv4, "IPv4"],
  [ETHER_TYPE.arp, "ARP"],
  [ETHER_TYPE.transparentEthernet, "Ethernet"],
  [ETHER_TYPE.vlan, "802.1Q"],
  [ETHER_TYPE.ipv6, "IPv6"],
  [0x8847, "MPLS"],
  [0x8863, "PPPoE discovery"],
  [0x8864, "PPPoE session"],
  [0x888e, "802.1X"],
  [ETHER_TYPE.serviceVlan, "802.1ad"],
  [0x88cc, "LLDP"],
  [0x88e5, "MACsec"],
  [ETHER_TYPE.oldServiceVlan, "802.1Q, old number"],
]);

const IP_PROTOCOL_NAMES = new Map<number, string>([
  [IP_PROTOCOL.hopByHop, "hop-by-hop options"],
  [IP_PROTOCOL.icmp, "ICMP"],
  [IP_PROTOCOL.igmp, "IGMP"],
  [IP_PROTOCOL.ipv4, "IPv4"],
  [IP_PROTOCOL.tcp, "TCP"],
  [IP_PROTOCOL.udp, "UDP"],
  [IP_PROTOCOL.ipv6, "IPv6"],
  [IP_PROTOCOL.routing, "routing"],
  [IP_PROTOCOL.fragment, "fragment"],
  [IP_PROTOCOL.gre, "GRE"],
  [IP_PROTOCOL.esp, "ESP"],
  [IP_PROTOCOL.ah, "AH"],
  [IP_PROTOCOL.icmpv6, "ICMPv6"],
  [IP_PROTOCOL.noNext, "no next header"],
  [IP_PROTOCOL.destinationOptions, "destination options"],
  [IP_PROTOCOL.ospf, "OSPF"],
  [IP_PROTOCOL.vrrp, "VRRP"],
  [IP_PROTOCOL.sctp, "SCTP"],
]);

export function etherTypeName(etherType: number): string | undefined {
  return ETHER_TYPE_NAMES.get(etherType);
}

export function ipProtocolName(protocol: number): string | undefined {
  return IP_PROTOCOL_NAMES.get(protocol);
}
