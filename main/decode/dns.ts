/**
 * DNS, RFC 1035, section 4.1, over UDP; AAAA RFC 3596, SRV RFC 2782, EDNS(0) RFC 6891.
 *
 *     0                   1
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
 *    +-------------------------------+
 *    |              id               |
 *    +-+-------+-+-+-+-+-----+-------+
 *    |Q|opcode |A|T|R|R|  z  | rcode |
 *    +-+-------+-+-+-+-+-----+-------+
 *    |  questions, answers, authority and additional records: counts  |
 *    |  then the records themselves                                    |
 */

import type { Field, Layer } from "../../preload/contract/frame.ts";
import { readDnsName } from "./dns-name.ts";
import { bytesField, named, numberField, textField } from "./field.ts";
import { formatBytes, formatText, hex16 } from "./hex.ts";
import { formatIpv4, formatIpv6 } from "./ip-address.ts";
import { u16, u32 } from "./read.ts";
import type { Decoded, Span } from "./span.ts";

const OPT = 41;

const TYPE_NAMES = new Map([
  [1, "A"],
  [2, "NS"],
  [5, "CNAME"],
  [6, "SOA"],
  [12, "PTR"],
  [15, "MX"],
  [16, "TXT"],
  [28, "AAAA"],
  [33, "SRV"],
  [35, "NAPTR"],
  [OPT, "OPT"],
  [43, "DS"],
  [46, "RRSIG"],
  [47, "NSEC"],
  [48, "DNSKEY"],
  [64, "SVCB"],
  [65, "HTTPS"],
  [255, "ANY"],
]);

const CLASS_NAMES = new Map([
  [1, "IN"],
  [3, "CH"],
  [255, "ANY"],
]);

const OPCODE_NAMES = ["query", "inverse query", "status", undefined, "notify", "update"];
const RCODE_NAMES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

export function decodeDns({ bytes, start, end }: Span): Decoded {
  const flags = u16(bytes, start + 2);
  const counts = [4, 6, 8, 10].map((offset) => u16(bytes, start + offset));
  const [questions = 0, answers = 0, authorities = 0, additionals = 0] = counts;
  const layer: Layer = {
    protocol: "dns",
    title: "",
    offset: start,
    length: end - start,
    fields: [
      numberField("id", "Transaction id", start, 2, u16(bytes, start), hex16(u16(bytes, start))),
      { ...numberField("flags", "Flags", start + 2, 2, flags, hex16(flags)), children: flagFields(flags, start + 2) },
      numberField("questions", "Questions", start + 4, 2, questions),
      numberField("answers", "Answers", start + 6, 2, answers),
      numberField("authorities", "Authority records", start + 8, 2, authorities),
      numberField("additionals", "Additional records", start + 10, 2, additionals),
    ],
  };

  const sections = [
    { name: "question", label: "Question", count: questions },
    { name: "answer", label: "Answer", count: answers },
    { name: "authority", label: "Authority record", count: authorities },
    { name: "additional", label: "Additional record", count: additionals },
  ];
  let at = start + 12;
  for (const { name, label, count } of sections) {
    for (let i = 0; i < count; i++) {
      const record = name === "question" ? readQuestion(bytes, start, at, end) : readRecord(bytes, start, at, end);
      if (record === undefined) {
        layer.problem = `DNS ${label.toLowerCase()} ${i + 1} of ${count} is cut short or broken`;
        if (at < end) layer.fields.push(bytesField(bytes, "data", "Unread bytes", at, end));
        layer.title = dnsTitle(layer, flags);
        return { layer };
      }
      layer.fields.push({ name, label, ...record });
      at += record.length;
    }
  }
  if (at < end) layer.fields.push(bytesField(bytes, "data", "Trailing bytes", at, end));
  layer.title = dnsTitle(layer, flags);
  return { layer };
}

/** `DNS query A example.com`, `DNS response A example.com 192.0.2.1`, `DNS response A example.com NXDOMAIN`. */
function dnsTitle(layer: Layer, flags: number): string {
  const response = (flags & 0x8000) !== 0;
  const question = layer.fields.find((each) => each.name === "question")?.value ?? "";
  let title = `DNS ${response ? "response" : "query"} ${question}`.trimEnd();
  if (!response) return title;
  const rcode = flags & 0x0f;
  if (rcode !== 0) title += ` ${RCODE_NAMES[rcode] ?? `rcode ${rcode}`}`;
  const answers = layer.fields.filter((each) => each.name === "answer");
  const last = answers.at(-1)?.children?.find((each) => each.name === "rdata");
  if (last !== undefined) title += ` ${last.value}`;
  return title;
}

function flagFields(flags: number, at: number): Field[] {
  const opcode = (flags >> 11) & 0x0f;
  const rcode = flags & 0x0f;
  return [
    numberField("qr", "Response", at, 1, flags >> 15),
    numberField("opcode", "Operation", at, 1, opcode, named(String(opcode), OPCODE_NAMES[opcode])),
    numberField("aa", "Authoritative answer", at, 1, (flags >> 10) & 1),
    numberField("tc", "Truncated", at, 1, (flags >> 9) & 1),
    numberField("rd", "Recursion desired", at, 1, (flags >> 8) & 1),
    numberField("ra", "Recursion available", at + 1, 1, (flags >> 7) & 1),
    numberField("rcode", "Response code", at + 1, 1, rcode, named(String(rcode), RCODE_NAMES[rcode])),
  ];
}

