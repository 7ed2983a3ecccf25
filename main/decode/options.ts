/**
 * Options as IPv4 (RFC 791, section 3.1) and TCP (RFC 9293, section 3.1) write them: kind, length of the whole
 * option, value; kinds 0 (end) and 1 (no operation) are a single byte.
 */

import type { Field } from "../../preload/contract/frame.ts";
import { textField } from "./field.ts";
import { bytesLeft } from "./span.ts";

export interface Options {
  fields: Field[];
  problem?: string;
}

/** Reads one option of `length` bytes at `at`, kind and length included. */
export type ReadOption = (bytes: Uint8Array, kind: number, at: number, length: number) => Field;

export function readOptions(bytes: Uint8Array, start: number, end: number, what: string, read: ReadOption): Options {
  const fields: Field[] = [];
  let at = start;
  while (at < end) {
    const kind = bytes[at]!;
    if (kind === 0) {
      fields.push(textField("end", "End of options", at, end - at, ""));
      break;
    }
    if (kind === 1) {
      fields.push(textField("noOperation", "No operation", at, 1, ""));
      at++;
      continue;
    }
    const length = at + 1 < end ? bytes[at + 1]! : 0;
    if (length < 2) return { fields, problem: `${what} option ${kind} has no length` };
    if (length > end - at) {
      return { fields, problem: `${what} option ${kind} says ${length} bytes, ${bytesLeft(end - at)}` };
    }
    fields.push(read(bytes, kind, at, length));
    at += length;
  }
  return { fields };
}
