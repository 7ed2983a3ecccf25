/**
 * ARP, RFC 826 "Packet format", for MAC and IPv4 addresses.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------------------------------+-------------------------------+
 *    |         hardware type         |         protocol type         |
 *    +---------------+---------------+-------------------------------+
 *    |  hw. length   |  prot. length |           operation           |
 *    +---------------+---------------+-------------------------------+
 *    |   sender MAC (6)  sender IP (4)  target MAC (6)  target IP (4)   |
 */

import { broken, tooShort } from "./broken.ts";
import { formatEtherType } from "./ethernet.ts";
import { ipv4Field, macField, named, numberField } from "./field.ts";
import { LEAST } from "./payload.ts";
import { u16 } from "./read.ts";
import type { Decoded, Span } from "./span.ts";

const REQUEST = 1;
const REPLY = 2;

export function decodeArp(span: Span): Decoded {
  const { bytes, start, end } = span;
  if (end - start < LEAST.arp) return tooShort(span, "ARP", LEAST.arp);
  const hardwareLength = bytes[start + 4]!;
  const protocolLength = bytes[start + 5]!;
  if (hardwareLength !== 6 || protocolLength !== 4) {
    const problem = `ARP says addresses of ${hardwareLength} and ${protocolLength} bytes; only MAC (6) and IPv4 (4) are read`;
    return broken(span, "ARP", problem);
  }
  const hardwareType = u16(bytes, start);
  const protocolType = u16(bytes, start + 2);
  const operation = u16(bytes, start + 6);
  const senderMac = macField(bytes, "senderMac", "Sender MAC", start + 8);
  const senderIp = ipv4Field(bytes, "senderIp", "Sender IP", start + 14);
  const targetMac = macField(bytes, "targetMac", "Target MAC", start + 18);
  const targetIp = ipv4Field(bytes, "targetIp", "Target IP", start + 24);
  return {
    layer: {
      protocol: "arp",
      title: arpTitle(operation, senderMac.value, senderIp.value, targetIp.value),
      offset: start,
      length: LEAST.arp,
      fields: [
        numberField(
          "hardwareType",
          "Hardware type",
          start,
          2,
          hardwareType,
          named(String(hardwareType), hardwareType === 1 ? "Ethernet" : undefined),
        ),
        numberField("protocolType", "Protocol type", start + 2, 2, protocolType, formatEtherType(protocolType)),
        numberField("hardwareLength", "Hardware address length", start + 4, 1, hardwareLength),
        numberField("protocolLength", "Protocol address length", start + 5, 1, protocolLength),
        numberField(
          "operation",
          "Operation",
          start + 6,
          2,
          operation,
          named(String(operation), operationName(operation)),
        ),
        senderMac,
        senderIp,
        targetMac,
        targetIp,
      ],
    },
  };
}

function arpTitle(operation: number, senderMac: string, senderIp: string, targetIp: string): string {
  if (operation === REQUEST) {
    return senderIp === targetIp
      ? `ARP announcement ${senderIp} is-at ${senderMac}`
      : `ARP who-has ${targetIp} tell ${senderIp}`;
  }
  if (operation === REPLY) return `ARP reply ${senderIp} is-at ${senderMac}`;
  return `ARP operation ${operation} ${senderIp} > ${targetIp}`;
}

function operationName(operation: number): string | undefined {
  if (operation === REQUEST) return "request";
  return operation === REPLY ? "reply" : undefined;
}
