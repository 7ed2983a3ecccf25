/** Bytes and numbers as hexadecimal text, and bytes as text where they are text. */

const BYTE = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

export function hexByte(value: number): string {
  return BYTE[value & 0xff]!;
}

/** `0x0a`. */
export function hex8(value: number): string {
  return `0x${hexByte(value)}`;
}

/** `0x0800`. */
export function hex16(value: number): string {
  return `0x${hexByte(value >> 8)}${hexByte(value)}`;
}

/** `0x00000001`. */
export function hex32(value: number): string {
  return `0x${hexByte(value >>> 24)}${hexByte(value >>> 16)}${hexByte(value >>> 8)}${hexByte(value)}`;
}

/** More bytes than this are cut off with `…`: the page shows them in its hex view. */
const SHOWN = 32;

/** `00 01 02 … (64 bytes)`. */
export function formatBytes(bytes: Uint8Array, start: number, end: number): string {
  const shown = Math.min(end, start + SHOWN);
  let text = "";
  for (let at = start; at < shown; at++) text += at === start ? BYTE[bytes[at]!]! : ` ${BYTE[bytes[at]!]!}`;
  return shown < end ? `${text} … (${end - start} bytes)` : text;
}

/** ASCII text; what can't be printed, a quote's backslash and bytes above 0x7e become `\xNN`. */
export function formatText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) {
    const value = bytes[at]!;
    text += value >= 0x20 && value < 0x7f && value !== 0x5c ? String.fromCharCode(value) : `\\x${hexByte(value)}`;
  }
  return text;
}
