/**
 * VXLAN, RFC 7348, section 5.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +---------------+-----------------------------------------------+
 *    |R|R|R|R|I|R|R|R|                   reserved                    |
 *    +---------------+-------------------------------+---------------+
 *    |     VXLAN network identifier (VNI)            |   reserved    |
 */

import type { Layer } from "../../preload/contract/frame.ts";
import { tooShort } from "./broken.ts";
import { numberField } from "./field.ts";
import { hex8 } from "./hex.ts";
import { ETH, LEAST } from "./payload.ts";
import { u24 } from "./read.ts";
import type { Decoded, Span } from "./span.ts";

const VNI_IS_VALID = 0x08;

export function decodeVxlan(span: Span): Decoded {
  const { bytes, start, end } = span;
  if (end - start < LEAST.vxlan) return tooShort(span, "VXLAN", LEAST.vxlan);
  const flags = bytes[start]!;
  const vni = u24(bytes, start + 4);
  const valid = (flags & VNI_IS_VALID) !== 0;
  const layer: Layer = {
    protocol: "vxlan",
    title: `VXLAN vni ${vni}`,
    offset: start,
    length: 8,
    fields: [
      numberField(
        "flags",
        "Flags",
        start,
        1,
        flags,
        `${hex8(flags)} (${valid ? "I, the VNI is valid" : "no I: the VNI is not valid"})`,
      ),
      numberField("reserved", "Reserved", start + 1, 3, u24(bytes, start + 1)),
      numberField("vni", "VNI", start + 4, 3, vni),
      numberField("reserved2", "Reserved", start + 7, 1, bytes[start + 7]!),
    ],
  };
  if (!valid) layer.problem = "VXLAN says that its VNI is not valid (the I flag is not set)";
  return { layer, payload: { ...span, protocol: ETH, start: start + 8 } };
}
