/** MAC addresses as `ip` prints them. */

import { hexByte } from "./hex.ts";

/** `02:00:00:00:01:01`, from the 6 bytes at `offset`. */
export function formatMac(bytes: Uint8Array, offset: number): string {
  return `${hexByte(bytes[offset]!)}:${hexByte(bytes[offset + 1]!)}:${hexByte(bytes[offset + 2]!)}:${hexByte(bytes[offset + 3]!)}:${hexByte(bytes[offset + 4]!)}:${hexByte(bytes[offset + 5]!)}`;
}