type Record = Omit<Field, "name" | "label">;

function readQuestion(bytes: Uint8Array, message: number, start: number, end: number): Record | undefined {
  const name = readDnsName(bytes, message, start, end);
  if (name === undefined || end - name.end < 4) return undefined;
  const type = u16(bytes, name.end);
  const children = [textField("name", "Name", start, name.end - start, name.text), ...typeAndClass(bytes, name.end)];
  return { value: `${typeName(type)} ${name.text}`, offset: start, length: name.end + 4 - start, children };
}

function readRecord(bytes: Uint8Array, message: number, start: number, end: number): Record | undefined {
  const name = readDnsName(bytes, message, start, end);
  if (name === undefined || end - name.end < 10) return undefined;
  const at = name.end;
  const type = u16(bytes, at);
  const ttl = u32(bytes, at + 4);
  const dataLength = u16(bytes, at + 8);
  const dataEnd = at + 10 + dataLength;
  if (dataEnd > end) return undefined;
  const children = [
    textField("name", "Name", start, at - start, name.text),
    ...(type === OPT
      ? optFields(bytes, at)
      : [...typeAndClass(bytes, at), numberField("ttl", "Time to live", at + 4, 4, ttl, `${ttl} s`)]),
    numberField("dataLength", "Data length", at + 8, 2, dataLength),
  ];
  let value = `${typeName(type)} ${name.text}`;
  if (dataLength > 0) {
    const rdata = dataField(bytes, message, type, at + 10, dataEnd);
    children.push(rdata);
    value += ` ${rdata.value}`;
  }
  return { value, offset: start, length: dataEnd - start, children };
}

function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `type ${type}`;
}

function typeAndClass(bytes: Uint8Array, at: number): Field[] {
  const type = u16(bytes, at);
  const dnsClass = u16(bytes, at + 2);
  return [
    numberField("type", "Type", at, 2, type, named(String(type), TYPE_NAMES.get(type))),
    numberField("class", "Class", at + 2, 2, dnsClass, named(String(dnsClass), CLASS_NAMES.get(dnsClass))),
  ];
}

/** EDNS(0) gives the class and the time to live another meaning (RFC 6891, section 6.1.2). */
function optFields(bytes: Uint8Array, at: number): Field[] {
  return [
    numberField("type", "Type", at, 2, OPT, "41 (OPT)"),
    numberField("udpSize", "UDP payload size", at + 2, 2, u16(bytes, at + 2)),
    numberField("extendedRcode", "Extended response code", at + 4, 1, bytes[at + 4]!),
    numberField("version", "EDNS version", at + 5, 1, bytes[at + 5]!),
    numberField("extendedFlags", "Extended flags", at + 6, 2, u16(bytes, at + 6), hex16(u16(bytes, at + 6))),
  ];
}

function dataField(bytes: Uint8Array, message: number, type: number, start: number, end: number): Field {
  const text = dataText(bytes, message, type, start, end);
  return textField("rdata", "Data", start, end - start, text ?? formatBytes(bytes, start, end));
}

/** Undefined where the type is not read, or its data is not what the type says. */
function dataText(bytes: Uint8Array, message: number, type: number, start: number, end: number): string | undefined {
  const length = end - start;
  switch (TYPE_NAMES.get(type)) {
    case "A":
      return length === 4 ? formatIpv4(bytes, start) : undefined;
    case "AAAA":
      return length === 16 ? formatIpv6(bytes, start) : undefined;
    case "NS":
    case "CNAME":
    case "PTR":
      return readDnsName(bytes, message, start, end)?.text;
    case "MX": {
      const exchange = length > 2 ? readDnsName(bytes, message, start + 2, end) : undefined;
      return exchange === undefined ? undefined : `${u16(bytes, start)} ${exchange.text}`;
    }
    case "SRV": {
      const target = length > 6 ? readDnsName(bytes, message, start + 6, end) : undefined;
      if (target === undefined) return undefined;
      return `${u16(bytes, start)} ${u16(bytes, start + 2)} ${u16(bytes, start + 4)} ${target.text}`;
    }
    case "TXT":
      return textStrings(bytes, start, end);
    case "SOA": {
      const server = readDnsName(bytes, message, start, end);
      const mailbox = server === undefined ? undefined : readDnsName(bytes, message, server.end, end);
      if (server === undefined || mailbox === undefined || end - mailbox.end < 20) return undefined;
      const numbers = [0, 4, 8, 12, 16].map((offset) => u32(bytes, mailbox.end + offset));
      return `${server.text} ${mailbox.text} ${numbers.join(" ")}`;
    }
    default:
      return undefined;
  }
}

/** Character strings, each with its length in front: `"one" "two"`. */
function textStrings(bytes: Uint8Array, start: number, end: number): string | undefined {
  const texts: string[] = [];
  let at = start;
  while (at < end) {
    const next = at + 1 + bytes[at]!;
    if (next > end) return undefined;
    texts.push(`"${formatText(bytes, at + 1, next)}"`);
    at = next;
  }
  return texts.join(" ");
}
