/**
 * Ethernet II, RFC 894 and IEEE 802.3 clause 3.2: destination, source, and a type, which up to 1500 is a length.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------------------------------------------------------------+
 *    |                       destination (48 bits)                 |
 *    |                          source (48 bits)                   |
 *    |      type or length         |
 */

import { tooShort } from "./broken.ts";
import { macField, named, numberField } from "./field.ts";
import { hex16 } from "./hex.ts";
import { etherTypeName } from "./numbers.ts";
import { etherPayload, isLength, LEAST } from "./payload.ts";
import { u16 } from "./read.ts";
import type { Decoded, Span } from "./span.ts";

export function decodeEthernet(span: Span): Decoded {
  const { bytes, start, end } = span;
  if (end - start < LEAST.eth) return tooShort(span, "Ethernet", LEAST.eth);
  const dst = macField(bytes, "dst", "Destination", start);
  const src = macField(bytes, "src", "Source", start + 6);
  const etherType = u16(bytes, start + 12);
  const type = isLength(etherType)
    ? numberField("length", "Length (IEEE 802.3)", start + 12, 2, etherType)
    : numberField("etherType", "Type", start + 12, 2, etherType, formatEtherType(etherType));
  return {
    layer: {
      protocol: "eth",
      title: `Ethernet ${src.value} > ${dst.value}`,
      offset: start,
      length: 14,
      fields: [dst, src, type],
    },
    payload: { ...span, protocol: etherPayload(etherType), start: start + 14 },
  };
}

/** `0x0800 (IPv4)`. */
export function formatEtherType(etherType: number): string {
  return named(hex16(etherType), etherTypeName(etherType));
}
