/** Layers as plain text for golden files: every line with its bytes, `first+length`. */

import type { Field, Layer } from "../../preload/contract/frame.ts";

export function printLayers(layers: readonly Layer[]): string {
  const lines: string[] = [];
  for (const layer of layers) {
    lines.push(`  ${layer.protocol} ${layer.offset}+${layer.length}: ${layer.title}`);
    if (layer.problem !== undefined) lines.push(`    ! ${layer.problem}`);
    for (const field of layer.fields) printField(field, "    ", lines);
  }
  return lines.join("\n");
}

function printField(field: Field, indent: string, lines: string[]): void {
  lines.push(`${indent}${field.offset}+${field.length} ${field.name} "${field.label}": ${field.value}`.trimEnd());
  for (const child of field.children ?? []) printField(child, `${indent}  `, lines);
}
