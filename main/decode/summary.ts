/** One line about a frame: who talks to whom, about its innermost packet. */

import { type Field, LAYER_LABELS, type Layer, type Protocol } from "../../preload/contract/frame.ts";
import { field } from "./field.ts";

export interface Summary {
  /** As a list shows it: `ICMP`, `DNS`, `Ethernet`. */
  protocol: string;
  /** IP address, or MAC where there is no IP. */
  source: string;
  destination: string;
  /** `ICMP echo request 10.244.0.2 > 10.244.1.2 id 7 seq 1`. */
  summary: string;
}

/** In a list the outer layers are spelt out, since they are named only where nothing better is known. */
const NAMES: Record<Protocol, string> = {
  ...LAYER_LABELS,
  eth: "Ethernet",
  vlan: "802.1Q",
  ipv4: "IPv4",
  data: "Data",
  broken: "Broken",
};

export function summarizeFrame(layers: Layer[]): Summary {
  const at = layers.findLastIndex(({ protocol }) => ADDRESSED.has(protocol));
  const base = layers[at];
  if (base === undefined) {
    const first = layers[0];
    return {
      protocol: "Broken",
      source: "",
      destination: "",
      summary: first?.problem ?? first?.title ?? "Empty frame",
    };
  }
  const above = layers.slice(at + 1);
  const top = above.findLast(({ protocol }) => protocol !== "data" && protocol !== "broken") ?? base;
  const addresses = addressesOf(base);
  const unreadable = above.find(({ protocol }) => protocol === "broken");
  const text = summaryText(top, base, above, addresses);
  return {
    protocol: NAMES[top.protocol],
    ...addresses,
    summary: unreadable?.problem === undefined ? text : `${text}, broken: ${unreadable.problem}`,
  };
}

/** Layers that say from whom to whom. */
const ADDRESSED: ReadonlySet<Protocol> = new Set<Protocol>(["eth", "arp", "ipv4", "ipv6"]);

interface Addresses {
  source: string;
  destination: string;
}

function addressesOf(base: Layer): Addresses {
  if (base.protocol === "arp") return { source: valueIn(base, "senderIp"), destination: valueIn(base, "targetIp") };
  return { source: valueIn(base, "src"), destination: valueIn(base, "dst") };
}

function summaryText(top: Layer, base: Layer, above: Layer[], { source, destination }: Addresses): string {
  const way = `${source} > ${destination}`;
  switch (top.protocol) {
    case "arp":
      return top.title;
    case "icmp":
    case "icmpv6":
      return icmpText(top, way);
    case "tcp": {
      const ports = withPorts(top, base, source, destination);
      return `TCP ${ports} ${valueIn(top, "flags")}${payloadLength(above)}`;
    }
    case "udp":
      return `UDP ${withPorts(top, base, source, destination)}, ${byteCount((field(top, "length")?.number ?? 8) - 8)}`;
    case "dns":
    case "http":
    case "bgp":
    case "dhcp":
      return `${top.title} (${way})`;
    case "ipv4":
    case "ipv6":
      return ipText(top, above, way);
    case "eth":
      return `Ethernet ${way} ${field(top, "etherType")?.value ?? "IEEE 802.3"}${payloadLength(above)}`;
    default:
      // vlan, vxlan, gre, geneve: their titles are short and say it all.
      return `${top.title} (${way})${payloadLength(above)}`;
  }
}

/** The title, with the addresses between the message's name and its details. */
function icmpText(layer: Layer, way: string): string {
  const name = nameOf(field(layer, "code")) ?? nameOf(field(layer, "type"));
  const start = `${NAMES[layer.protocol]} ${name}`;
  return layer.title.startsWith(start) ? `${start} ${way}${layer.title.slice(start.length)}` : `${layer.title} ${way}`;
}

function ipText(layer: Layer, above: Layer[], way: string): string {
  const fragment = field(layer, "fragment")?.children ?? layer.fields;
  const offset = fragment.find(({ name }) => name === "fragmentOffset")?.number ?? 0;
  const next = field(layer, "protocol") ?? lastNextHeader(layer);
  const protocol = nameOf(next) ?? `protocol ${next?.value}`;
  const at = offset === 0 ? "" : ` fragment at ${offset}`;
  return `${NAMES[layer.protocol]} ${way} ${protocol}${at}${payloadLength(above)}`;
}

/** What IPv6 carries, after its extension headers. */
function lastNextHeader(layer: Layer): Field | undefined {
  const inExtension = layer.fields.at(-1)?.children?.find(({ name }) => name === "nextHeader");
  return inExtension ?? field(layer, "nextHeader");
}

/** `OSPF` of `89 (OSPF)`. */
function nameOf(numbered: Field | undefined): string | undefined {
  return /\((.*)\)$/.exec(numbered?.value ?? "")?.[1];
}

/** `10.0.0.1:4000 > 10.0.0.2:80`; IPv6 addresses in brackets. */
function withPorts(layer: Layer, base: Layer, source: string, destination: string): string {
  const [open, close] = base.protocol === "ipv6" ? ["[", "]"] : ["", ""];
  return `${open}${source}${close}:${valueIn(layer, "srcPort")} > ${open}${destination}${close}:${valueIn(layer, "dstPort")}`;
}

function payloadLength(above: Layer[]): string {
  const data = above.find(({ protocol }) => protocol === "data");
  return data === undefined ? "" : `, ${byteCount(data.length)}`;
}

function byteCount(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}

function valueIn(layer: Layer, name: string): string {
  return field(layer, name)?.value ?? "";
}
