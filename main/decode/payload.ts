/**
 * What a header says comes next, as an index in PROTOCOLS. Shared by `walkFrame` and `decodeFrame`, so that
 * both find the same layers.
 */

import { PROTOCOLS, type Protocol } from "../../preload/contract/frame.ts";
import type { TunnelPorts } from "../../preload/contract/topology.ts";
import { ETHER_TYPE, IP_PROTOCOL, LARGEST_802_3_LENGTH, PORT } from "./numbers.ts";

function indexOf(protocol: Protocol): number {
  return PROTOCOLS.indexOf(protocol);
}

export const ETH = indexOf("eth");
export const VLAN = indexOf("vlan");
export const ARP = indexOf("arp");
export const IPV4 = indexOf("ipv4");
export const IPV6 = indexOf("ipv6");
export const ICMP = indexOf("icmp");
export const ICMPV6 = indexOf("icmpv6");
export const IGMP = indexOf("igmp");
export const UDP = indexOf("udp");
export const TCP = indexOf("tcp");
export const VXLAN = indexOf("vxlan");
export const GRE = indexOf("gre");
export const GENEVE = indexOf("geneve");
const DHCP = indexOf("dhcp");
const DNS = indexOf("dns");
const HTTP = indexOf("http");
const BGP = indexOf("bgp");
export const DATA = indexOf("data");
export const BROKEN = indexOf("broken");

/** What a capture's frames begin with, by the numbers of pcap's link types (https://www.tcpdump.org/linktypes.html). */
export const LINK_TYPE = {
  ethernet: 1,
  /** IPv4 or IPv6 without any header before it, as on tunl0 and tun devices. */
  raw: 101,
} as const;

/** The first header of the frame whose bytes begin at `start`. */
export function firstHeader(linkType: number, bytes: Uint8Array, start: number, end: number): number {
  if (linkType === LINK_TYPE.ethernet) return ETH;
  if (linkType !== LINK_TYPE.raw || start >= end) return DATA;
  const version = bytes[start]! >> 4;
  if (version === 4) return IPV4;
  return version === 6 ? IPV6 : DATA;
}

/** Bytes that each header has at least. Fewer left: `broken`. */
export const LEAST = {
  eth: 14,
  vlan: 4,
  /** With MAC and IPv4 addresses, the only kind that is read. */
  arp: 28,
  ipv4: 20,
  ipv6: 40,
  icmp: 8,
  icmpv6: 8,
  igmp: 8,
  udp: 8,
  tcp: 20,
  vxlan: 8,
  gre: 4,
  geneve: 8,
  /** BOOTP's fixed part and DHCP's magic cookie. Fewer: `data`, as a port is only a hint. */
  dhcp: 240,
  /** Fewer: `data`, as a port is only a hint. */
  dns: 12,
} as const;

/** After Ethernet, 802.1Q, GRE and Geneve. */
export function etherPayload(etherType: number): number {
  switch (etherType) {
    case ETHER_TYPE.ipv4:
      return IPV4;
    case ETHER_TYPE.arp:
      return ARP;
    case ETHER_TYPE.ipv6:
      return IPV6;
    case ETHER_TYPE.vlan:
    case ETHER_TYPE.serviceVlan:
    case ETHER_TYPE.oldServiceVlan:
      return VLAN;
    case ETHER_TYPE.transparentEthernet:
      return ETH;
    default:
      return DATA;
  }
}

/** Whether the field after the MAC addresses is a length (IEEE 802.3) instead of a type. */
export function isLength(etherType: number): boolean {
  return etherType <= LARGEST_802_3_LENGTH;
}

/** `network` is IPV4 or IPV6: each has an ICMP of its own. */
export function ipPayload(protocol: number, network: number): number {
  switch (protocol) {
    case IP_PROTOCOL.icmp:
      return network === IPV4 ? ICMP : DATA;
    case IP_PROTOCOL.icmpv6:
      return network === IPV6 ? ICMPV6 : DATA;
    case IP_PROTOCOL.igmp:
      return network === IPV4 ? IGMP : DATA;
    case IP_PROTOCOL.tcp:
      return TCP;
    case IP_PROTOCOL.udp:
      return UDP;
    case IP_PROTOCOL.ipv4:
      return IPV4;
    case IP_PROTOCOL.ipv6:
      return IPV6;
    case IP_PROTOCOL.gre:
      return GRE;
    default:
      return DATA;
  }
}

