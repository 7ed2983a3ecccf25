/**
 * Finds the layers of a frame without making objects: the hot path of journeys. Never throws, never
 * reads past `end`. Says the same layers as `decodeFrame`, which a property test keeps true.
 */

import { NO_TUNNEL_PORTS, type TunnelPorts } from "../../preload/contract/topology.ts";
import { IP_PROTOCOL } from "./numbers.ts";
import {
  ARP,
  BROKEN,
  DATA,
  ETH,
  type Extensions,
  etherPayload,
  firstHeader,
  GENEVE,
  GRE,
  ICMP,
  ICMPV6,
  IGMP,
  IPV4,
  IPV6,
  ipPayload,
  LEAST,
  LINK_TYPE,
  skipExtensions,
  TCP,
  tcpPayload,
  tunnelPayload,
  UDP,
  udpPayload,
  VLAN,
  VXLAN,
} from "./payload.ts";

/** Deeper frames stop here, with `cut` set. */
export const MAX_LAYERS = 16;

export interface Walk {
  /** Layers found. */
  count: number;
  /** Of each layer: its index in PROTOCOLS, and where its header starts in `bytes` (absolute). */
  protocols: Uint8Array;
  offsets: Int32Array;
  /** Which layer is the innermost IPv4, IPv6 or ARP; -1 where there is none. ICMP's quoted packet does not count. */
  inner: number;
  /** Where the innermost packet ends in `bytes` (absolute): by its own length field, at most the captured end. */
  innerEnd: number;
  /** The frame ended, or was broken, before its layers did. */
  cut: boolean;
  /** Given, not found: UDP destination ports of tunnels, besides 4789 and 8472. */
  readonly tunnelPorts: TunnelPorts;
}

export function createWalk(tunnelPorts: TunnelPorts = NO_TUNNEL_PORTS): Walk {
  return {
    count: 0,
    protocols: new Uint8Array(MAX_LAYERS),
    offsets: new Int32Array(MAX_LAYERS),
    inner: -1,
    innerEnd: 0,
    cut: false,
    tunnelPorts,
  };
}

const extensions: Extensions = { next: 0, at: 0, broken: false, laterFragment: false };

