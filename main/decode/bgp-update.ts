/** Prefixes and path attributes of a BGP UPDATE: RFC 4271, sections 4.3 and 5; types by IANA's "BGP Path Attributes". */

import type { Field } from "../../preload/contract/frame.ts";
import { familyName } from "./bgp-capability.ts";
import { bytesField, ipv4Field, named, numberField, textField } from "./field.ts";
import { formatBytes } from "./hex.ts";
import { formatIpv4 } from "./ip-address.ts";
import { u16, u32 } from "./read.ts";

interface Prefixes {
  fields: Field[];
  /** As `ip route` writes them: `172.26.0.0/26`. */
  texts: string[];
  problem?: string;
}

/** IPv4 prefixes from `start` to `end`, each with a path identifier before it where the bytes say so. */
export function readPrefixes(bytes: Uint8Array, name: string, label: string, start: number, end: number): Prefixes {
  const withPaths = hasPathIds(bytes, start, end);
  const found: Prefixes = { fields: [], texts: [] };
  let at = start;
  while (at < end) {
    const lengthAt = withPaths ? at + 4 : at;
    const bits = bytes[lengthAt] ?? 0;
    const next = lengthAt + 1 + Math.ceil(bits / 8);
    if (lengthAt >= end || bits > 32 || next > end) {
      found.fields.push(bytesField(bytes, "data", "Unread bytes", at, end));
      found.problem = "BGP UPDATE has a prefix that is cut short or broken";
      return found;
    }
    const text = prefixText(bytes, lengthAt, bits);
    const children = [
      numberField("prefixLength", "Prefix length", lengthAt, 1, bits),
      textField("prefix", "Prefix", lengthAt + 1, next - lengthAt - 1, text.slice(0, text.indexOf("/"))),
    ];
    if (withPaths) children.unshift(numberField("pathId", "Path identifier", at, 4, u32(bytes, at)));
    found.fields.push({ ...textField(name, label, at, next - at, text), children });
    found.texts.push(text);
    at = next;
  }
  return found;
}

/** `lengthAt` is where the prefix's length stands; only as many bytes follow as it needs. */
function prefixText(bytes: Uint8Array, lengthAt: number, bits: number): string {
  const address = new Uint8Array(4);
  address.set(bytes.subarray(lengthAt + 1, lengthAt + 1 + Math.ceil(bits / 8)));
  return `${formatIpv4(address, 0)}/${bits}`;
}

/**
 * RFC 7911, section 3. Nothing in an UPDATE says it: the bytes must make sense with identifiers, and none without,
 * as tshark decides it. An identifier is a small number in practice, so its first byte reads as a default route.
 */
function hasPathIds(bytes: Uint8Array, start: number, end: number): boolean {
  return fits(bytes, start, end, 4) && !fits(bytes, start, end, 0);
}

function fits(bytes: Uint8Array, start: number, end: number, before: number): boolean {
  let at = start;
  while (at < end) {
    at += before;
    if (at >= end) return false;
    const bits = bytes[at]!;
    if (bits > 32 || (before === 0 && bits === 0 && end - start > 1)) return false;
    at += 1 + Math.ceil(bits / 8);
    if (at > end) return false;
    // Bits after the prefix are zero.
    if (bits % 8 !== 0 && (bytes[at - 1]! & (0xff >> (bits % 8))) !== 0) return false;
  }
  return true;
}

const ORIGINS = ["IGP", "EGP", "incomplete"];

const ATTRIBUTE_NAMES = new Map([
  [1, "ORIGIN"],
  [2, "AS_PATH"],
  [3, "NEXT_HOP"],
  [4, "MULTI_EXIT_DISC"],
  [5, "LOCAL_PREF"],
  [6, "ATOMIC_AGGREGATE"],
  [7, "AGGREGATOR"],
  [8, "COMMUNITIES"],
  [9, "ORIGINATOR_ID"],
  [10, "CLUSTER_LIST"],
  [14, "MP_REACH_NLRI"],
  [15, "MP_UNREACH_NLRI"],
  [16, "EXTENDED COMMUNITIES"],
  [17, "AS4_PATH"],
  [18, "AS4_AGGREGATOR"],
  [32, "LARGE_COMMUNITY"],
]);

