/**
 * IPv4, RFC 791, section 3.1; type of service as RFC 2474 (DSCP) and RFC 3168 (ECN) divide it.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------+-------+---------------+-------------------------------+
 *    |version|  IHL  |type of service|         total length          |
 *    +-------+-------+---------------+-----+-------------------------+
 *    |        identification         |flags|     fragment offset     |
 *    +---------------+---------------+-----+-------------------------+
 *    | time to live  |   protocol    |        header checksum        |
 *    +---------------+---------------+-------------------------------+
 *    |                        source address                         |
 *    |                      destination address                      |
 *    |                    options, up to 40 bytes                    |
 */

import type { Field, Layer } from "../../preload/contract/frame.ts";
import { broken, overlong, tooShort } from "./broken.ts";
import { bytesField, ipv4Field, named, numberField, textField } from "./field.ts";
import { hex8, hex16 } from "./hex.ts";
import { formatIpv4 } from "./ip-address.ts";
import { ipProtocolName } from "./numbers.ts";
import { readOptions } from "./options.ts";
import { DATA, IPV4, ipPayload, LEAST } from "./payload.ts";
import { u16, u32 } from "./read.ts";
import { bytesLeft, type Decoded, type Span } from "./span.ts";

export function decodeIpv4(span: Span): Decoded {
  const { bytes, start } = span;
  const left = span.end - start;
  if (left < LEAST.ipv4) return tooShort(span, "IPv4", LEAST.ipv4);
  const version = bytes[start]! >> 4;
  if (version !== 4) return broken(span, "IPv4", `IPv4 header says version ${version}`);
  const headerLength = (bytes[start]! & 0x0f) * 4;
  if (headerLength < 20)
    return broken(span, "IPv4", `IPv4 header says it is ${headerLength} bytes long, it has at least 20`);
  if (headerLength > left) return overlong(span, "IPv4", headerLength);
  const totalLength = u16(bytes, start + 2);
  if (totalLength !== 0 && totalLength < headerLength) {
    return broken(span, "IPv4", `IPv4 says ${totalLength} bytes in total, its header alone has ${headerLength}`);
  }

  const tos = bytes[start + 1]!;
  const id = u16(bytes, start + 4);
  const flags = bytes[start + 6]! >> 5;
  const moreFragments = (flags & 1) !== 0;
  const fragmentOffset = (u16(bytes, start + 6) & 0x1fff) * 8;
  const ttl = bytes[start + 8]!;
  const protocol = bytes[start + 9]!;
  const src = ipv4Field(bytes, "src", "Source", start + 12);
  const dst = ipv4Field(bytes, "dst", "Destination", start + 16);

  const layer: Layer = {
    protocol: "ipv4",
    title: `IPv4 ${src.value} > ${dst.value} ttl ${ttl}${fragmentTitle(fragmentOffset, moreFragments)}`,
    offset: start,
    length: headerLength,
    fields: [
      numberField("version", "Version", start, 1, version),
      numberField("headerLength", "Header length", start, 1, headerLength, `${headerLength} bytes`),
      numberField("tos", "Type of service", start + 1, 1, tos, `${hex8(tos)} (DSCP ${tos >> 2}, ECN ${tos & 3})`),
      numberField("totalLength", "Total length", start + 2, 2, totalLength, totalLengthValue(totalLength)),
      numberField("id", "Identification", start + 4, 2, id, `${hex16(id)} (${id})`),
      numberField("flags", "Flags", start + 6, 1, flags, flagsValue(flags)),
      numberField("fragmentOffset", "Fragment offset", start + 6, 2, fragmentOffset),
      numberField("ttl", "Time to live", start + 8, 1, ttl),
      numberField("protocol", "Protocol", start + 9, 1, protocol, named(String(protocol), ipProtocolName(protocol))),
      numberField(
        "checksum",
        "Header checksum",
        start + 10,
        2,
        u16(bytes, start + 10),
        checksumValue(bytes, start, headerLength),
      ),
      src,
      dst,
    ],
  };
  if (totalLength > left && !span.fragmented)
    layer.problem = `IPv4 says ${totalLength} bytes in total, ${bytesLeft(left)}`;
  if (headerLength > 20) {
    const options = readOptions(bytes, start + 20, start + headerLength, "IPv4", ipv4Option);
    layer.fields.push({
      ...textField(
        "options",
        "Options",
        start + 20,
        headerLength - 20,
        options.fields.map((each) => each.label).join(", "),
      ),
      children: options.fields,
    });
    layer.problem ??= options.problem;
  }
  return {
    layer,
    payload: {
      ...span,
      protocol: fragmentOffset === 0 ? ipPayload(protocol, IPV4) : DATA,
      start: start + headerLength,
      end: totalLength === 0 ? span.end : Math.min(span.end, start + totalLength),
      fragmented: span.fragmented || moreFragments,
    },
  };
}

