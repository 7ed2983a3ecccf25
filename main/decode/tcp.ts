/**
 * TCP, RFC 9293, section 3.1; options also RFC 7323 (window scale, timestamps) and RFC 2018 (SACK).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------------------------------+-------------------------------+
 *    |          source port          |       destination port        |
 *    |                        sequence number                        |
 *    |                     acknowledgement number                    |
 *    +-------+-------+---------------+-------------------------------+
 *    | offset| rsrvd |C E U A P R S F|            window             |
 *    +-------+-------+---------------+-------------------------------+
 *    |           checksum            |        urgent pointer         |
 *    |                    options, up to 40 bytes                    |
 */

import type { Field, Layer } from "../../preload/contract/frame.ts";
import { broken, overlong, tooShort } from "./broken.ts";
import { bytesField, numberField, textField } from "./field.ts";
import { hex16 } from "./hex.ts";
import { readOptions } from "./options.ts";
import { LEAST, tcpPayload } from "./payload.ts";
import { u16, u32 } from "./read.ts";
import type { Decoded, Span } from "./span.ts";

/** In the order in which people say them: `SYN ACK`. */
const FLAGS = [
  ["CWR", 0x80],
  ["ECE", 0x40],
  ["URG", 0x20],
  ["SYN", 0x02],
  ["FIN", 0x01],
  ["RST", 0x04],
  ["PSH", 0x08],
  ["ACK", 0x10],
] as const;

export function decodeTcp(span: Span): Decoded {
  const { bytes, start, end } = span;
  const left = end - start;
  if (left < LEAST.tcp) return tooShort(span, "TCP", LEAST.tcp);
  const headerLength = (bytes[start + 12]! >> 4) * 4;
  if (headerLength < 20)
    return broken(span, "TCP", `TCP header says it is ${headerLength} bytes long, it has at least 20`);
  if (headerLength > left) return overlong(span, "TCP", headerLength);

  const srcPort = u16(bytes, start);
  const dstPort = u16(bytes, start + 2);
  const seq = u32(bytes, start + 4);
  const ack = u32(bytes, start + 8);
  const flags = bytes[start + 13]!;
  const flagNames = tcpFlags(flags);
  const layer: Layer = {
    protocol: "tcp",
    title: `TCP ${srcPort} > ${dstPort} ${flagNames} seq ${seq}${flags & 0x10 ? ` ack ${ack}` : ""}`,
    offset: start,
    length: headerLength,
    fields: [
      numberField("srcPort", "Source port", start, 2, srcPort),
      numberField("dstPort", "Destination port", start + 2, 2, dstPort),
      numberField("seq", "Sequence number", start + 4, 4, seq),
      numberField("ack", "Acknowledgement number", start + 8, 4, ack),
      numberField("headerLength", "Header length", start + 12, 1, headerLength, `${headerLength} bytes`),
      numberField("flags", "Flags", start + 13, 1, flags, flagNames),
      numberField("window", "Window", start + 14, 2, u16(bytes, start + 14)),
      // Not verified: the card fills it in after the capture (checksum offload).
      numberField("checksum", "Checksum", start + 16, 2, u16(bytes, start + 16), hex16(u16(bytes, start + 16))),
      numberField("urgentPointer", "Urgent pointer", start + 18, 2, u16(bytes, start + 18)),
    ],
  };
  if (headerLength > 20) {
    const options = readOptions(bytes, start + 20, start + headerLength, "TCP", tcpOption);
    layer.fields.push({
      ...textField(
        "options",
        "Options",
        start + 20,
        headerLength - 20,
        options.fields.map((each) => each.label).join(", "),
      ),
      children: options.fields,
    });
    if (options.problem !== undefined) layer.problem = options.problem;
  }
  const payloadStart = start + headerLength;
  if (payloadStart === end) return { layer };
  return {
    layer,
    payload: { ...span, protocol: tcpPayload(srcPort, dstPort, bytes, payloadStart, end), start: payloadStart },
  };
}

/** `SYN ACK`; `none` where no flag is set. */
function tcpFlags(flags: number): string {
  let text = "";
  for (const [name, bit] of FLAGS) {
    if (flags & bit) text += text === "" ? name : ` ${name}`;
  }
  return text === "" ? "none" : text;
}

/** Numbers: IANA "TCP Option Kind Numbers". */
function tcpOption(bytes: Uint8Array, kind: number, at: number, length: number): Field {
  switch (kind) {
    case 2:
      if (length === 4) return numberField("mss", "Maximum segment size", at, length, u16(bytes, at + 2));
      break;
    case 3:
      if (length === 3) {
        const shift = bytes[at + 2]!;
        return numberField("windowScale", "Window scale", at, length, shift, `${shift} (times ${2 ** shift})`);
      }
      break;
    case 4:
      if (length === 2) return textField("sackPermitted", "SACK permitted", at, length, "");
      break;
    case 5:
      return sackOption(bytes, at, length);
    case 8:
      if (length === 10) {
        const value = u32(bytes, at + 2);
        const echo = u32(bytes, at + 6);
        return {
          ...textField("timestamps", "Timestamps", at, length, `value ${value}, echo ${echo}`),
          children: [
            numberField("value", "Timestamp value", at + 2, 4, value),
            numberField("echo", "Timestamp echo reply", at + 6, 4, echo),
          ],
        };
      }
      break;
  }
  return bytesField(bytes, "option", `Option ${kind}`, at, at + length);
}

function sackOption(bytes: Uint8Array, at: number, length: number): Field {
  const children: Field[] = [];
  const blocks: string[] = [];
  for (let block = at + 2; block + 8 <= at + length; block += 8) {
    const left = u32(bytes, block);
    const right = u32(bytes, block + 4);
    blocks.push(`${left}-${right}`);
    children.push(
      numberField("left", "Left edge", block, 4, left),
      numberField("right", "Right edge", block + 4, 4, right),
    );
  }
  return { ...textField("sack", "SACK", at, length, blocks.join(", ")), children };
}
