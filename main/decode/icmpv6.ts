/**
 * ICMPv6, RFC 4443, and neighbour discovery, RFC 4861, section 4. The layer is the whole message, as in `icmp.ts`.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------+---------------+-------------------------------+
 *    |     type      |     code      |           checksum            |
 *    +---------------+---------------+-------------------------------+
 *    |                 by type: body and options                     |
 */

import type { Field } from "../../preload/contract/frame.ts";
import { tooShort } from "./broken.ts";
import { bytesField, ipv6Field, macField, named, numberField, textField } from "./field.ts";
import { hex16 } from "./hex.ts";
import { formatIpv6 } from "./ip-address.ts";
import { formatMac } from "./mac-address.ts";
import { LEAST } from "./payload.ts";
import { quotedPacket } from "./quoted-packet.ts";
import { u16, u32 } from "./read.ts";
import { bytesLeft, type Decoded, type Span } from "./span.ts";

const UNREACHABLE = 1;
const PACKET_TOO_BIG = 2;
const TIME_EXCEEDED = 3;
const PARAMETER_PROBLEM = 4;
const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;
const ROUTER_SOLICITATION = 133;
const ROUTER_ADVERTISEMENT = 134;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const REDIRECT = 137;

/** IANA "ICMPv6 Parameters". */
const TYPE_NAMES = new Map([
  [UNREACHABLE, "destination unreachable"],
  [PACKET_TOO_BIG, "packet too big"],
  [TIME_EXCEEDED, "time exceeded"],
  [PARAMETER_PROBLEM, "parameter problem"],
  [ECHO_REQUEST, "echo request"],
  [ECHO_REPLY, "echo reply"],
  [130, "multicast listener query"],
  [131, "multicast listener report"],
  [132, "multicast listener done"],
  [ROUTER_SOLICITATION, "router solicitation"],
  [ROUTER_ADVERTISEMENT, "router advertisement"],
  [NEIGHBOUR_SOLICITATION, "neighbour solicitation"],
  [NEIGHBOUR_ADVERTISEMENT, "neighbour advertisement"],
  [REDIRECT, "redirect"],
  [143, "multicast listener report v2"],
]);

const CODE_NAMES = new Map<number, readonly string[]>([
  [
    UNREACHABLE,
    [
      "no route to destination",
      "communication prohibited",
      "beyond scope of source address",
      "address unreachable",
      "port unreachable",
      "source address failed policy",
      "reject route",
    ],
  ],
  [TIME_EXCEEDED, ["time exceeded in transit", "reassembly time exceeded"]],
  [PARAMETER_PROBLEM, ["erroneous header field", "unrecognized next header", "unrecognized option"]],
]);

interface Body {
  fields: Field[];
  /** What of it belongs into the title. */
  detail: string;
  problem?: string;
}

export function decodeIcmpv6(span: Span): Decoded {
  const { bytes, start, end } = span;
  if (end - start < LEAST.icmpv6) return tooShort(span, "ICMPv6", LEAST.icmpv6);
  const type = bytes[start]!;
  const code = bytes[start + 1]!;
  const codeName = CODE_NAMES.get(type)?.[code];
  const body = icmpv6Body(span, type);
  const layer: Decoded["layer"] = {
    protocol: "icmpv6",
    title: `ICMPv6 ${codeName ?? TYPE_NAMES.get(type) ?? `type ${type} code ${code}`}${body.detail}`,
    offset: start,
    length: end - start,
    fields: [
      numberField("type", "Type", start, 1, type, named(String(type), TYPE_NAMES.get(type))),
      numberField("code", "Code", start + 1, 1, code, named(String(code), codeName)),
      numberField("checksum", "Checksum", start + 2, 2, u16(bytes, start + 2), hex16(u16(bytes, start + 2))),
      ...body.fields,
    ],
  };
  if (body.problem !== undefined) layer.problem = body.problem;
  return { layer };
}