/** What a tunnel that is known by its port puts behind the UDP header, which ends at `start`; DATA where it is none of them. */
export function tunnelPayload(
  ports: TunnelPorts,
  bytes: Uint8Array,
  start: number,
  end: number,
  dstPort: number,
): number {
  if (ports.vxlan.includes(dstPort)) return VXLAN;
  return ports.ip.includes(dstPort) ? firstHeader(LINK_TYPE.raw, bytes, start, end) : DATA;
}

/** `length`: bytes of payload, of which there is at least one. */
export function udpPayload(srcPort: number, dstPort: number, length: number): number {
  switch (dstPort) {
    case PORT.linuxVxlan:
    case PORT.vxlan:
      return VXLAN;
    case PORT.geneve:
      return GENEVE;
    case PORT.dhcpServer:
    case PORT.dhcpClient:
      return length >= LEAST.dhcp ? DHCP : DATA;
    default:
      return (dstPort === PORT.dns || srcPort === PORT.dns) && length >= LEAST.dns ? DNS : DATA;
  }
}

const HTTP_STARTS = [
  "GET ",
  "POST ",
  "PUT ",
  "HEAD ",
  "DELETE ",
  "OPTIONS ",
  "PATCH ",
  "CONNECT ",
  "TRACE ",
  "HTTP/1.",
].map((text) => Array.from(text, (letter) => letter.charCodeAt(0)));

/** BGP is known by its port, even where a segment goes on with a message; HTTP/1 by how it starts, on any other. */
export function tcpPayload(srcPort: number, dstPort: number, bytes: Uint8Array, start: number, end: number): number {
  if (srcPort === PORT.bgp || dstPort === PORT.bgp) return BGP;
  const first = bytes[start]!;
  if (first < 0x43 || first > 0x54) return DATA; // before C or after T
  for (const letters of HTTP_STARTS) {
    if (letters[0] === first && startsWith(bytes, start, end, letters)) return HTTP;
  }
  return DATA;
}

function startsWith(bytes: Uint8Array, start: number, end: number, letters: readonly number[]): boolean {
  if (end - start < letters.length) return false;
  for (let i = 1; i < letters.length; i++) {
    if (bytes[start + i] !== letters[i]) return false;
  }
  return true;
}

/** Where IPv6's extension headers end, and what they say comes next. One object is reused: read it at once. */
export interface Extensions {
  /** The IP protocol number after the last extension header that could be read. */
  next: number;
  /** Where the upper layer starts, or the extension header that is cut short. */
  at: number;
  /** An extension header does not fit into what is left. */
  broken: boolean;
  /** A fragment other than the first: what follows is data. */
  laterFragment: boolean;
}

/** RFC 8200, section 4. `at` is just after the fixed header. Fills `into`; never reads past `end`. */
export function skipExtensions(bytes: Uint8Array, next: number, at: number, end: number, into: Extensions): void {
  into.next = next;
  into.at = at;
  into.broken = false;
  into.laterFragment = false;
  while (!into.laterFragment && isExtension(into.next)) {
    const length = extensionLength(bytes, into.next, into.at, end);
    if (length === 0) {
      into.broken = true;
      return;
    }
    if (into.next === IP_PROTOCOL.fragment) {
      into.laterFragment = (((bytes[into.at + 2]! << 8) | bytes[into.at + 3]!) & 0xfff8) !== 0;
    }
    into.next = bytes[into.at]!;
    into.at += length;
  }
}

export function isExtension(nextHeader: number): boolean {
  return (
    nextHeader === IP_PROTOCOL.hopByHop ||
    nextHeader === IP_PROTOCOL.routing ||
    nextHeader === IP_PROTOCOL.fragment ||
    nextHeader === IP_PROTOCOL.destinationOptions ||
    nextHeader === IP_PROTOCOL.ah
  );
}

/** Bytes of the extension header at `at`; 0 where it does not fit. */
export function extensionLength(bytes: Uint8Array, header: number, at: number, end: number): number {
  if (end - at < 8) return 0;
  const words = bytes[at + 1]!;
  let length = 8;
  if (header === IP_PROTOCOL.ah) length = (words + 2) * 4;
  else if (header !== IP_PROTOCOL.fragment) length = (words + 1) * 8;
  return length <= end - at ? length : 0;
}
