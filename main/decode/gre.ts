/**
 * GRE, RFC 2784, section 2; key and sequence number RFC 2890, section 2.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-+-+-+-+-----------------+-----+-------------------------------+
 *    |C|R|K|S|     reserved    |vers.|         protocol type         |
 *    +-+-+-+-+-----------------+-----+-------------------------------+
 *    |      checksum (if C)          |      reserved (if C)          |
 *    |                         key (if K)                            |
 *    |                   sequence number (if S)                      |
 */

import type { Layer } from "../../preload/contract/frame.ts";
import { overlong, tooShort } from "./broken.ts";
import { formatEtherType } from "./ethernet.ts";
import { numberField } from "./field.ts";
import { hex16, hex32 } from "./hex.ts";
import { DATA, etherPayload, LEAST } from "./payload.ts";
import { u16, u32 } from "./read.ts";
import type { Decoded, Span } from "./span.ts";

export function decodeGre(span: Span): Decoded {
  const { bytes, start, end } = span;
  const left = end - start;
  if (left < LEAST.gre) return tooShort(span, "GRE", LEAST.gre);
  const flags = bytes[start]! & 0xf0;
  const version = bytes[start + 1]! & 7;
  const protocolType = u16(bytes, start + 2);
  const layer: Layer = {
    protocol: "gre",
    title: `GRE ${formatEtherType(protocolType)}`,
    offset: start,
    length: 4,
    fields: [
      numberField("flags", "Flags", start, 1, flags >> 4, flagsValue(flags)),
      numberField("version", "Version", start + 1, 1, version),
      numberField("protocolType", "Protocol type", start + 2, 2, protocolType, formatEtherType(protocolType)),
    ],
  };
  if (version !== 0 || (flags & 0x40) !== 0) {
    layer.problem =
      version !== 0 ? `GRE version ${version} is not read, only 0` : "GRE with source routing (RFC 1701) is not read";
    return { layer, payload: { ...span, protocol: DATA, start: start + 4 } };
  }

  const headerLength = 4 + (flags & 0x80 ? 4 : 0) + (flags & 0x20 ? 4 : 0) + (flags & 0x10 ? 4 : 0);
  if (headerLength > left) return overlong(span, "GRE", headerLength);
  let at = start + 4;
  if (flags & 0x80) {
    layer.fields.push(
      numberField("checksum", "Checksum", at, 2, u16(bytes, at), hex16(u16(bytes, at))),
      numberField("reserved", "Reserved", at + 2, 2, u16(bytes, at + 2)),
    );
    at += 4;
  }
  if (flags & 0x20) {
    const key = u32(bytes, at);
    layer.fields.push(numberField("key", "Key", at, 4, key, `${hex32(key)} (${key})`));
    layer.title += ` key ${key}`;
    at += 4;
  }
  if (flags & 0x10) {
    layer.fields.push(numberField("seq", "Sequence number", at, 4, u32(bytes, at)));
    layer.title += ` seq ${u32(bytes, at)}`;
    at += 4;
  }
  layer.length = headerLength;
  return { layer, payload: { ...span, protocol: etherPayload(protocolType), start: at } };
}

function flagsValue(flags: number): string {
  const names: string[] = [];
  if (flags & 0x80) names.push("checksum");
  if (flags & 0x40) names.push("routing");
  if (flags & 0x20) names.push("key");
  if (flags & 0x10) names.push("sequence number");
  return names.length === 0 ? "none" : names.join(", ");
}
