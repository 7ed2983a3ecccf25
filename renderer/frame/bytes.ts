/** Bytes as rows of a hex dump. Pure. */

export interface ByteRow {
  /** Of the row's first byte. */
  offset: number;
  bytes: { index: number; hex: string; ascii: string }[];
}

/** `hex` without separators, as the contract sends it; `width` bytes a row. */
export function byteRows(hex: string, width: number): ByteRow[] {
  const rows: ByteRow[] = [];
  for (let offset = 0; offset * 2 < hex.length; offset += width) {
    const bytes: ByteRow["bytes"] = [];
    for (let index = offset; index < offset + width && index * 2 < hex.length; index += 1) {
      const pair = hex.slice(index * 2, index * 2 + 2);
      const code = Number.parseInt(pair, 16);
      bytes.push({ index, hex: pair, ascii: code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : "·" });
    }
    rows.push({ offset, bytes });
  }
  return rows;
}