/** Bytes that a type has at least, checksum and what is before it included. */
const SHORTEST = new Map([
  [ROUTER_ADVERTISEMENT, 16],
  [NEIGHBOUR_SOLICITATION, 24],
  [NEIGHBOUR_ADVERTISEMENT, 24],
  [REDIRECT, 40],
]);

function icmpv6Body(span: Span, type: number): Body {
  const { bytes, start, end } = span;
  const at = start + 4;
  const needed = SHORTEST.get(type) ?? LEAST.icmpv6;
  if (end - start < needed) {
    const problem = `ICMPv6 ${TYPE_NAMES.get(type)} needs ${needed} bytes, ${bytesLeft(end - start)}`;
    return { fields: [bytesField(bytes, "data", "Data", at, end)], detail: "", problem };
  }
  switch (type) {
    case ECHO_REQUEST:
    case ECHO_REPLY: {
      const fields = [
        numberField("id", "Identifier", at, 2, u16(bytes, at)),
        numberField("seq", "Sequence number", at + 2, 2, u16(bytes, at + 2)),
      ];
      if (end > at + 4) fields.push(bytesField(bytes, "data", "Data", at + 4, end));
      return { fields, detail: ` id ${u16(bytes, at)} seq ${u16(bytes, at + 2)}` };
    }
    case UNREACHABLE:
    case TIME_EXCEEDED:
      return { fields: [numberField("unused", "Unused", at, 4, u32(bytes, at)), ...original(span)], detail: "" };
    case PACKET_TOO_BIG: {
      const mtu = u32(bytes, at);
      return { fields: [numberField("mtu", "MTU", at, 4, mtu), ...original(span)], detail: ` mtu ${mtu}` };
    }
    case PARAMETER_PROBLEM:
      return { fields: [numberField("pointer", "Pointer", at, 4, u32(bytes, at)), ...original(span)], detail: "" };
    case ROUTER_SOLICITATION:
      return withOptions(span, at + 4, [numberField("reserved", "Reserved", at, 4, u32(bytes, at))], "");
    case ROUTER_ADVERTISEMENT:
      return withOptions(span, at + 12, advertisementFields(bytes, at), "");
    case NEIGHBOUR_SOLICITATION: {
      const fields = [
        numberField("reserved", "Reserved", at, 4, u32(bytes, at)),
        ipv6Field(bytes, "target", "Target", at + 4),
      ];
      return withOptions(span, at + 20, fields, ` who-has ${formatIpv6(bytes, at + 4)}`);
    }
    case NEIGHBOUR_ADVERTISEMENT: {
      const flags = bytes[at]! >> 5;
      const fields = [
        numberField("flags", "Flags", at, 1, flags, neighbourFlags(flags)),
        ipv6Field(bytes, "target", "Target", at + 4),
      ];
      const detail = ` ${formatIpv6(bytes, at + 4)}${targetMac(bytes, at + 20, end)}`;
      return withOptions(span, at + 20, fields, detail);
    }
    case REDIRECT: {
      const fields = [
        numberField("reserved", "Reserved", at, 4, u32(bytes, at)),
        ipv6Field(bytes, "target", "Target", at + 4),
        ipv6Field(bytes, "destination", "Destination", at + 20),
      ];
      const detail = ` ${formatIpv6(bytes, at + 20)} to ${formatIpv6(bytes, at + 4)}`;
      return withOptions(span, at + 36, fields, detail);
    }
    default:
      return { fields: [bytesField(bytes, "data", "Data", at, end)], detail: "" };
  }
}

function original(span: Span): Field[] {
  return span.end > span.start + 8 ? [quotedPacket(span, span.start + 8, 6)] : [];
}

function advertisementFields(bytes: Uint8Array, at: number): Field[] {
  const flags = bytes[at + 1]!;
  return [
    numberField("hopLimit", "Current hop limit", at, 1, bytes[at]!),
    numberField("flags", "Flags", at + 1, 1, flags, advertisementFlags(flags)),
    numberField("lifetime", "Router lifetime", at + 2, 2, u16(bytes, at + 2), `${u16(bytes, at + 2)} s`),
    numberField("reachableTime", "Reachable time", at + 4, 4, u32(bytes, at + 4), `${u32(bytes, at + 4)} ms`),
    numberField("retransTimer", "Retransmission timer", at + 8, 4, u32(bytes, at + 8), `${u32(bytes, at + 8)} ms`),
  ];
}

