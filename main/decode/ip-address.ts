/** IP addresses as `ip` prints them. */

import { u16 } from "./read.ts";

/** `10.244.0.2`, from the 4 bytes at `offset`. */
export function formatIpv4(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]!}.${bytes[offset + 1]!}.${bytes[offset + 2]!}.${bytes[offset + 3]!}`;
}

/**
 * `fd00::1`, from the 16 bytes at `offset`. RFC 5952, section 4: lower case, no leading zeros, the longest run of
 * two or more zero groups (the first of equals) becomes `::`; section 5: an IPv4-mapped address ends in dots.
 */
export function formatIpv6(bytes: Uint8Array, offset: number): string {
  let longestAt = -1;
  let longest = 1;
  let run = 0;
  for (let group = 0; group < 8; group++) {
    run = u16(bytes, offset + group * 2) === 0 ? run + 1 : 0;
    if (run > longest) {
      longest = run;
      longestAt = group - run + 1;
    }
  }
  if (longestAt === 0 && longest === 5 && u16(bytes, offset + 10) === 0xffff) {
    return `::ffff:${formatIpv4(bytes, offset + 12)}`;
  }
  let text = "";
  for (let group = 0; group < 8; ) {
    if (group === longestAt) {
      text += "::";
      group += longest;
      continue;
    }
    if (text !== "" && !text.endsWith(":")) text += ":";
    text += u16(bytes, offset + group * 2).toString(16);
    group++;
  }
  return text;
}
