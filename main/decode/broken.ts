/** A header that can't be read, because the frame was cut short or contradicts itself. */

import { bytesField } from "./field.ts";
import { bytesLeft, type Decoded, type Span } from "./span.ts";

/** `what` is the header's name, `IPv4`. */
export function broken(span: Span, what: string, problem: string): Decoded {
  const { bytes, start, end } = span;
  return {
    layer: {
      protocol: "broken",
      title: `Broken ${what}`,
      offset: start,
      length: end - start,
      fields: end > start ? [bytesField(bytes, "data", "Unread bytes", start, end)] : [],
      problem,
    },
  };
}

/** Too few bytes for the header's fixed part. */
export function tooShort(span: Span, what: string, needed: number): Decoded {
  return broken(span, what, `${what} needs ${needed} bytes, ${bytesLeft(span.end - span.start)}`);
}

/** The header says that it is longer than what is left. */
export function overlong(span: Span, what: string, said: number): Decoded {
  return broken(span, what, `${what} header says ${said} bytes, ${bytesLeft(span.end - span.start)}`);
}
