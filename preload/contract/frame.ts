/** A frame as people read it: layers with fields, each with the range of bytes it was read from. */

export const PROTOCOLS = [
  "eth",
  "vlan",
  "arp",
  "ipv4",
  "ipv6",
  "icmp",
  "icmpv6",
  "igmp",
  "udp",
  "tcp",
  "vxlan",
  "gre",
  "geneve",
  "dhcp",
  "dns",
  "http",
  "bgp",
  "data",
  "broken",
] as const;

export type Protocol = (typeof PROTOCOLS)[number];

/** The name of a layer on a chip or in a table; a term of the trade, never translated. */
export const LAYER_LABELS: Record<Protocol, string> = {
  eth: "Eth",
  vlan: "VLAN",
  arp: "ARP",
  ipv4: "IP",
  ipv6: "IPv6",
  icmp: "ICMP",
  icmpv6: "ICMPv6",
  igmp: "IGMP",
  udp: "UDP",
  tcp: "TCP",
  vxlan: "VXLAN",
  gre: "GRE",
  geneve: "Geneve",
  dhcp: "DHCP",
  dns: "DNS",
  http: "HTTP",
  bgp: "BGP",
  data: "data",
  broken: "broken",
};

export interface Layer {
  protocol: Protocol;
  /** One line: `IPv4 10.244.0.2 > 10.244.1.2 ttl 63`. */
  title: string;
  /** Bytes from the start of the frame; the layer's own header only, not its payload. */
  offset: number;
  length: number;
  fields: Field[];
  /** For `broken`, or where a header is inconsistent: what is wrong, in one sentence. */
  problem?: string;
}

export interface Field {
  /** The name in code, as the RFC or `ip` spells it: `ttl`, `src`, `vni`, `etherType`. */
  name: string;
  /** As shown: `Time to live`. A term of the trade, never translated. */
  label: string;
  /** As shown: `63`, `02:00:00:00:01:01`, `0x0800 (IPv4)`. */
  value: string;
  /** The plain number, for numeric fields of up to 32 bits. */
  number?: number;
  /** Bytes from the start of the frame. */
  offset: number;
  length: number;
  children?: Field[];
}

export type Direction = "in" | "out" | "unknown";

/** One sighting of a packet at one interface, without its bytes. */
export interface Frame {
  /** Index in the capture, from 0, in the order of arrival. */
  index: number;
  netns: string;
  interface: string;
  direction: Direction;
  /** Nanoseconds since the start of the capture. */
  at: number;
  /** Length on the wire, and length captured, in bytes. */
  length: number;
  captured: number;
}

/** A frame opened by click: its layers and its bytes. */
export interface OpenedFrame extends Frame {
  layers: Layer[];
  /** Captured bytes, hexadecimal without separators. */
  bytes: string;
}
