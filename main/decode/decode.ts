/** Bytes of a frame into layers, outermost first. Never throws, whatever the bytes. */

import { type Layer, PROTOCOLS, type Protocol } from "../../preload/contract/frame.ts";
import { NO_TUNNEL_PORTS, type TunnelPorts } from "../../preload/contract/topology.ts";
import { decodeArp } from "./arp.ts";
import { decodeBgp } from "./bgp.ts";
import { broken } from "./broken.ts";
import { decodeData } from "./data.ts";
import { decodeDhcp } from "./dhcp.ts";
import { decodeDns } from "./dns.ts";
import { decodeEthernet } from "./ethernet.ts";
import { bytesField } from "./field.ts";
import { decodeGeneve } from "./geneve.ts";
import { decodeGre } from "./gre.ts";
import { decodeHttp } from "./http.ts";
import { decodeIcmp } from "./icmp.ts";
import { decodeIcmpv6 } from "./icmpv6.ts";
import { decodeIgmp } from "./igmp.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";
import { DATA, firstHeader, LINK_TYPE } from "./payload.ts";
import type { Decoded, Payload } from "./span.ts";
import { decodeTcp } from "./tcp.ts";
import { decodeUdp } from "./udp.ts";
import { decodeVlan } from "./vlan.ts";
import { decodeVxlan } from "./vxlan.ts";
import { MAX_LAYERS } from "./walk.ts";

const DECODERS = {
  eth: decodeEthernet,
  vlan: decodeVlan,
  arp: decodeArp,
  ipv4: decodeIpv4,
  ipv6: decodeIpv6,
  icmp: decodeIcmp,
  icmpv6: decodeIcmpv6,
  igmp: decodeIgmp,
  udp: decodeUdp,
  tcp: decodeTcp,
  vxlan: decodeVxlan,
  gre: decodeGre,
  geneve: decodeGeneve,
  dhcp: decodeDhcp,
  dns: decodeDns,
  http: decodeHttp,
  bgp: decodeBgp,
  data: decodeData,
  broken: (payload: Payload) => broken(payload, "extension header", payload.problem ?? ""),
} satisfies Record<Protocol, (payload: Payload) => Decoded>;

export interface DecodeOptions {
  /** UDP destination ports of tunnels, besides 4789 and 8472. */
  tunnelPorts?: TunnelPorts;
  /** What the frame begins with, by pcap's number; Ethernet unless given. */
  linkType?: number;
}

/** `bytes` is one frame as captured, from its first header. The layers are those of `walkFrame`. */
export function decodeFrame(bytes: Uint8Array, options: DecodeOptions = {}): Layer[] {
  const layers: Layer[] = [];
  let ethernet: Layer | undefined;
  let payload: Payload | undefined = {
    bytes,
    protocol: firstHeader(options.linkType ?? LINK_TYPE.ethernet, bytes, 0, bytes.length),
    start: 0,
    end: bytes.length,
    fragmented: false,
    tunnelPorts: options.tunnelPorts ?? NO_TUNNEL_PORTS,
  };
  while (payload !== undefined && (payload.protocol !== DATA || payload.start < payload.end)) {
    if (layers.length === MAX_LAYERS) {
      const last = layers.at(-1);
      if (last !== undefined) last.problem ??= `The frame has more than ${MAX_LAYERS} layers; the rest is not read`;
      break;
    }
    const { layer, payload: next }: Decoded = DECODERS[PROTOCOLS[payload.protocol]!](payload);
    if (ethernet !== undefined) addPadding(ethernet, layer, next, payload);
    layers.push(layer);
    if (layer.protocol === "eth") ethernet = layer;
    else if (layer.protocol !== "vlan") ethernet = undefined;
    payload = next;
  }
  return layers;
}

/** What follows the packet directly inside `ethernet`: short frames are filled up to 60 bytes (IEEE 802.3). */
function addPadding(ethernet: Layer, layer: Layer, payload: Payload | undefined, span: Payload): void {
  let end: number;
  if (layer.protocol === "arp") end = layer.offset + layer.length;
  else if ((layer.protocol === "ipv4" || layer.protocol === "ipv6") && payload !== undefined) end = payload.end;
  else return;
  if (end < span.end) ethernet.fields.push(bytesField(span.bytes, "padding", "Padding", end, span.end));
}