/** Fills `walk` for the frame in `bytes` from `start` up to `end`, of which only captured bytes count. */
export function walkFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  walk: Walk,
  linkType: number = LINK_TYPE.ethernet,
): void {
  let limit = Math.min(end, bytes.length);
  let at = start;
  let next = firstHeader(linkType, bytes, start, limit);
  walk.count = 0;
  walk.inner = -1;
  walk.innerEnd = limit;
  walk.cut = false;

  for (;;) {
    const left = limit - at;
    if (next === DATA && left <= 0) return;
    if (walk.count === MAX_LAYERS) {
      walk.cut = true;
      return;
    }
    const layer = walk.count++;
    walk.protocols[layer] = next;
    walk.offsets[layer] = at;

    // Each case either returns (nothing follows), breaks with `next` and `at` set, or breaks with `next` at BROKEN.
    const current = next;
    next = BROKEN;
    switch (current) {
      case ETH: {
        if (left < LEAST.eth) break;
        const etherType = (bytes[at + 12]! << 8) | bytes[at + 13]!;
        next = etherPayload(etherType);
        at += 14;
        break;
      }
      case VLAN: {
        if (left < LEAST.vlan) break;
        const etherType = (bytes[at + 2]! << 8) | bytes[at + 3]!;
        next = etherPayload(etherType);
        at += 4;
        break;
      }
      case IPV4: {
        if (left < LEAST.ipv4) break;
        const headerLength = (bytes[at]! & 0x0f) * 4;
        if (bytes[at]! >> 4 !== 4 || headerLength < 20 || headerLength > left) break;
        const totalLength = (bytes[at + 2]! << 8) | bytes[at + 3]!;
        // 0: the card will cut this into segments (BIG TCP).
        if (totalLength !== 0) {
          if (totalLength < headerLength) break;
          if (totalLength > left) walk.cut = true;
          else limit = at + totalLength;
        }
        walk.inner = layer;
        walk.innerEnd = limit;
        const fragmentOffset = ((bytes[at + 6]! << 8) | bytes[at + 7]!) & 0x1fff;
        next = fragmentOffset === 0 ? ipPayload(bytes[at + 9]!, IPV4) : DATA;
        at += headerLength;
        break;
      }
      case UDP: {
        if (left < LEAST.udp) break;
        const length = (bytes[at + 4]! << 8) | bytes[at + 5]!;
        if (length < 8) break;
        if (length > left) walk.cut = true;
        else limit = at + length;
        const srcPort = (bytes[at]! << 8) | bytes[at + 1]!;
        const dstPort = (bytes[at + 2]! << 8) | bytes[at + 3]!;
        at += 8;
        if (at === limit) return;
        next = tunnelPayload(walk.tunnelPorts, bytes, at, limit, dstPort);
        if (next === DATA) next = udpPayload(srcPort, dstPort, limit - at);
        break;
      }
      case VXLAN:
        if (left < LEAST.vxlan) break;
        next = ETH;
        at += 8;
        break;
      case TCP: {
        if (left < LEAST.tcp) break;
        const headerLength = (bytes[at + 12]! >> 4) * 4;
        if (headerLength < 20 || headerLength > left) break;
        const srcPort = (bytes[at]! << 8) | bytes[at + 1]!;
        const dstPort = (bytes[at + 2]! << 8) | bytes[at + 3]!;
        at += headerLength;
        if (at === limit) return;
        next = tcpPayload(srcPort, dstPort, bytes, at, limit);
        break;
      }
      case ICMP:
        if (left < LEAST.icmp) break;
        return;
      case IGMP:
        if (left < LEAST.igmp) break;
        return;
      case ARP:
        // Only MAC and IPv4 addresses are read.
        if (left < LEAST.arp || bytes[at + 4] !== 6 || bytes[at + 5] !== 4) break;
        walk.inner = layer;
        walk.innerEnd = at + 28;
        return;
      case IPV6: {
        if (left < LEAST.ipv6 || bytes[at]! >> 4 !== 6) break;
        const payloadLength = (bytes[at + 4]! << 8) | bytes[at + 5]!;
        const nextHeader = bytes[at + 6]!;
        // 0: a jumbogram, or the card will cut this into segments (BIG TCP), or really nothing.
        if (payloadLength !== 0 || nextHeader === IP_PROTOCOL.noNext) {
          if (payloadLength + 40 > left) walk.cut = true;
          else limit = at + 40 + payloadLength;
        }
        walk.inner = layer;
        walk.innerEnd = limit;
        skipExtensions(bytes, nextHeader, at + 40, limit, extensions);
        at = extensions.at;
        if (extensions.broken) break;
        next = extensions.laterFragment ? DATA : ipPayload(extensions.next, IPV6);
        break;
      }
      case ICMPV6:
        if (left < LEAST.icmpv6) break;
        return;
      case GRE: {
        if (left < LEAST.gre) break;
        const flags = bytes[at]!;
        // Source routing (RFC 1701) and version 1 (PPTP) are not read.
        if ((flags & 0x40) !== 0 || (bytes[at + 1]! & 7) !== 0) {
          next = DATA;
          at += 4;
          break;
        }
        const headerLength = 4 + ((flags >> 7) & 1) * 4 + ((flags >> 5) & 1) * 4 + ((flags >> 4) & 1) * 4;
        if (headerLength > left) break;
        next = etherPayload((bytes[at + 2]! << 8) | bytes[at + 3]!);
        at += headerLength;
        break;
      }
      case GENEVE: {
        if (left < LEAST.geneve || bytes[at]! >> 6 !== 0) break;
        const headerLength = 8 + (bytes[at]! & 0x3f) * 4;
        if (headerLength > left) break;
        next = etherPayload((bytes[at + 2]! << 8) | bytes[at + 3]!);
        at += headerLength;
        break;
      }
      default:
        return; // dhcp, dns, http, bgp and data carry nothing
    }

    if (next === BROKEN) {
      // A header that could not be read is itself the broken layer; IPv6 was read and only its extensions were not.
      if (at === walk.offsets[layer]) {
        walk.protocols[layer] = BROKEN;
        walk.cut = true;
        return;
      }
      walk.cut = true;
    }
  }
}
