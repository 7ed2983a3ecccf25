/**
 * IPv6, RFC 8200, sections 3 and 4. Extension headers are fields of this layer, so that a layer is always a
 * protocol that carries another.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------+---------------+---------------------------------------+
 *    |version| traffic class |              flow label               |
 *    +-------+---------------+-------+---------------+---------------+
 *    |        payload length         |  next header  |   hop limit   |
 *    +-------------------------------+---------------+---------------+
 *    |                   source address (128 bits)                   |
 *    |                destination address (128 bits)                 |
 */

import type { Field, Layer } from "../../preload/contract/frame.ts";
import { broken, tooShort } from "./broken.ts";
import { bytesField, ipv6Field, named, numberField, textField } from "./field.ts";
import { hex8, hex32 } from "./hex.ts";
import { IP_PROTOCOL, ipProtocolName } from "./numbers.ts";
import { BROKEN, DATA, extensionLength, IPV6, ipPayload, isExtension, LEAST } from "./payload.ts";
import { u16, u32 } from "./read.ts";
import { bytesLeft, type Decoded, type Span } from "./span.ts";

export function decodeIpv6(span: Span): Decoded {
  const { bytes, start } = span;
  const left = span.end - start;
  if (left < LEAST.ipv6) return tooShort(span, "IPv6", LEAST.ipv6);
  const version = bytes[start]! >> 4;
  if (version !== 6) return broken(span, "IPv6", `IPv6 header says version ${version}`);

  const trafficClass = (u16(bytes, start) >> 4) & 0xff;
  const flowLabel = u32(bytes, start) & 0xfffff;
  const payloadLength = u16(bytes, start + 4);
  const nextHeader = bytes[start + 6]!;
  const hopLimit = bytes[start + 7]!;
  const src = ipv6Field(bytes, "src", "Source", start + 8);
  const dst = ipv6Field(bytes, "dst", "Destination", start + 24);
  // 0 without "nothing follows" is a jumbogram (RFC 2675), or the card will cut the packet into segments.
  const unknownLength = payloadLength === 0 && nextHeader !== IP_PROTOCOL.noNext;
  const end = unknownLength ? span.end : Math.min(span.end, start + 40 + payloadLength);

  const layer: Layer = {
    protocol: "ipv6",
    title: `IPv6 ${src.value} > ${dst.value} hop limit ${hopLimit}`,
    offset: start,
    length: 40,
    fields: [
      numberField("version", "Version", start, 1, version),
      numberField(
        "trafficClass",
        "Traffic class",
        start,
        2,
        trafficClass,
        `${hex8(trafficClass)} (DSCP ${trafficClass >> 2}, ECN ${trafficClass & 3})`,
      ),
      numberField("flowLabel", "Flow label", start + 1, 3, flowLabel, `0x${flowLabel.toString(16).padStart(5, "0")}`),
      numberField("payloadLength", "Payload length", start + 4, 2, payloadLength),
      numberField("nextHeader", "Next header", start + 6, 1, nextHeader, nextHeaderValue(nextHeader)),
      numberField("hopLimit", "Hop limit", start + 7, 1, hopLimit),
      src,
      dst,
    ],
  };
  if (40 + payloadLength > left && !span.fragmented)
    layer.problem = `IPv6 says ${payloadLength} bytes of payload, ${bytesLeft(left - 40)}`;

  let next = nextHeader;
  let at = start + 40;
  let fragmented = span.fragmented;
  while (isExtension(next)) {
    const length = extensionLength(bytes, next, at, end);
    if (length === 0) {
      const problem = `IPv6 ${extensionLabel(next)} header does not fit: ${bytesLeft(end - at)}`;
      return { layer, payload: { ...span, protocol: BROKEN, start: at, end, problem } };
    }
    layer.fields.push(extensionField(bytes, next, at, length));
    layer.length += length;
    if (next === IP_PROTOCOL.fragment) {
      const offset = u16(bytes, at + 2) & 0xfff8;
      layer.title += ` fragment at ${offset}`;
      if (offset !== 0) return { layer, payload: { ...span, protocol: DATA, start: at + length, end } };
      fragmented ||= (bytes[at + 3]! & 1) !== 0;
    }
    next = bytes[at]!;
    at += length;
  }
  return { layer, payload: { ...span, protocol: ipPayload(next, IPV6), start: at, end, fragmented } };
}