function advertisementFlags(flags: number): string {
  const names: string[] = [];
  if (flags & 0x80) names.push("managed");
  if (flags & 0x40) names.push("other");
  return names.length === 0 ? "none" : names.join(", ");
}

function neighbourFlags(flags: number): string {
  const names: string[] = [];
  if (flags & 4) names.push("router");
  if (flags & 2) names.push("solicited");
  if (flags & 1) names.push("override");
  return names.length === 0 ? "none" : names.join(", ");
}

const SOURCE_LINK_ADDRESS = 1;
const TARGET_LINK_ADDRESS = 2;

/** ` is-at 02:…` where the first option is the target's link-layer address, as the kernel sends it. */
function targetMac(bytes: Uint8Array, at: number, end: number): string {
  const there = end - at >= 8 && bytes[at] === TARGET_LINK_ADDRESS && bytes[at + 1] === 1;
  return there ? ` is-at ${formatMac(bytes, at + 2)}` : "";
}

/** Neighbour discovery options, RFC 4861, section 4.6: type, length in units of 8 bytes, value. */
function withOptions({ bytes, end }: Span, start: number, fields: Field[], detail: string): Body {
  let at = start;
  while (at < end) {
    const length = at + 1 < end ? bytes[at + 1]! * 8 : 0;
    if (length === 0 || length > end - at) {
      fields.push(bytesField(bytes, "data", "Data", at, end));
      const problem =
        length === 0
          ? `ICMPv6 option ${bytes[at]} has no length`
          : `ICMPv6 option ${bytes[at]} says ${length} bytes, ${bytesLeft(end - at)}`;
      return { fields, detail, problem };
    }
    fields.push(ndOption(bytes, at, length));
    at += length;
  }
  return { fields, detail };
}

function ndOption(bytes: Uint8Array, at: number, length: number): Field {
  const type = bytes[at]!;
  switch (type) {
    case SOURCE_LINK_ADDRESS:
      if (length === 8) {
        const value = formatMac(bytes, at + 2);
        return {
          ...textField("sourceMac", "Source link-layer address", at, length, value),
          children: [macField(bytes, "mac", "MAC", at + 2)],
        };
      }
      break;
    case TARGET_LINK_ADDRESS:
      if (length === 8) {
        const value = formatMac(bytes, at + 2);
        return {
          ...textField("targetMac", "Target link-layer address", at, length, value),
          children: [macField(bytes, "mac", "MAC", at + 2)],
        };
      }
      break;
    case 3:
      if (length === 32) return prefixOption(bytes, at);
      break;
    case 4:
      return bytesField(bytes, "redirectedHeader", "Redirected header", at, at + length);
    case 5:
      if (length === 8) return numberField("mtu", "MTU", at, length, u32(bytes, at + 4));
      break;
  }
  return bytesField(bytes, "option", `Option ${type}`, at, at + length);
}

function prefixOption(bytes: Uint8Array, at: number): Field {
  const prefixLength = bytes[at + 2]!;
  return {
    ...textField("prefix", "Prefix information", at, 32, `${formatIpv6(bytes, at + 16)}/${prefixLength}`),
    children: [
      numberField("prefixLength", "Prefix length", at + 2, 1, prefixLength),
      numberField("onLink", "On link", at + 3, 1, bytes[at + 3]! >> 7),
      numberField("autonomous", "Autonomous configuration", at + 3, 1, (bytes[at + 3]! >> 6) & 1),
      numberField("validLifetime", "Valid lifetime", at + 4, 4, u32(bytes, at + 4), `${u32(bytes, at + 4)} s`),
      numberField("preferredLifetime", "Preferred lifetime", at + 8, 4, u32(bytes, at + 8), `${u32(bytes, at + 8)} s`),
      ipv6Field(bytes, "prefix", "Prefix", at + 16),
    ],
  };
}