interface Attributes {
  fields: Field[];
  nextHop?: string;
  /** `65000 64512`, with sets in braces; empty where the route comes from inside the AS. */
  asPath: string;
  /** What is said of other families than IPv4 unicast: `announces IPv6 unicast`. */
  otherFamilies: string[];
  problem?: string;
}

export function readAttributes(bytes: Uint8Array, start: number, end: number): Attributes {
  const found: Attributes = { fields: [], asPath: "", otherFamilies: [] };
  let at = start;
  while (at < end) {
    // Flag 0x10: the length has two bytes.
    const head = (bytes[at]! & 0x10) !== 0 ? 4 : 3;
    const dataAt = at + head;
    const length = dataAt > end ? 0 : head === 4 ? u16(bytes, at + 2) : bytes[at + 2]!;
    if (dataAt > end || dataAt + length > end) {
      found.fields.push(bytesField(bytes, "data", "Unread bytes", at, end));
      found.problem = "BGP UPDATE has a path attribute that is cut short or broken";
      return found;
    }
    const type = bytes[at + 1]!;
    const name = ATTRIBUTE_NAMES.get(type);
    const value = readValue(bytes, type, dataAt, dataAt + length);
    if (name === "NEXT_HOP") found.nextHop = value.text;
    if (name === "AS_PATH") found.asPath = value.text;
    if (name === "MP_REACH_NLRI") found.otherFamilies.push(`announces ${value.text}`);
    if (name === "MP_UNREACH_NLRI") found.otherFamilies.push(`withdraws ${value.text}`);
    if (value.problem !== undefined) found.problem ??= value.problem;
    found.fields.push({
      ...textField("attribute", name ?? `Attribute ${type}`, at, head + length, value.text),
      children: [
        numberField("flags", "Flags", at, 1, bytes[at]!, flagNames(bytes[at]!)),
        numberField("type", "Type", at + 1, 1, type, named(String(type), name)),
        numberField("length", "Length", at + 2, head - 2, length),
        ...value.fields,
      ],
    });
    at = dataAt + length;
  }
  return found;
}

function flagNames(flags: number): string {
  const names = [(flags & 0x80) !== 0 ? "optional" : "well-known"];
  if (flags & 0x40) names.push("transitive");
  if (flags & 0x20) names.push("partial");
  if (flags & 0x10) names.push("extended length");
  return names.join(", ");
}

interface Value {
  text: string;
  fields: Field[];
  problem?: string;
}

function readValue(bytes: Uint8Array, type: number, start: number, end: number): Value {
  const length = end - start;
  switch (ATTRIBUTE_NAMES.get(type)) {
    case "ORIGIN":
      if (length === 1) {
        return one(numberField("origin", "Origin", start, 1, bytes[start]!, ORIGINS[bytes[start]!] ?? "unknown"));
      }
      break;
    case "AS_PATH":
      return readAsPath(bytes, start, end, asLength(bytes, start, end));
    case "AS4_PATH":
      return readAsPath(bytes, start, end, 4);
    case "NEXT_HOP":
      if (length === 4) return one(ipv4Field(bytes, "nextHop", "Next hop", start));
      break;
    case "MULTI_EXIT_DISC":
      if (length === 4) return one(numberField("med", "Multi-exit discriminator", start, 4, u32(bytes, start)));
      break;
    case "LOCAL_PREF":
      if (length === 4) return one(numberField("localPref", "Local preference", start, 4, u32(bytes, start)));
      break;
    case "ATOMIC_AGGREGATE":
      return { text: "", fields: [] };
    case "AGGREGATOR":
      if (length === 8 || length === 6) {
        const as = length === 8 ? u32(bytes, start) : u16(bytes, start);
        const fields = [
          numberField("as", "AS number", start, length - 4, as),
          ipv4Field(bytes, "aggregator", "Aggregator", end - 4),
        ];
        return { text: `AS ${as} ${formatIpv4(bytes, end - 4)}`, fields };
      }
      break;
    case "COMMUNITIES":
      if (length % 4 === 0) {
        return many(bytes, start, end, 4, (at) =>
          textField("community", "Community", at, 4, `${u16(bytes, at)}:${u16(bytes, at + 2)}`),
        );
      }
      break;
    case "ORIGINATOR_ID":
      if (length === 4) return one(ipv4Field(bytes, "originatorId", "Originator", start));
      break;
    case "CLUSTER_LIST":
      if (length % 4 === 0) {
        return many(bytes, start, end, 4, (at) => ipv4Field(bytes, "clusterId", "Cluster", at));
      }
      break;
    case "MP_REACH_NLRI":
    case "MP_UNREACH_NLRI":
      if (length >= 3) {
        const family = textField(
          "family",
          "Address family",
          start,
          3,
          familyName(u16(bytes, start), bytes[start + 2]!),
        );
        const fields = length > 3 ? [family, bytesField(bytes, "data", "Data", start + 3, end)] : [family];
        return { text: family.value, fields };
      }
      break;
    case "LARGE_COMMUNITY":
      if (length % 12 === 0) {
        return many(bytes, start, end, 12, (at) => {
          const parts = [0, 4, 8].map((offset) => u32(bytes, at + offset));
          return textField("community", "Large community", at, 12, parts.join(":"));
        });
      }
      break;
    default:
      return { text: formatBytes(bytes, start, end), fields: data(bytes, start, end) };
  }
  const problem = `BGP ${ATTRIBUTE_NAMES.get(type)} has ${length} bytes, which it can't have`;
  return { text: formatBytes(bytes, start, end), fields: data(bytes, start, end), problem };
}

