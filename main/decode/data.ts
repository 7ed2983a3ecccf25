/** Bytes that no decoder here reads. */

import { bytesField } from "./field.ts";
import type { Decoded, Span } from "./span.ts";

export function decodeData({ bytes, start, end }: Span): Decoded {
  const length = end - start;
  return {
    layer: {
      protocol: "data",
      title: `Data ${length} ${length === 1 ? "byte" : "bytes"}`,
      offset: start,
      length,
      fields: [bytesField(bytes, "data", "Data", start, end)],
    },
  };
}
