/**
 * Geneve, RFC 8926, section 3.4; options section 3.5.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---+-----------+-+-+-----------+-------------------------------+
 *    |ver|opt. length|O|C| reserved  |         protocol type         |
 *    +---+-----------+-+-+-----------+---------------+---------------+
 *    |      virtual network identifier (VNI)         |   reserved    |
 *    |                            options                            |
 */

import type { Field, Layer } from "../../preload/contract/frame.ts";
import { broken, overlong, tooShort } from "./broken.ts";
import { formatEtherType } from "./ethernet.ts";
import { bytesField, numberField, textField } from "./field.ts";
import { hex8, hex16 } from "./hex.ts";
import { etherPayload, LEAST } from "./payload.ts";
import { u16, u24 } from "./read.ts";
import { bytesLeft, type Decoded, type Span } from "./span.ts";

export function decodeGeneve(span: Span): Decoded {
  const { bytes, start, end } = span;
  const left = end - start;
  if (left < LEAST.geneve) return tooShort(span, "Geneve", LEAST.geneve);
  const version = bytes[start]! >> 6;
  if (version !== 0) return broken(span, "Geneve", `Geneve header says version ${version}`);
  const optionsLength = (bytes[start]! & 0x3f) * 4;
  const headerLength = 8 + optionsLength;
  if (headerLength > left) return overlong(span, "Geneve", headerLength);

  const flags = bytes[start + 1]!;
  const protocolType = u16(bytes, start + 2);
  const vni = u24(bytes, start + 4);
  const layer: Layer = {
    protocol: "geneve",
    title: `Geneve vni ${vni}`,
    offset: start,
    length: headerLength,
    fields: [
      numberField("version", "Version", start, 1, version),
      numberField("optionsLength", "Options length", start, 1, optionsLength, `${optionsLength} bytes`),
      numberField("flags", "Flags", start + 1, 1, flags, flagsValue(flags)),
      numberField("protocolType", "Protocol type", start + 2, 2, protocolType, formatEtherType(protocolType)),
      numberField("vni", "VNI", start + 4, 3, vni),
      numberField("reserved", "Reserved", start + 7, 1, bytes[start + 7]!),
    ],
  };
  if (optionsLength > 0) {
    const options = textField("options", "Options", start + 8, optionsLength, "");
    options.children = [];
    for (let at = start + 8; at < start + headerLength; ) {
      // The lengths are multiples of 4, so an option's own 4 bytes are always there.
      const length = 4 + (bytes[at + 3]! & 0x1f) * 4;
      if (length > start + headerLength - at) {
        layer.problem = `Geneve option says ${length} bytes, ${bytesLeft(start + headerLength - at)}`;
        options.children.push(bytesField(bytes, "data", "Data", at, start + headerLength));
        break;
      }
      options.children.push(optionField(bytes, at, length));
      at += length;
    }
    options.value = `${options.children.length}`;
    layer.fields.push(options);
  }
  return { layer, payload: { ...span, protocol: etherPayload(protocolType), start: start + headerLength } };
}

function optionField(bytes: Uint8Array, at: number, length: number): Field {
  const children = [
    numberField("class", "Class", at, 2, u16(bytes, at), hex16(u16(bytes, at))),
    numberField("type", "Type", at + 2, 1, bytes[at + 2]!, hex8(bytes[at + 2]!)),
    numberField("length", "Length of the data", at + 3, 1, length - 4),
  ];
  if (length > 4) children.push(bytesField(bytes, "data", "Data", at + 4, at + length));
  const value = `class ${hex16(u16(bytes, at))} type ${hex8(bytes[at + 2]!)}`;
  return { ...textField("option", "Option", at, length, value), children };
}

function flagsValue(flags: number): string {
  const names: string[] = [];
  if (flags & 0x80) names.push("control packet");
  if (flags & 0x40) names.push("critical options");
  return names.length === 0 ? "none" : names.join(", ");
}
