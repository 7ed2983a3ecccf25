/** What a change changed, in the terms of the trade, which are the same in every language. Pure. */

import { LAYER_LABELS } from "../../preload/contract/frame.ts";
import type { Change } from "../../preload/contract/journey.ts";

export interface ChangeFacts {
  /** Fits beside the name of the change: `ttl 64→63`. */
  short?: string;
  /** One line each: TTL, MACs, addresses, layers. */
  lines: string[];
}

export function changeFacts(change: Change): ChangeFacts {
  const lines: string[] = [];
  const ttl = change.ttl && `ttl ${change.ttl[0]}→${change.ttl[1]}`;
  if (ttl) lines.push(ttl);
  const layers = change.layers?.map((layer) => LAYER_LABELS[layer]).join(" | ");
  if (layers) lines.push(layers);
  if (change.mac) {
    const { src, dst } = change.mac;
    if (src[0] !== src[1]) lines.push(`src ${src[0]} → ${src[1]}`);
    if (dst[0] !== dst[1]) lines.push(`dst ${dst[0]} → ${dst[1]}`);
  }
  const address = change.address && `${change.address[0]} → ${change.address[1]}`;
  if (address) lines.push(address);
  const bytes = change.bytes && `bytes ${change.bytes[0]}–${change.bytes[1]}`;
  if (bytes) lines.push(bytes);
  return { short: ttl ?? address ?? bytes, lines };
}
