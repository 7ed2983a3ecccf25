/** What holds for the layers of every frame, good or bad. Throws with the frame in hexadecimal where it does not. */

import { decodeFrame } from "../../main/decode/decode.ts";
import { field } from "../../main/decode/field.ts";
import { createWalk, MAX_LAYERS, walkFrame } from "../../main/decode/walk.ts";
import { type Field, type Layer, PROTOCOLS } from "../../preload/contract/frame.ts";

/** That of the crafted frame with a packet in UDP. */
const TUNNEL_PORTS = { vxlan: [], ip: [8285] };
const walk = createWalk(TUNNEL_PORTS);
/** The frame is walked inside a larger buffer, as in a capture, so that reading past its end would show. */
const MARGIN = 32;
const capture = new Uint8Array(70_000);

/** `linkType`: Ethernet unless given. */
export function checkFrame(bytes: Uint8Array, linkType?: number): void {
  let layers: Layer[] = [];
  try {
    layers = decodeFrame(bytes, { linkType, tunnelPorts: TUNNEL_PORTS });
    // A raw frame without bytes has nothing that could be broken.
    if (layers.length > 0 || bytes.length > 0) checkRanges(layers, bytes.length);
    checkWalk(layers, bytes, linkType);
  } catch (error) {
    const titles = layers.map(({ title }) => title).join(" / ");
    throw new Error(`Frame ${Buffer.from(bytes).toString("hex")} (${titles})`, { cause: error });
  }
}

function checkRanges(layers: readonly Layer[], length: number): void {
  if (layers.length === 0 || layers.length > MAX_LAYERS) throw new Error(`${layers.length} layers`);
  let end = 0;
  for (const layer of layers) {
    if (layer.offset < end) throw new Error(`${layer.title} starts before the layer before it ends`);
    end = layer.offset + layer.length;
    if (end > length) throw new Error(`${layer.title} ends after the frame`);
    if (layer.protocol === "broken" && !layer.problem) throw new Error("a broken layer does not say why");
    if (layer.title === "") throw new Error(`${layer.protocol} has no title`);
    for (const each of layer.fields) {
      // What pads an Ethernet frame comes after all that the frame carries.
      const limit = layer.protocol === "eth" && each.name === "padding" ? length : end;
      checkField(each, layer.offset, limit);
    }
  }
}

function checkField(each: Field, start: number, end: number): void {
  const inside = each.offset >= start && each.length >= 0 && each.offset + each.length <= end;
  if (!inside) throw new Error(`${each.name} is at ${each.offset}+${each.length}, its parent ${start} to ${end}`);
  if (each.number !== undefined && !(each.number >= 0 && each.number <= 0xffffffff)) {
    throw new Error(`${each.name} has the number ${each.number}`);
  }
  if (each.value.includes("undefined") || each.value.includes("NaN")) throw new Error(`${each.name}: ${each.value}`);
  for (const child of each.children ?? []) checkField(child, each.offset, each.offset + each.length);
}

function checkWalk(layers: readonly Layer[], bytes: Uint8Array, linkType: number | undefined): void {
  // Around the frame lies what would decode as something, were it read.
  capture.fill(0x45, 0, bytes.length + 2 * MARGIN);
  capture.set(bytes, MARGIN);
  walkFrame(capture, MARGIN, MARGIN + bytes.length, walk, linkType);
  const walked = Array.from(walk.protocols.subarray(0, walk.count), (index) => PROTOCOLS[index]).join(" ");
  const decoded = layers.map(({ protocol }) => protocol).join(" ");
  if (walked !== decoded) throw new Error(`walkFrame says ${walked}, decodeFrame ${decoded}`);
  for (const [i, layer] of layers.entries()) {
    const offset = walk.offsets[i]! - MARGIN;
    if (offset !== layer.offset)
      throw new Error(`walkFrame finds layer ${i} at ${offset}, decodeFrame at ${layer.offset}`);
  }
  const inner = layers.findLastIndex(
    ({ protocol }) => protocol === "ipv4" || protocol === "ipv6" || protocol === "arp",
  );
  if (walk.inner !== inner)
    throw new Error(`walkFrame says the innermost packet is ${walk.inner}, decodeFrame ${inner}`);
  const innerEnd = walk.innerEnd - MARGIN;
  if (innerEnd !== endOfInnermost(layers, bytes.length)) throw new Error(`the innermost packet ends at ${innerEnd}`);
  if (layers.some(({ protocol }) => protocol === "broken") && !walk.cut) throw new Error("a broken layer is not a cut");
}

/** By the packets' own length fields, as decoded. */
function endOfInnermost(layers: readonly Layer[], length: number): number {
  let end = length;
  let innermost = length;
  for (const layer of layers) {
    const said = lengthInHeader(layer);
    if (said !== undefined) end = Math.min(end, layer.offset + said);
    if (layer.protocol === "ipv4" || layer.protocol === "ipv6" || layer.protocol === "arp") innermost = end;
  }
  return innermost;
}

function lengthInHeader(layer: Layer): number | undefined {
  const number = (name: string) => field(layer, name)?.number ?? 0;
  switch (layer.protocol) {
    case "arp":
      return 28;
    case "ipv4":
      return number("totalLength") || undefined;
    case "ipv6":
      return number("payloadLength") === 0 && number("nextHeader") !== 59 ? undefined : 40 + number("payloadLength");
    case "udp":
      return number("length");
    default:
      return undefined;
  }
}
