/**
 * BGP-4, RFC 4271, section 4: the messages of one TCP segment. Capabilities RFC 5492, four-octet AS numbers RFC 6793,
 * several paths for a prefix RFC 7911, graceful restart RFC 4724, route reflection RFC 4456, route refresh RFC 2918,
 * shutdown messages RFC 9003.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------------------------------------------------------+
 *    |                   marker, 16 bytes, all ones                  |
 *    +-------------------------------+---------------+---------------+
 *    |    length, with this header   |     type      |  the message  |
 *
 * A segment knows nothing of the session's OPEN messages, so two things are told from the bytes, as tshark does it:
 * whether AS numbers have four octets, and whether prefixes have path identifiers. A message that goes on in the next
 * segment is read as far as it goes and named as cut.
 */

import type { Field, Layer } from "../../preload/contract/frame.ts";
import { readCapabilities } from "./bgp-capability.ts";
import { readAttributes, readPrefixes } from "./bgp-update.ts";
import { bytesField, ipv4Field, named, numberField, textField } from "./field.ts";
import { formatText } from "./hex.ts";
import { formatIpv4 } from "./ip-address.ts";
import { u16 } from "./read.ts";
import type { Decoded, Span } from "./span.ts";

const MARKER = 16;
const HEADER = 19;

const TYPE_NAMES = [undefined, "OPEN", "UPDATE", "NOTIFICATION", "KEEPALIVE", "ROUTE-REFRESH"];

/** Section 4.5, and RFC 6608 for the state machine's errors. Subcodes are numbered from 0. */
const ERRORS: Record<number, { name: string; subcodes: readonly string[] }> = {
  1: {
    name: "message header error",
    subcodes: ["unspecific", "connection not synchronized", "bad message length", "bad message type"],
  },
  2: {
    name: "OPEN message error",
    subcodes: [
      "unspecific",
      "unsupported version number",
      "bad peer AS",
      "bad BGP identifier",
      "unsupported optional parameter",
      "authentication failure",
      "unacceptable hold time",
      "unsupported capability",
      "role mismatch",
    ],
  },
  3: {
    name: "UPDATE message error",
    subcodes: [
      "unspecific",
      "malformed attribute list",
      "unrecognized well-known attribute",
      "missing well-known attribute",
      "attribute flags error",
      "attribute length error",
      "invalid ORIGIN attribute",
      "AS routing loop",
      "invalid NEXT_HOP attribute",
      "optional attribute error",
      "invalid network field",
      "malformed AS_PATH",
    ],
  },
  4: { name: "hold timer expired", subcodes: [] },
  5: {
    name: "finite state machine error",
    subcodes: [
      "unspecific",
      "unexpected message in OpenSent",
      "unexpected message in OpenConfirm",
      "unexpected message in Established",
    ],
  },
  6: {
    name: "cease",
    subcodes: [
      "unspecific",
      "maximum number of prefixes reached",
      "administrative shutdown",
      "peer de-configured",
      "administrative reset",
      "connection rejected",
      "other configuration change",
      "connection collision resolution",
      "out of resources",
      "hard reset",
    ],
  },
};

/** Of one message: its fields after the header, and what a list says of it. */
interface Body {
  text: string;
  fields: Field[];
  problem?: string;
}

export function decodeBgp({ bytes, start, end }: Span): Decoded {
  const layer: Layer = { protocol: "bgp", title: "", offset: start, length: end - start, fields: [] };
  const texts: string[] = [];
  let at = findMarker(bytes, start, end);
  if (at > start) {
    texts.push("goes on with a message of an earlier segment");
    layer.fields.push(bytesField(bytes, "continued", "Rest of an earlier segment's message", start, at));
  }
  while (at < end) {
    const { message, text, problem } = readMessage(bytes, at, end);
    texts.push(text);
    layer.fields.push(message);
    if (problem !== undefined) layer.problem ??= problem;
    at += message.length;
  }
  layer.title = `BGP ${texts.join("; ")}`;
  return { layer };
}

/** Where the next message begins; `end` where none does. At `start`, a marker that the end cuts counts. */
function findMarker(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const limit = Math.min(at + MARKER, end);
    let ones = at;
    while (ones < limit && bytes[ones] === 0xff) ones++;
    if (ones === limit && (at === start || ones - at === MARKER)) return at;
    at = ones;
  }
  return end;
}

function readMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
): { message: Field; text: string; problem?: string } {
  const left = end - start;
  if (left < HEADER) {
    const problem = `BGP message is cut off in its header: it has ${HEADER} bytes, ${left} are in this segment`;
    return { message: bytesField(bytes, "cut", "Start of a message", start, end), text: "start of a message", problem };
  }
  const length = u16(bytes, start + MARKER);
  const type = bytes[start + 18]!;
  const name = TYPE_NAMES[type];
  const header = [
    bytesField(bytes, "marker", "Marker", start, start + MARKER),
    numberField("length", "Length", start + MARKER, 2, length),
    numberField("type", "Type", start + 18, 1, type, named(String(type), name)),
  ];
  if (length < HEADER) {
    // Nothing says where the next message begins.
    const fields = end > start + HEADER ? [bytesField(bytes, "data", "Unread bytes", start + HEADER, end)] : [];
    const message = { ...textField("message", "Message", start, left, "broken"), children: [...header, ...fields] };
    return { message, text: "broken", problem: `BGP message says ${length} bytes, it has at least ${HEADER}` };
  }
  const messageEnd = Math.min(start + length, end);
  const body = readBody(bytes, type, start + HEADER, messageEnd);
  const cut = length > left;
  const text = `${name ?? `type ${type}`}${body.text === "" ? "" : ` ${body.text}`}${cut ? ", cut off" : ""}`;
  const problem = cut
    ? `BGP ${name ?? "message"} says ${length} bytes, ${left} are in this segment: the rest is in the next`
    : body.problem;
  return {
    message: {
      ...textField("message", "Message", start, messageEnd - start, text),
      children: [...header, ...body.fields],
    },
    text,
    problem,
  };
}

function readBody(bytes: Uint8Array, type: number, start: number, end: number): Body {
  switch (TYPE_NAMES[type]) {
    case "OPEN":
      return readOpen(bytes, start, end);
    case "UPDATE":
      return readUpdate(bytes, start, end);
    case "NOTIFICATION":
      return readNotification(bytes, start, end);
    case "ROUTE-REFRESH":
      return end - start < 4 ? unread(bytes, "ROUTE-REFRESH", start, end) : readRefresh(bytes, start, end);
    default:
      return { text: "", fields: rest(bytes, start, end) };
  }
}

/** Section 4.2. */
function readOpen(bytes: Uint8Array, start: number, end: number): Body {
  if (end - start < 10) return unread(bytes, "OPEN", start, end);
  const holdTime = u16(bytes, start + 3);
  const parameters = start + 10;
  const parametersLength = bytes[start + 9]!;
  const limit = Math.min(parameters + parametersLength, end);
  const capabilities = readCapabilities(bytes, parameters, limit);
  // An AS number of four octets does not fit in here: AS_TRANS stands for it (RFC 6793).
  const as = capabilities.as ?? u16(bytes, start + 1);
  const fields = [
    numberField("version", "Version", start, 1, bytes[start]!),
    numberField("as", "My autonomous system", start + 1, 2, u16(bytes, start + 1)),
    numberField("holdTime", "Hold time", start + 3, 2, holdTime, `${holdTime} s`),
    ipv4Field(bytes, "id", "BGP identifier", start + 5),
    numberField("parametersLength", "Optional parameters length", start + 9, 1, parametersLength),
    ...capabilities.fields,
    ...rest(bytes, limit, end),
  ];
  const text = `AS ${as} id ${formatIpv4(bytes, start + 5)} hold time ${holdTime} s`;
  return { text, fields, problem: capabilities.problem };
}

