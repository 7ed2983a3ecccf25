/** What a BGP speaker says in its OPEN that it can do: RFC 5492; codes by IANA's "Capability Codes". Never throws. */

import type { Field } from "../../preload/contract/frame.ts";
import { bytesField, named, numberField, textField } from "./field.ts";
import { u16, u32 } from "./read.ts";

const CAPABILITIES = 2;

const FOUR_OCTET_AS = 65;
const CAPABILITY_NAMES = new Map([
  [1, "multiprotocol"],
  [2, "route refresh"],
  [5, "extended next hop"],
  [6, "extended message"],
  [9, "BGP role"],
  [64, "graceful restart"],
  [FOUR_OCTET_AS, "four-octet AS number"],
  [69, "add paths"],
  [70, "enhanced route refresh"],
  [71, "long-lived graceful restart"],
  [73, "host name"],
]);

const DIRECTIONS = [undefined, "receive", "send", "send and receive"];

interface Capabilities {
  fields: Field[];
  /** The AS number of four octets, which the OPEN's own field has no room for. */
  as?: number;
  problem?: string;
}

/** The optional parameters of an OPEN, from `start` to `end`. */
export function readCapabilities(bytes: Uint8Array, start: number, end: number): Capabilities {
  const found: Capabilities = { fields: [] };
  let at = start;
  while (at < end) {
    const parameterEnd = end - at < 2 ? undefined : at + 2 + bytes[at + 1]!;
    if (parameterEnd === undefined || parameterEnd > end) return cutShort(found, bytes, at, end);
    if (bytes[at] !== CAPABILITIES) {
      found.fields.push(bytesField(bytes, "parameter", `Parameter ${bytes[at]}`, at, parameterEnd));
      at = parameterEnd;
      continue;
    }
    for (at += 2; at < parameterEnd; ) {
      const capabilityEnd = parameterEnd - at < 2 ? undefined : at + 2 + bytes[at + 1]!;
      if (capabilityEnd === undefined || capabilityEnd > parameterEnd) return cutShort(found, bytes, at, end);
      const code = bytes[at]!;
      if (code === FOUR_OCTET_AS && capabilityEnd - at === 6) found.as = u32(bytes, at + 2);
      found.fields.push(readCapability(bytes, at, capabilityEnd));
      at = capabilityEnd;
    }
  }
  return found;
}

function cutShort(found: Capabilities, bytes: Uint8Array, at: number, end: number): Capabilities {
  found.fields.push(bytesField(bytes, "data", "Unread bytes", at, end));
  found.problem = "BGP OPEN has an optional parameter that is cut short or broken";
  return found;
}

function readCapability(bytes: Uint8Array, start: number, end: number): Field {
  const code = bytes[start]!;
  const name = CAPABILITY_NAMES.get(code) ?? `capability ${code}`;
  const detail = readDetail(bytes, code, start + 2, end);
  const text = detail.map(({ value }) => value).join(" ");
  return {
    ...textField("capability", "Capability", start, end - start, text === "" ? name : `${name}: ${text}`),
    children: [
      numberField("code", "Code", start, 1, code, named(String(code), CAPABILITY_NAMES.get(code))),
      numberField("length", "Length", start + 1, 1, end - start - 2),
      ...detail,
    ],
  };
}

function readDetail(bytes: Uint8Array, code: number, start: number, end: number): Field[] {
  const length = end - start;
  if (code === 1 && length === 4) return [familyField(start, u16(bytes, start), bytes[start + 3]!, 4)];
  if (code === FOUR_OCTET_AS && length === 4) return [numberField("as", "AS number", start, 4, u32(bytes, start))];
  if (code === 64 && length >= 2 && (length - 2) % 4 === 0) {
    const seconds = u16(bytes, start) & 0x0fff;
    const restarted = (bytes[start]! & 0x80) !== 0;
    const fields = [
      numberField("restarted", "Restarted", start, 1, restarted ? 1 : 0, restarted ? "restarted" : "not restarted"),
      numberField("restartTime", "Restart time", start, 2, seconds, `${seconds} s`),
    ];
    for (let at = start + 2; at < end; at += 4) fields.push(familyField(at, u16(bytes, at), bytes[at + 2]!, 4));
    return fields;
  }
  if (code === 69 && length > 0 && length % 4 === 0) {
    const fields: Field[] = [];
    for (let at = start; at < end; at += 4) {
      const direction = bytes[at + 3]!;
      fields.push(
        familyField(at, u16(bytes, at), bytes[at + 2]!, 3),
        numberField("direction", "Direction", at + 3, 1, direction, DIRECTIONS[direction] ?? String(direction)),
      );
    }
    return fields;
  }
  return length > 0 ? [bytesField(bytes, "data", "Data", start, end)] : [];
}

/** IANA's "Address Family Numbers" and "SAFI Values". */
function familyField(at: number, afi: number, safi: number, length: number): Field {
  return textField("family", "Address family", at, length, familyName(afi, safi));
}

export function familyName(afi: number, safi: number): string {
  const family = afi === 1 ? "IPv4" : afi === 2 ? "IPv6" : `AFI ${afi}`;
  const kind = safi === 1 ? "unicast" : safi === 2 ? "multicast" : `SAFI ${safi}`;
  return `${family} ${kind}`;
}
