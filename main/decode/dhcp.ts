/**
 * DHCP, RFC 2131, section 2; options RFC 2132 and, for classless routes, RFC 3442.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------+---------------+---------------+---------------+
 *    |      op       |     htype     |     hlen      |     hops      |
 *    |                      transaction id (xid)                     |
 *    |             secs              |             flags             |
 *    |    ciaddr, yiaddr, siaddr, giaddr: client, your, server, relay    |
 *    |    chaddr (16 bytes), sname (64), file (128), cookie, options     |
 */

import type { Field, Layer } from "../../preload/contract/frame.ts";
import { bytesField, ipv4Field, macField, named, numberField, textField } from "./field.ts";
import { formatBytes, formatText, hex16, hex32 } from "./hex.ts";
import { formatIpv4 } from "./ip-address.ts";
import { formatMac } from "./mac-address.ts";
import { u16, u32 } from "./read.ts";
import { bytesLeft, type Decoded, type Span } from "./span.ts";

const MAGIC_COOKIE = 0x63825363;
const PAD = 0;
const END = 255;
const MESSAGE_TYPE = 53;

/** RFC 2132, section 9.6. */
const MESSAGE_TYPES = [undefined, "discover", "offer", "request", "decline", "ack", "nak", "release", "inform"];

type Kind = "ipv4" | "text" | "seconds" | "number" | "client id" | "message type" | "codes" | "routes";

/** IANA "BOOTP Vendor Extensions and DHCP Options". */
const OPTIONS = new Map<number, { name: string; label: string; kind: Kind }>([
  [1, { name: "subnetMask", label: "Subnet mask", kind: "ipv4" }],
  [3, { name: "router", label: "Router", kind: "ipv4" }],
  [6, { name: "dnsServer", label: "DNS server", kind: "ipv4" }],
  [12, { name: "hostName", label: "Host name", kind: "text" }],
  [15, { name: "domainName", label: "Domain name", kind: "text" }],
  [26, { name: "mtu", label: "Interface MTU", kind: "number" }],
  [28, { name: "broadcast", label: "Broadcast address", kind: "ipv4" }],
  [42, { name: "ntpServer", label: "NTP server", kind: "ipv4" }],
  [50, { name: "requestedIp", label: "Requested IP address", kind: "ipv4" }],
  [51, { name: "leaseTime", label: "Lease time", kind: "seconds" }],
  [MESSAGE_TYPE, { name: "messageType", label: "Message type", kind: "message type" }],
  [54, { name: "serverId", label: "Server identifier", kind: "ipv4" }],
  [55, { name: "parameterList", label: "Parameter request list", kind: "codes" }],
  [56, { name: "message", label: "Message", kind: "text" }],
  [57, { name: "maximumSize", label: "Maximum message size", kind: "number" }],
  [58, { name: "renewalTime", label: "Renewal time", kind: "seconds" }],
  [59, { name: "rebindingTime", label: "Rebinding time", kind: "seconds" }],
  [60, { name: "vendorClass", label: "Vendor class", kind: "text" }],
  [61, { name: "clientId", label: "Client identifier", kind: "client id" }],
  [66, { name: "tftpServer", label: "TFTP server name", kind: "text" }],
  [67, { name: "bootFile", label: "Boot file name", kind: "text" }],
  [121, { name: "classlessRoutes", label: "Classless static routes", kind: "routes" }],
]);

export function decodeDhcp({ bytes, start, end }: Span): Decoded {
  const op = bytes[start]!;
  const hardwareType = bytes[start + 1]!;
  const hardwareLength = bytes[start + 2]!;
  const flags = u16(bytes, start + 10);
  const cookie = u32(bytes, start + 236);
  const hasMac = hardwareType === 1 && hardwareLength === 6;
  const layer: Layer = {
    protocol: "dhcp",
    title: "",
    offset: start,
    length: end - start,
    fields: [
      numberField("op", "Operation", start, 1, op, named(String(op), [undefined, "request", "reply"][op])),
      numberField(
        "htype",
        "Hardware type",
        start + 1,
        1,
        hardwareType,
        named(String(hardwareType), hardwareType === 1 ? "Ethernet" : undefined),
      ),
      numberField("hlen", "Hardware address length", start + 2, 1, hardwareLength),
      numberField("hops", "Hops", start + 3, 1, bytes[start + 3]!),
      numberField("xid", "Transaction id", start + 4, 4, u32(bytes, start + 4), hex32(u32(bytes, start + 4))),
      numberField("secs", "Seconds elapsed", start + 8, 2, u16(bytes, start + 8)),
      numberField(
        "flags",
        "Flags",
        start + 10,
        2,
        flags,
        `${hex16(flags)} (${flags & 0x8000 ? "broadcast" : "unicast"})`,
      ),
      ipv4Field(bytes, "ciaddr", "Client IP address", start + 12),
      ipv4Field(bytes, "yiaddr", "Your IP address", start + 16),
      ipv4Field(bytes, "siaddr", "Next server IP address", start + 20),
      ipv4Field(bytes, "giaddr", "Relay agent IP address", start + 24),
      ...(hasMac
        ? [
            macField(bytes, "chaddr", "Client MAC", start + 28),
            bytesField(bytes, "chaddrPadding", "Padding of the client MAC", start + 34, start + 44),
          ]
        : [bytesField(bytes, "chaddr", "Client hardware address", start + 28, start + 44)]),
      textField("sname", "Server name", start + 44, 64, zeroEnded(bytes, start + 44, start + 108)),
      textField("file", "Boot file", start + 108, 128, zeroEnded(bytes, start + 108, start + 236)),
      numberField("cookie", "Magic cookie", start + 236, 4, cookie, hex32(cookie)),
    ],
  };
  if (cookie !== MAGIC_COOKIE) {
    layer.title = op === 1 ? "BOOTP request" : "BOOTP reply";
    layer.problem = `DHCP's magic cookie is ${hex32(cookie)} instead of ${hex32(MAGIC_COOKIE)}`;
    if (end > start + 240) layer.fields.push(bytesField(bytes, "data", "Unread bytes", start + 240, end));
    return { layer };
  }
  const problem = readDhcpOptions(bytes, start + 240, end, layer.fields);
  if (problem !== undefined) layer.problem = problem;
  const messageType = layer.fields.find((each) => each.name === "messageType")?.number ?? 0;
  const client = hasMac ? ` ${formatMac(bytes, start + 28)}` : "";
  const your = u32(bytes, start + 16) === 0 ? "" : ` gets ${formatIpv4(bytes, start + 16)}`;
  layer.title = `DHCP ${MESSAGE_TYPES[messageType] ?? (op === 1 ? "request" : "reply")}${client}${your}`;
  return { layer };
}