/** Section 4.3. */
function readUpdate(bytes: Uint8Array, start: number, end: number): Body {
  if (end - start < 4) return unread(bytes, "UPDATE", start, end);
  const withdrawnLength = u16(bytes, start);
  const fields = [numberField("withdrawnLength", "Withdrawn routes length", start, 2, withdrawnLength)];
  const withdrawnEnd = start + 2 + withdrawnLength;
  if (withdrawnEnd + 2 > end) {
    return {
      text: "",
      fields: [...fields, ...rest(bytes, start + 2, end)],
      problem: `BGP UPDATE says ${withdrawnLength} bytes of withdrawn routes, ${end - start - 4} are left`,
    };
  }
  const withdrawn = readPrefixes(bytes, "withdrawn", "Withdrawn route", start + 2, withdrawnEnd);
  const attributesLength = u16(bytes, withdrawnEnd);
  const attributesAt = withdrawnEnd + 2;
  fields.push(
    ...withdrawn.fields,
    numberField("attributesLength", "Path attributes length", withdrawnEnd, 2, attributesLength),
  );
  const attributesEnd = Math.min(attributesAt + attributesLength, end);
  const attributes = readAttributes(bytes, attributesAt, attributesEnd);
  const announced = readPrefixes(bytes, "nlri", "Route", attributesEnd, end);
  fields.push(...attributes.fields, ...announced.fields);

  const texts: string[] = [];
  if (withdrawn.texts.length > 0) texts.push(`withdraws ${list(withdrawn.texts)}`);
  if (announced.texts.length > 0) {
    const path = attributes.asPath === "" ? "AS path empty" : `AS path ${attributes.asPath}`;
    texts.push(`${list(announced.texts)} via ${attributes.nextHop ?? "?"}, ${path}`);
  }
  // RFC 4724, section 2: an UPDATE that says nothing says that the first exchange of routes is over.
  if (withdrawnLength === 0 && attributesLength === 0 && attributesEnd === end) texts.push("end of RIB");
  texts.push(...attributes.otherFamilies);
  return {
    text: texts.join(", "),
    fields,
    problem: withdrawn.problem ?? attributes.problem ?? announced.problem,
  };
}

/** Section 4.5. */
function readNotification(bytes: Uint8Array, start: number, end: number): Body {
  if (end - start < 2) return unread(bytes, "NOTIFICATION", start, end);
  const code = bytes[start]!;
  const subcode = bytes[start + 1]!;
  const error = ERRORS[code];
  const subcodeName = error?.subcodes[subcode];
  const fields = [
    numberField("code", "Error code", start, 1, code, named(String(code), error?.name)),
    numberField("subcode", "Error subcode", start + 1, 1, subcode, named(String(subcode), subcodeName)),
  ];
  let text = error?.name ?? `code ${code}`;
  if (subcodeName !== undefined && subcode !== 0) text += `: ${subcodeName}`;
  else if (subcode !== 0) text += ` subcode ${subcode}`;
  const length = bytes[start + 2];
  // RFC 9003: a cease for shutdown or reset may say why.
  if (code === 6 && (subcode === 2 || subcode === 4) && length !== undefined && start + 3 + length === end) {
    const words = formatText(bytes, start + 3, end);
    fields.push(textField("reason", "Shutdown communication", start + 2, end - start - 2, words));
    if (words !== "") text += ` "${words}"`;
  } else if (start + 2 < end) {
    fields.push(bytesField(bytes, "data", "Data", start + 2, end));
  }
  return { text, fields };
}

function readRefresh(bytes: Uint8Array, start: number, end: number): Body {
  const afi = u16(bytes, start);
  const safi = bytes[start + 3]!;
  return {
    text: `AFI ${afi} SAFI ${safi}`,
    fields: [
      numberField("afi", "Address family", start, 2, afi),
      numberField("subtype", "Message subtype", start + 2, 1, bytes[start + 2]!),
      numberField("safi", "Subsequent address family", start + 3, 1, safi),
      ...rest(bytes, start + 4, end),
    ],
  };
}

function unread(bytes: Uint8Array, name: string, start: number, end: number): Body {
  return { text: "", fields: rest(bytes, start, end), problem: `BGP ${name} ends before its fixed part does` };
}

function rest(bytes: Uint8Array, start: number, end: number): Field[] {
  return start < end ? [bytesField(bytes, "data", "Unread bytes", start, end)] : [];
}

/** A list names no more than these. */
const LISTED = 4;

function list(prefixes: readonly string[]): string {
  const more = prefixes.length - LISTED;
  return `${prefixes.slice(0, LISTED).join(" ")}${more > 0 ? ` and ${more} more` : ""}`;
}
