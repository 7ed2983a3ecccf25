/**
 * IGMP, RFC 1112 appendix I (version 1), RFC 2236 (2) and RFC 3376 section 4 (3): who wants to hear which multicast group.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------+---------------+-------------------------------+
 *    |     type      | max resp time |           checksum            |
 *    +---------------+---------------+-------------------------------+
 *    |          group; of a version 3 report the number of records   |
 */

import type { Field } from "../../preload/contract/frame.ts";
import { tooShort } from "./broken.ts";
import { bytesField, ipv4Field, named, numberField, textField } from "./field.ts";
import { hex8, hex16 } from "./hex.ts";
import { formatIpv4 } from "./ip-address.ts";
import { LEAST } from "./payload.ts";
import { u16 } from "./read.ts";
import type { Decoded, Span } from "./span.ts";

const QUERY = 0x11;
const REPORT_1 = 0x12;
const REPORT_2 = 0x16;
const LEAVE = 0x17;
const REPORT_3 = 0x22;

const TYPE_NAMES = new Map([
  [QUERY, "membership query"],
  [REPORT_1, "version 1 membership report"],
  [REPORT_2, "version 2 membership report"],
  [LEAVE, "leave group"],
  [REPORT_3, "version 3 membership report"],
]);

/** RFC 3376, section 4.2.12. */
const RECORD_NAMES = new Map([
  [1, "is include"],
  [2, "is exclude"],
  [3, "to include"],
  [4, "to exclude"],
  [5, "allow"],
  [6, "block"],
]);

export function decodeIgmp(span: Span): Decoded {
  const { bytes, start, end } = span;
  if (end - start < LEAST.igmp) return tooShort(span, "IGMP", LEAST.igmp);
  const type = bytes[start]!;
  const fields: Field[] = [
    numberField("type", "Type", start, 1, type, named(hex8(type), TYPE_NAMES.get(type))),
    numberField("maxResponse", "Max response time", start + 1, 1, bytes[start + 1]!),
    numberField("checksum", "Checksum", start + 2, 2, u16(bytes, start + 2), hex16(u16(bytes, start + 2))),
  ];
  let title = `IGMP ${TYPE_NAMES.get(type) ?? `type ${hex8(type)}`}`;
  if (type === REPORT_3) {
    const count = u16(bytes, start + 6);
    fields.push(
      numberField("reserved", "Reserved", start + 4, 2, u16(bytes, start + 4)),
      numberField("recordCount", "Number of records", start + 6, 2, count),
    );
    const records = readRecords(bytes, start + 8, end, count);
    fields.push(...records);
    title += records.map(({ value }) => ` ${value}`).join(",");
  } else {
    fields.push(ipv4Field(bytes, "group", "Group", start + 4));
    const group = formatIpv4(bytes, start + 4);
    title += group === "0.0.0.0" ? "" : ` ${group}`;
    if (end > start + 8) fields.push(bytesField(bytes, "data", "Data", start + 8, end));
  }
  return { layer: { protocol: "igmp", title, offset: start, length: end - start, fields } };
}

/** As many as the message says and has. */
function readRecords(bytes: Uint8Array, from: number, end: number, count: number): Field[] {
  const records: Field[] = [];
  for (let at = from; records.length < count && at + 8 <= end; ) {
    const type = bytes[at]!;
    const auxiliary = bytes[at + 1]! * 4;
    const sources = u16(bytes, at + 2);
    const length = 8 + sources * 4 + auxiliary;
    if (at + length > end) break;
    const children = [
      numberField("recordType", "Record type", at, 1, type, named(String(type), RECORD_NAMES.get(type))),
      numberField("auxiliaryLength", "Auxiliary data length", at + 1, 1, bytes[at + 1]!),
      numberField("sourceCount", "Number of sources", at + 2, 2, sources),
      ipv4Field(bytes, "group", "Group", at + 4),
      ...Array.from({ length: sources }, (_, index) => ipv4Field(bytes, "source", "Source", at + 8 + index * 4)),
    ];
    const value = `${RECORD_NAMES.get(type) ?? type} ${formatIpv4(bytes, at + 4)}`;
    records.push({ ...textField("record", "Record", at, length, value), children });
    at += length;
  }
  return records;
}