/** Text up to the first zero byte. */
function zeroEnded(bytes: Uint8Array, start: number, end: number): string {
  let stop = start;
  while (stop < end && bytes[stop] !== 0) stop++;
  return formatText(bytes, start, stop);
}

/** RFC 2132, section 2: code, length of the value, value; codes 0 and 255 are a single byte. Says what is wrong. */
function readDhcpOptions(bytes: Uint8Array, start: number, end: number, fields: Field[]): string | undefined {
  let at = start;
  while (at < end) {
    const code = bytes[at]!;
    if (code === END) {
      fields.push(textField("end", "End of options", at, 1, ""));
      at++;
      break;
    }
    if (code === PAD) {
      at++;
      continue;
    }
    const length = at + 1 < end ? 2 + bytes[at + 1]! : 0;
    if (length === 0 || length > end - at) {
      fields.push(bytesField(bytes, "data", "Unread bytes", at, end));
      return length === 0
        ? `DHCP option ${code} has no length`
        : `DHCP option ${code} says ${length} bytes, ${bytesLeft(end - at)}`;
    }
    fields.push(optionField(bytes, code, at, length));
    at += length;
  }
  if (at < end) fields.push(textField("padding", "Padding", at, end - at, `${end - at} bytes`));
  return undefined;
}

function optionField(bytes: Uint8Array, code: number, at: number, length: number): Field {
  const option = OPTIONS.get(code);
  if (option === undefined)
    return textField("option", `Option ${code}`, at, length, formatBytes(bytes, at + 2, at + length));
  const { name, label, kind } = option;
  const start = at + 2;
  const end = at + length;
  switch (kind) {
    case "message type": {
      const type = bytes[start]!;
      if (length === 3) return numberField(name, label, at, length, type, named(String(type), MESSAGE_TYPES[type]));
      break;
    }
    case "number":
      if (length === 4) return numberField(name, label, at, length, u16(bytes, start));
      break;
    case "seconds":
      if (length === 6) return numberField(name, label, at, length, u32(bytes, start), `${u32(bytes, start)} s`);
      break;
    case "ipv4": {
      if (length === 2 || (length - 2) % 4 !== 0) break;
      const addresses: string[] = [];
      for (let address = start; address < end; address += 4) addresses.push(formatIpv4(bytes, address));
      return textField(name, label, at, length, addresses.join(", "));
    }
    case "client id":
      if (length === 9 && bytes[start] === 1) return textField(name, label, at, length, formatMac(bytes, start + 1));
      break;
    case "codes":
      return textField(name, label, at, length, Array.from(bytes.subarray(start, end)).join(", "));
    case "routes": {
      const routes = classlessRoutes(bytes, start, end);
      if (routes !== undefined) return textField(name, label, at, length, routes);
      break;
    }
    case "text":
      return textField(name, label, at, length, formatText(bytes, start, end));
  }
  return textField(name, label, at, length, formatBytes(bytes, start, end));
}

/** RFC 3442: prefix length, as many bytes of the network as it needs, router; repeated. */
function classlessRoutes(bytes: Uint8Array, start: number, end: number): string | undefined {
  const routes: string[] = [];
  let at = start;
  while (at < end) {
    const prefixLength = bytes[at]!;
    const significant = Math.ceil(prefixLength / 8);
    if (prefixLength > 32 || end - at < 1 + significant + 4) return undefined;
    const network = [0, 1, 2, 3].map((i) => (i < significant ? bytes[at + 1 + i]! : 0));
    routes.push(`${network.join(".")}/${prefixLength} via ${formatIpv4(bytes, at + 1 + significant)}`);
    at += 1 + significant + 4;
  }
  return routes.join(", ");
}