function one(field: Field): Value {
  return { text: field.value, fields: [field] };
}

function many(bytes: Uint8Array, start: number, end: number, size: number, read: (at: number) => Field): Value {
  const fields: Field[] = [];
  for (let at = start; at < end && at < bytes.length; at += size) fields.push(read(at));
  return { text: fields.map(({ value }) => value).join(" "), fields };
}

function data(bytes: Uint8Array, start: number, end: number): Field[] {
  return start < end ? [bytesField(bytes, "data", "Data", start, end)] : [];
}

const AS_SET = 1;
const AS_SEQUENCE = 2;
const SEGMENT_NAMES = [undefined, "set", "sequence", "confederation sequence", "confederation set"];

/** Four, unless the path makes sense only with AS numbers of two octets. */
function asLength(bytes: Uint8Array, start: number, end: number): number {
  return !segmentsFit(bytes, start, end, 4) && segmentsFit(bytes, start, end, 2) ? 2 : 4;
}

function segmentsFit(bytes: Uint8Array, start: number, end: number, size: number): boolean {
  let at = start;
  while (at < end) {
    if (end - at < 2 || SEGMENT_NAMES[bytes[at]!] === undefined) return false;
    at += 2 + bytes[at + 1]! * size;
  }
  return at === end;
}

/** Section 4.3, b: segments, each with its type and the number of its AS numbers. */
function readAsPath(bytes: Uint8Array, start: number, end: number, size: number): Value {
  const value: Value = { text: "", fields: [] };
  const texts: string[] = [];
  let at = start;
  while (at < end) {
    const next = end - at < 2 ? undefined : at + 2 + bytes[at + 1]! * size;
    if (next === undefined || next > end) {
      value.fields.push(bytesField(bytes, "data", "Unread bytes", at, end));
      value.problem = "BGP AS_PATH has a segment that is cut short or broken";
      break;
    }
    const type = bytes[at]!;
    const numbers: Field[] = [];
    for (let as = at + 2; as < next; as += size) {
      numbers.push(numberField("as", "AS number", as, size, size === 4 ? u32(bytes, as) : u16(bytes, as)));
    }
    const joined = numbers.map((as) => as.value).join(type === AS_SET ? "," : " ");
    const text = type === AS_SEQUENCE ? joined : type === AS_SET ? `{${joined}}` : `(${joined})`;
    texts.push(text);
    value.fields.push({
      ...textField("segment", SEGMENT_NAMES[type] ?? `Segment ${type}`, at, next - at, text),
      children: [
        numberField("segmentType", "Type", at, 1, type, named(String(type), SEGMENT_NAMES[type])),
        numberField("count", "AS numbers", at + 1, 1, numbers.length),
        ...numbers,
      ],
    });
    at = next;
  }
  value.text = texts.filter((text) => text !== "").join(" ");
  return value;
}
