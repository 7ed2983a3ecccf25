/** Makes the fields of layers, and finds them by name. */

import type { Field, Layer } from "../../preload/contract/frame.ts";
import { formatBytes } from "./hex.ts";
import { formatIpv4, formatIpv6 } from "./ip-address.ts";
import { formatMac } from "./mac-address.ts";

/** The layer's first field of that name; its children are not searched. */
export function field(layer: Layer, name: string): Field | undefined {
  return layer.fields.find((each) => each.name === name);
}

/** `value` is the plain decimal number where it is left out. */
export function numberField(
  name: string,
  label: string,
  offset: number,
  length: number,
  number: number,
  value: string = String(number),
): Field {
  return { name, label, value, number, offset, length };
}

export function textField(name: string, label: string, offset: number, length: number, value: string): Field {
  return { name, label, value, offset, length };
}

export function macField(bytes: Uint8Array, name: string, label: string, offset: number): Field {
  return textField(name, label, offset, 6, formatMac(bytes, offset));
}

export function ipv4Field(bytes: Uint8Array, name: string, label: string, offset: number): Field {
  return textField(name, label, offset, 4, formatIpv4(bytes, offset));
}

export function ipv6Field(bytes: Uint8Array, name: string, label: string, offset: number): Field {
  return textField(name, label, offset, 16, formatIpv6(bytes, offset));
}

export function bytesField(bytes: Uint8Array, name: string, label: string, start: number, end: number): Field {
  return textField(name, label, start, end - start, formatBytes(bytes, start, end));
}

/** A number with its name where it has one: `6 (TCP)`. */
export function named(number: string, name: string | undefined): string {
  return name === undefined ? number : `${number} (${name})`;
}
