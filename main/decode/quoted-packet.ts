/**
 * The start of the packet that an ICMP error is about: its IP header and at least 8 bytes of what it carried
 * (RFC 792; RFC 4443, section 2.4). Fields of the ICMP layer, not layers of the frame. Never throws.
 */

import type { Field } from "../../preload/contract/frame.ts";
import { bytesField, numberField, textField } from "./field.ts";
import { hex16 } from "./hex.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";
import { ICMP, ICMPV6, TCP, UDP } from "./payload.ts";
import { u16, u32 } from "./read.ts";
import type { Span } from "./span.ts";

/** A field with one child for each header of the packet. `version` says which of the two IP headers to expect. */
export function quotedPacket(span: Span, start: number, version: 4 | 6): Field {
  const { layer, payload } = version === 4 ? decodeIpv4({ ...span, start }) : decodeIpv6({ ...span, start });
  const children = [headerField(layer.protocol, layer.title, layer.offset, layer.length, layer.fields)];
  if (payload !== undefined && payload.start < span.end) {
    const carried = quotedPayload(span.bytes, payload.protocol, payload.start, span.end);
    const end = payload.start + (carried?.length ?? 0);
    if (carried !== undefined) children.push(carried);
    if (end < span.end) children.push(bytesField(span.bytes, "data", "Data", end, span.end));
  }
  return { ...textField("original", "Original packet", start, span.end - start, layer.title), children };
}

function headerField(name: string, title: string, offset: number, length: number, children: Field[]): Field {
  return { name, label: "Header", value: title, offset, length, children };
}

/** As much of the next header as the 8 bytes have that are always quoted. */
function quotedPayload(bytes: Uint8Array, protocol: number, at: number, end: number): Field | undefined {
  if (end - at < 8) return undefined;
  switch (protocol) {
    case UDP:
    case TCP: {
      const srcPort = numberField("srcPort", "Source port", at, 2, u16(bytes, at));
      const dstPort = numberField("dstPort", "Destination port", at + 2, 2, u16(bytes, at + 2));
      const ports = `${srcPort.value} > ${dstPort.value}`;
      if (protocol === TCP) {
        const seq = numberField("seq", "Sequence number", at + 4, 4, u32(bytes, at + 4));
        return headerField("tcp", `TCP ${ports} seq ${seq.value}`, at, 8, [srcPort, dstPort, seq]);
      }
      const length = numberField("length", "Length", at + 4, 2, u16(bytes, at + 4));
      const checksum = numberField("checksum", "Checksum", at + 6, 2, u16(bytes, at + 6), hex16(u16(bytes, at + 6)));
      return headerField("udp", `UDP ${ports}`, at, 8, [srcPort, dstPort, length, checksum]);
    }
    case ICMP:
    case ICMPV6: {
      const type = numberField("type", "Type", at, 1, bytes[at]!);
      const code = numberField("code", "Code", at + 1, 1, bytes[at + 1]!);
      const checksum = numberField("checksum", "Checksum", at + 2, 2, u16(bytes, at + 2), hex16(u16(bytes, at + 2)));
      const id = numberField("id", "Identifier", at + 4, 2, u16(bytes, at + 4));
      const seq = numberField("seq", "Sequence number", at + 6, 2, u16(bytes, at + 6));
      const [name, label] = protocol === ICMP ? ["icmp", "ICMP"] : ["icmpv6", "ICMPv6"];
      const title = `${label} type ${type.value} code ${code.value} id ${id.value} seq ${seq.value}`;
      return headerField(name, title, at, 8, [type, code, checksum, id, seq]);
    }
    default:
      return undefined;
  }
}
