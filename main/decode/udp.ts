/**
 * UDP, RFC 768.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-------------------------------+-------------------------------+
 *    |          source port          |       destination port        |
 *    +-------------------------------+-------------------------------+
 *    |            length             |           checksum            |
 */

import type { Layer } from "../../preload/contract/frame.ts";
import { broken, tooShort } from "./broken.ts";
import { numberField } from "./field.ts";
import { hex16 } from "./hex.ts";
import { DATA, LEAST, tunnelPayload, udpPayload } from "./payload.ts";
import { u16 } from "./read.ts";
import { bytesLeft, type Decoded, type Span } from "./span.ts";

export function decodeUdp(span: Span): Decoded {
  const { bytes, start } = span;
  const left = span.end - start;
  if (left < LEAST.udp) return tooShort(span, "UDP", LEAST.udp);
  const srcPort = u16(bytes, start);
  const dstPort = u16(bytes, start + 2);
  const length = u16(bytes, start + 4);
  const checksum = u16(bytes, start + 6);
  if (length < 8) return broken(span, "UDP", `UDP says ${length} bytes, its header alone has 8`);
  const end = Math.min(span.end, start + length);
  const layer: Layer = {
    protocol: "udp",
    title: `UDP ${srcPort} > ${dstPort}`,
    offset: start,
    length: 8,
    fields: [
      numberField("srcPort", "Source port", start, 2, srcPort),
      numberField("dstPort", "Destination port", start + 2, 2, dstPort),
      numberField("length", "Length", start + 4, 2, length),
      // Not verified: the card fills it in after the capture (checksum offload).
      numberField("checksum", "Checksum", start + 6, 2, checksum, checksum === 0 ? "0x0000 (none)" : hex16(checksum)),
    ],
  };
  if (length > left && !span.fragmented) layer.problem = `UDP says ${length} bytes, ${bytesLeft(left)}`;
  if (end === start + 8) return { layer };
  const carried = tunnelPayload(span.tunnelPorts, bytes, start + 8, end, dstPort);
  const protocol = carried === DATA ? udpPayload(srcPort, dstPort, end - start - 8) : carried;
  return { layer, payload: { ...span, protocol, start: start + 8, end } };
}