function fragmentTitle(offset: number, more: boolean): string {
  return offset > 0 || more ? ` fragment at ${offset}` : "";
}

function totalLengthValue(totalLength: number): string {
  return totalLength === 0 ? "0 (to be cut into segments by the card)" : String(totalLength);
}

function flagsValue(flags: number): string {
  const names: string[] = [];
  if (flags & 4) names.push("reserved bit");
  if (flags & 2) names.push("DF, don't fragment");
  if (flags & 1) names.push("MF, more fragments");
  return names.length === 0 ? "none" : names.join("; ");
}

function checksumValue(bytes: Uint8Array, start: number, headerLength: number): string {
  const found = u16(bytes, start + 10);
  let sum = 0;
  for (let at = start; at < start + headerLength; at += 2) sum += u16(bytes, at);
  sum -= found;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  const right = ~sum & 0xffff;
  return found === right ? `${hex16(found)} (correct)` : `${hex16(found)} (should be ${hex16(right)})`;
}

/** Numbers: IANA "Internet Protocol Version 4 (IPv4) Parameters". */
function ipv4Option(bytes: Uint8Array, kind: number, at: number, length: number): Field {
  switch (kind) {
    case 7:
      return routeOption(bytes, "recordRoute", "Record route", at, length);
    case 131:
      return routeOption(bytes, "looseSourceRoute", "Loose source route", at, length);
    case 137:
      return routeOption(bytes, "strictSourceRoute", "Strict source route", at, length);
    case 68:
      return timestampOption(bytes, at, length);
    case 148:
      if (length === 4) return numberField("routerAlert", "Router alert", at, length, u16(bytes, at + 2));
      break;
  }
  return bytesField(bytes, "option", `Option ${kind}`, at, at + length);
}

/** RFC 791: a pointer (from 1, counted in the option) and addresses. */
function routeOption(bytes: Uint8Array, name: string, label: string, at: number, length: number): Field {
  if (length < 3) return bytesField(bytes, name, label, at, at + length);
  const children = [numberField("pointer", "Pointer", at + 2, 1, bytes[at + 2]!)];
  const addresses: string[] = [];
  for (let address = at + 3; address + 4 <= at + length; address += 4) {
    children.push(ipv4Field(bytes, "address", "Address", address));
    addresses.push(formatIpv4(bytes, address));
  }
  return { ...textField(name, label, at, length, addresses.join(", ")), children };
}

/** RFC 791: pointer, overflow and flag, then timestamps in milliseconds since midnight, with addresses where flag is not 0. */
function timestampOption(bytes: Uint8Array, at: number, length: number): Field {
  if (length < 4) return bytesField(bytes, "timestamp", "Timestamp", at, at + length);
  const flag = bytes[at + 3]! & 0x0f;
  const children = [
    numberField("pointer", "Pointer", at + 2, 1, bytes[at + 2]!),
    numberField("overflow", "Overflow", at + 3, 1, bytes[at + 3]! >> 4),
    numberField("flag", "Flag", at + 3, 1, flag),
  ];
  let next = at + 4;
  const step = flag === 0 ? 4 : 8;
  while (next + step <= at + length) {
    if (flag !== 0) children.push(ipv4Field(bytes, "address", "Address", next));
    children.push(numberField("time", "Time", next + step - 4, 4, u32(bytes, next + step - 4)));
    next += step;
  }
  return { ...textField("timestamp", "Timestamp", at, length, `${(next - at - 4) / step} recorded`), children };
}
