/** The bytes of a frame in hex and ASCII. Each byte selects the field it belongs to. */

import { type KeyboardEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import { useWords } from "../app/page-context.ts";
import { byteRows } from "./bytes.ts";

interface Range {
  offset: number;
  length: number;
}

interface Props {
  bytes: string;
  /** Bytes a row. */
  width: number;
  selected?: Range;
  hovered?: Range;
  onSelect: (byte: number) => void;
  onHover: (byte: number | undefined) => void;
}

export function HexDump({ bytes, width, selected, hovered, onSelect, onHover }: Props) {
  const words = useWords().frame;
  const dump = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => byteRows(bytes, width), [bytes, width]);
  const total = bytes.length / 2;
  const [cursor, setCursor] = useState<number>();
  const start = selected?.offset;

  // Brings the bytes of a newly selected field into sight
  useEffect(() => {
    if (cursor !== undefined && selected && !within(selected, cursor)) setCursor(undefined);
    dump.current?.querySelector(".byte-selected")?.scrollIntoView({ block: "nearest" });
  }, [start]);

  const onKeyDown = (event: KeyboardEvent) => {
    const at = cursor ?? start ?? 0;
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + width,
      ArrowUp: at - width,
      Home: 0,
      End: total - 1,
    }[event.key];
    if (to === undefined || to < 0 || to >= total) return;
    event.preventDefault();
    setCursor(to);
    onSelect(to);
  };

  const byteUnder = (target: EventTarget): number | undefined => {
    const index = target instanceof HTMLElement ? target.dataset.byte : undefined;
    return index === undefined ? undefined : Number(index);
  };

  return (
    <div
      className="hex"
      ref={dump}
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys walk the bytes
      tabIndex={0}
      aria-label={words.bytes}
      aria-description={cursor === undefined ? undefined : words.range(cursor, cursor)}
      onKeyDown={onKeyDown}
      onMouseOver={(event) => onHover(byteUnder(event.target))}
      onFocus={() => undefined}
      onMouseLeave={() => onHover(undefined)}
      onClick={(event) => {
        const byte = byteUnder(event.target);
        if (byte === undefined) return;
        setCursor(byte);
        onSelect(byte);
      }}
    >
      {rows.map((row) => (
        <HexRow key={row.offset} row={row} width={width} selected={selected} hovered={hovered} cursor={cursor} />
      ))}
    </div>
  );
}

interface RowProps {
  row: ReturnType<typeof byteRows>[number];
  width: number;
  selected?: Range;
  hovered?: Range;
  cursor?: number;
}

const HexRow = memo(function HexRow({ row, width, selected, hovered, cursor }: RowProps) {
  const marked = (index: number) =>
    [
      "byte",
      selected && within(selected, index) ? "byte-selected" : "",
      hovered && within(hovered, index) ? "byte-hovered" : "",
      index === cursor ? "byte-cursor" : "",
    ].join(" ");
  return (
    <div className="hex-row">
      <span className="hex-offset">{row.offset.toString(16).padStart(4, "0")}</span>
      <span className="hex-bytes" data-width={width}>
        {row.bytes.map(({ index, hex }) => (
          <span key={index} data-byte={index} className={marked(index)}>
            {hex}
          </span>
        ))}
      </span>
      <span className="hex-ascii">
        {row.bytes.map(({ index, ascii }) => (
          <span key={index} data-byte={index} className={marked(index)}>
            {ascii}
          </span>
        ))}
      </span>
    </div>
  );
});

function within(range: Range, byte: number): boolean {
  return byte >= range.offset && byte < range.offset + range.length;
}