function nextHeaderValue(nextHeader: number): string {
  return named(String(nextHeader), ipProtocolName(nextHeader));
}

function extensionLabel(header: number): string {
  return ipProtocolName(header) ?? String(header);
}

function extensionField(bytes: Uint8Array, header: number, at: number, length: number): Field {
  const next = bytes[at]!;
  const children = [numberField("nextHeader", "Next header", at, 1, next, nextHeaderValue(next))];
  if (header === IP_PROTOCOL.fragment) return fragmentField(bytes, at, children);
  children.push(numberField("length", "Length", at + 1, 1, bytes[at + 1]!, `${length} bytes`));
  switch (header) {
    case IP_PROTOCOL.hopByHop:
      children.push(...ipv6Options(bytes, at + 2, at + length));
      return { ...textField("hopByHop", "Hop-by-hop options", at, length, ""), children };
    case IP_PROTOCOL.destinationOptions:
      children.push(...ipv6Options(bytes, at + 2, at + length));
      return { ...textField("destinationOptions", "Destination options", at, length, ""), children };
    case IP_PROTOCOL.routing:
      return routingField(bytes, at, length, children);
    default:
      children.push(bytesField(bytes, "data", "Data", at + 2, at + length));
      return { ...textField("authentication", "Authentication header", at, length, ""), children };
  }
}

/** RFC 8200, section 4.5. */
function fragmentField(bytes: Uint8Array, at: number, children: Field[]): Field {
  const offset = u16(bytes, at + 2) & 0xfff8;
  const more = bytes[at + 3]! & 1;
  const id = u32(bytes, at + 4);
  children.push(
    numberField("fragmentOffset", "Fragment offset", at + 2, 2, offset),
    numberField("moreFragments", "More fragments", at + 3, 1, more),
    numberField("id", "Identification", at + 4, 4, id, hex32(id)),
  );
  return {
    ...textField("fragment", "Fragment", at, 8, `at ${offset}${more ? ", more follow" : ", the last"}`),
    children,
  };
}

/** RFC 8200, section 4.4; type 4 is segment routing (RFC 8754), types 2 and 4 list addresses. */
function routingField(bytes: Uint8Array, at: number, length: number, children: Field[]): Field {
  const type = bytes[at + 2]!;
  const left = bytes[at + 3]!;
  children.push(
    numberField("routingType", "Routing type", at + 2, 1, type),
    numberField("segmentsLeft", "Segments left", at + 3, 1, left),
  );
  if (type === 0 || type === 2 || type === 4) {
    children.push(bytesField(bytes, "data", "Type-specific data", at + 4, at + 8));
    let address = at + 8;
    const count = type === 4 ? bytes[at + 4]! + 1 : 255;
    for (let i = 0; i < count && address + 16 <= at + length; i++, address += 16) {
      children.push(ipv6Field(bytes, "address", "Address", address));
    }
    if (address < at + length) children.push(bytesField(bytes, "data", "Data", address, at + length));
  } else {
    children.push(bytesField(bytes, "data", "Type-specific data", at + 4, at + length));
  }
  return { ...textField("routing", "Routing", at, length, `type ${type}, ${left} segments left`), children };
}

/** RFC 8200, section 4.2: type, length of the value, value; type 0 is a single byte of padding. */
function ipv6Options(bytes: Uint8Array, start: number, end: number): Field[] {
  const fields: Field[] = [];
  let at = start;
  while (at < end) {
    const type = bytes[at]!;
    if (type === 0) {
      fields.push(textField("padding", "Padding", at, 1, ""));
      at++;
      continue;
    }
    const length = at + 1 < end ? 2 + bytes[at + 1]! : end - at + 1;
    if (length > end - at) {
      fields.push(bytesField(bytes, "option", `Option ${type}, cut short`, at, end));
      break;
    }
    fields.push(ipv6Option(bytes, type, at, length));
    at += length;
  }
  return fields;
}

function ipv6Option(bytes: Uint8Array, type: number, at: number, length: number): Field {
  if (type === 1) return textField("padding", "Padding", at, length, "");
  if (type === 5 && length === 4) return numberField("routerAlert", "Router alert", at, length, u16(bytes, at + 2));
  if (type === 0xc2 && length === 6)
    return numberField("jumbo", "Jumbo payload length", at, length, u32(bytes, at + 2));
  return bytesField(bytes, "option", `Option ${type}`, at, at + length);
}
