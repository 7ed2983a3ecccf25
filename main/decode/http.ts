/**
 * HTTP/1, RFC 9112: the request line (section 3) or status line (section 4) of a message that starts in this
 * segment. Header fields and content are one field, not taken apart.
 */

import type { Layer } from "../../preload/contract/frame.ts";
import { bytesField, numberField, textField } from "./field.ts";
import { formatText } from "./hex.ts";
import type { Decoded, Span } from "./span.ts";

const SPACE = 0x20;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

export function decodeHttp({ bytes, start, end }: Span): Decoded {
  const lineEnd = findEnd(bytes, start, end);
  const first = findSpace(bytes, start, lineEnd);
  const second = findSpace(bytes, Math.min(first + 1, lineEnd), lineEnd);
  const layer: Layer = { protocol: "http", title: "", offset: start, length: end - start, fields: [] };
  const firstWord = formatText(bytes, start, first);
  const secondAt = Math.min(first + 1, lineEnd);
  const secondWord = formatText(bytes, secondAt, second);
  const thirdAt = Math.min(second + 1, lineEnd);
  const third = formatText(bytes, thirdAt, lineEnd);
  if (firstWord.startsWith("HTTP/")) {
    const status = /^\d{3}$/.test(secondWord) ? Number(secondWord) : undefined;
    layer.title = `HTTP ${secondWord} ${third}`.trimEnd();
    layer.fields.push(textField("version", "Version", start, first - start, firstWord));
    layer.fields.push(
      status === undefined
        ? textField("status", "Status", secondAt, second - secondAt, secondWord)
        : numberField("status", "Status", secondAt, second - secondAt, status),
    );
    layer.fields.push(textField("reason", "Reason", thirdAt, lineEnd - thirdAt, third));
  } else {
    layer.title = `HTTP ${firstWord} ${secondWord}`.trimEnd();
    layer.fields.push(
      textField("method", "Method", start, first - start, firstWord),
      textField("target", "Target", secondAt, second - secondAt, secondWord),
      textField("version", "Version", thirdAt, lineEnd - thirdAt, third),
    );
  }
  let rest = lineEnd;
  if (bytes[rest] === CARRIAGE_RETURN && rest < end) rest++;
  if (bytes[rest] === LINE_FEED && rest < end) rest++;
  if (rest < end) layer.fields.push(bytesField(bytes, "rest", "Header fields and content", rest, end));
  return { layer };
}

/** A line longer than this is cut off: nobody reads it in a list. */
const LONGEST_LINE = 2000;

function findEnd(bytes: Uint8Array, start: number, end: number): number {
  const limit = Math.min(end, start + LONGEST_LINE);
  let at = start;
  while (at < limit && bytes[at] !== LINE_FEED) at++;
  return at > start && at < limit && bytes[at - 1] === CARRIAGE_RETURN ? at - 1 : at;
}

function findSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SPACE) at++;
  return at;
}
