/**
 * VLAN tag, IEEE 802.1Q-2018 clause 9.6; stacked with 802.1ad. The tag's own type (0x8100) is the type of the
 * header before; this layer is the tag control information and the type that follows it.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-----+-+-----------------------+-------------------------------+
 *    | PCP |D|        VLAN id        |             type              |
 */

import { tooShort } from "./broken.ts";
import { formatEtherType } from "./ethernet.ts";
import { numberField } from "./field.ts";
import { etherPayload, isLength, LEAST } from "./payload.ts";
import { u16 } from "./read.ts";
import type { Decoded, Span } from "./span.ts";

export function decodeVlan(span: Span): Decoded {
  const { bytes, start, end } = span;
  if (end - start < LEAST.vlan) return tooShort(span, "802.1Q tag", LEAST.vlan);
  const control = u16(bytes, start);
  const id = control & 0x0fff;
  const etherType = u16(bytes, start + 2);
  return {
    layer: {
      protocol: "vlan",
      title: `802.1Q vlan ${id}`,
      offset: start,
      length: 4,
      fields: [
        numberField("priority", "Priority", start, 1, control >> 13),
        numberField("dropEligible", "Drop eligible", start, 1, (control >> 12) & 1),
        numberField("id", "VLAN id", start, 2, id),
        isLength(etherType)
          ? numberField("length", "Length (IEEE 802.3)", start + 2, 2, etherType)
          : numberField("etherType", "Type", start + 2, 2, etherType, formatEtherType(etherType)),
      ],
    },
    payload: { ...span, protocol: etherPayload(etherType), start: start + 4 },
  };
}
