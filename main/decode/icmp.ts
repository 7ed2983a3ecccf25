/**
 * ICMP, RFC 792; next-hop MTU as RFC 1191, section 4. The layer is the whole message: what an echo carries and
 * the packet that an error quotes are fields of it.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------+---------------+-------------------------------+
 *    |     type      |     code      |           checksum            |
 *    +---------------+---------------+-------------------------------+
 *    |              by type: identifier and sequence, …              |
 *    |              by type: data, or the original packet            |
 */

import type { Field } from "../../preload/contract/frame.ts";
import { tooShort } from "./broken.ts";
import { bytesField, ipv4Field, named, numberField } from "./field.ts";
import { hex16 } from "./hex.ts";
import { formatIpv4 } from "./ip-address.ts";
import { LEAST } from "./payload.ts";
import { quotedPacket } from "./quoted-packet.ts";
import { u16, u32 } from "./read.ts";
import type { Decoded, Span } from "./span.ts";

const ECHO_REPLY = 0;
const UNREACHABLE = 3;
const SOURCE_QUENCH = 4;
const REDIRECT = 5;
const ECHO_REQUEST = 8;
const TIME_EXCEEDED = 11;
const PARAMETER_PROBLEM = 12;
const TIMESTAMP = 13;
const TIMESTAMP_REPLY = 14;

/** IANA "ICMP Type Numbers". */
const TYPE_NAMES = new Map([
  [ECHO_REPLY, "echo reply"],
  [UNREACHABLE, "destination unreachable"],
  [SOURCE_QUENCH, "source quench"],
  [REDIRECT, "redirect"],
  [ECHO_REQUEST, "echo request"],
  [9, "router advertisement"],
  [10, "router solicitation"],
  [TIME_EXCEEDED, "time exceeded"],
  [PARAMETER_PROBLEM, "parameter problem"],
  [TIMESTAMP, "timestamp request"],
  [TIMESTAMP_REPLY, "timestamp reply"],
]);

const CODE_NAMES = new Map<number, readonly string[]>([
  [
    UNREACHABLE,
    [
      "net unreachable",
      "host unreachable",
      "protocol unreachable",
      "port unreachable",
      "fragmentation needed",
      "source route failed",
      "net unknown",
      "host unknown",
      "source host isolated",
      "net prohibited",
      "host prohibited",
      "net unreachable for type of service",
      "host unreachable for type of service",
      "communication prohibited",
      "host precedence violation",
      "precedence cutoff",
    ],
  ],
  [
    REDIRECT,
    ["redirect for net", "redirect for host", "redirect for service and net", "redirect for service and host"],
  ],
  [TIME_EXCEEDED, ["time exceeded in transit", "reassembly time exceeded"]],
]);

const FRAGMENTATION_NEEDED = 4;

export function decodeIcmp(span: Span): Decoded {
  const { bytes, start, end } = span;
  if (end - start < LEAST.icmp) return tooShort(span, "ICMP", LEAST.icmp);
  const type = bytes[start]!;
  const code = bytes[start + 1]!;
  const codeName = CODE_NAMES.get(type)?.[code];
  const body = icmpBody(span, type, code);
  return {
    layer: {
      protocol: "icmp",
      title: `ICMP ${codeName ?? TYPE_NAMES.get(type) ?? `type ${type} code ${code}`}${body.detail}`,
      offset: start,
      length: end - start,
      fields: [
        numberField("type", "Type", start, 1, type, named(String(type), TYPE_NAMES.get(type))),
        numberField("code", "Code", start + 1, 1, code, named(String(code), codeName)),
        numberField("checksum", "Checksum", start + 2, 2, u16(bytes, start + 2), hex16(u16(bytes, start + 2))),
        ...body.fields,
      ],
    },
  };
}

/** Everything after the checksum, and what of it belongs into the title. */
function icmpBody(span: Span, type: number, code: number): { fields: Field[]; detail: string } {
  const { bytes, start, end } = span;
  const fields: Field[] = [];
  switch (type) {
    case ECHO_REQUEST:
    case ECHO_REPLY:
    case TIMESTAMP:
    case TIMESTAMP_REPLY: {
      const id = u16(bytes, start + 4);
      const seq = u16(bytes, start + 6);
      fields.push(
        numberField("id", "Identifier", start + 4, 2, id),
        numberField("seq", "Sequence number", start + 6, 2, seq),
      );
      if (end > start + 8) fields.push(bytesField(bytes, "data", "Data", start + 8, end));
      return { fields, detail: ` id ${id} seq ${seq}` };
    }
    case UNREACHABLE: {
      let detail = "";
      if (code === FRAGMENTATION_NEEDED) {
        const mtu = u16(bytes, start + 6);
        fields.push(
          numberField("unused", "Unused", start + 4, 2, u16(bytes, start + 4)),
          numberField("mtu", "Next-hop MTU", start + 6, 2, mtu),
        );
        detail = ` mtu ${mtu}`;
      } else {
        fields.push(numberField("unused", "Unused", start + 4, 4, u32(bytes, start + 4)));
      }
      if (end > start + 8) fields.push(quotedPacket(span, start + 8, 4));
      return { fields, detail };
    }
    case REDIRECT:
      fields.push(ipv4Field(bytes, "gateway", "Gateway", start + 4));
      if (end > start + 8) fields.push(quotedPacket(span, start + 8, 4));
      return { fields, detail: ` to ${formatIpv4(bytes, start + 4)}` };
    case PARAMETER_PROBLEM:
      fields.push(
        numberField("pointer", "Pointer", start + 4, 1, bytes[start + 4]!),
        bytesField(bytes, "unused", "Unused", start + 5, start + 8),
      );
      if (end > start + 8) fields.push(quotedPacket(span, start + 8, 4));
      return { fields, detail: "" };
    case TIME_EXCEEDED:
    case SOURCE_QUENCH:
      fields.push(numberField("unused", "Unused", start + 4, 4, u32(bytes, start + 4)));
      if (end > start + 8) fields.push(quotedPacket(span, start + 8, 4));
      return { fields, detail: "" };
    default:
      fields.push(bytesField(bytes, "data", "Data", start + 4, end));
      return { fields, detail: "" };
  }
}
