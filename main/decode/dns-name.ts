/**
 * Domain names in DNS messages, RFC 1035, sections 3.1 and 4.1.4 (compression). Never throws, and always ends:
 * a pointer may only point to before the name's own start, and before where the last pointer led.
 */

import { hexByte } from "./hex.ts";

/** Names have at most 255 bytes (RFC 1035, section 2.3.4). */
const LONGEST_NAME = 255;
/** A name of that length has at most 127 labels; more pointers than that serve no one. */
const MOST_POINTERS = 127;

export interface DnsName {
  /** Without the last dot; `.` for the root. */
  text: string;
  /** Where the name's own bytes end: after its last label, or after its first pointer. */
  end: number;
}

/** `message`: where the DNS message starts, which pointers count from. Undefined where the name is broken. */
export function readDnsName(bytes: Uint8Array, message: number, start: number, end: number): DnsName | undefined {
  let text = "";
  let at = start;
  let lowest = start;
  let ownEnd = -1;
  let length = 0;
  let pointers = 0;
  while (at < end) {
    const head = bytes[at]!;
    if (head === 0) return { text: text === "" ? "." : text, end: ownEnd === -1 ? at + 1 : ownEnd };
    if (head >= 0xc0) {
      if (at + 1 >= end) return undefined;
      const target = message + (((head & 0x3f) << 8) | bytes[at + 1]!);
      if (ownEnd === -1) ownEnd = at + 2;
      if (target >= lowest || ++pointers > MOST_POINTERS) return undefined;
      lowest = target;
      at = target;
      continue;
    }
    length += head + 1;
    if (head > 63 || at + 1 + head > end || length > LONGEST_NAME) return undefined;
    text += text === "" ? formatLabel(bytes, at + 1, head) : `.${formatLabel(bytes, at + 1, head)}`;
    at += 1 + head;
  }
  return undefined;
}

/** A dot or an unprintable byte inside a label becomes `\xNN`, so that it can't be mistaken. */
function formatLabel(bytes: Uint8Array, start: number, length: number): string {
  let text = "";
  for (let at = start; at < start + length; at++) {
    const value = bytes[at]!;
    const plain = value > 0x20 && value < 0x7f && value !== 0x2e && value !== 0x5c;
    text += plain ? String.fromCharCode(value) : `\\x${hexByte(value)}`;
  }
  return text;
}
