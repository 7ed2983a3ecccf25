// biome-ignore-all lint/a11y/useSemanticElements: a table element can't draw only the rows that are seen
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names its row by aria-activedescendant
/** The packets of a capture as a list that only draws what is seen. It never moves while the reader reads. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, useEffect, useLayoutEffect, useRef } from "react";
import type { Packet } from "../../preload/contract/calls.ts";
import { useWords } from "../app/page-context.ts";
import { type GapTime, gapBetween } from "../state/captures.ts";
import { firstShown, type PacketTable, rowAt, rowOf } from "../state/packets.ts";
import { EndMark } from "./EndMark.tsx";
import { secondsText } from "./time.ts";

const ROW_HEIGHT = 24;

interface Props {
  table: PacketTable;
  gaps: readonly GapTime[];
  /** The number of the selected journey. */
  selected?: number;
  /** The newest packet is kept in sight. */
  follow: boolean;
  onFollow: (follow: boolean) => void;
  onSelect: (journey: number) => void;
  /** The rows from `first` to `last` are in sight. */
  onLook: (first: number, last: number) => void;
}

export function PacketList({ table, gaps, selected, follow, onFollow, onSelect, onLook }: Props) {
  const words = useWords();
  const scroller = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const base = firstShown(table.total);
  const count = table.total - base;
  const virtualizer = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
  });
  const items = virtualizer.getVirtualItems();
  const first = base + (items[0]?.index ?? 0);
  const last = base + (items.at(-1)?.index ?? 0);

  // A changed table may lack rows that are in sight
  useEffect(() => onLook(first, last), [onLook, first, last, table]);

  useLayoutEffect(() => {
    if (follow && count > 0) virtualizer.scrollToIndex(count - 1, { align: "end" });
  }, [follow, count, virtualizer]);

  const selectedRow = selected === undefined ? undefined : rowOf(table, selected);

  // A selection that comes from elsewhere (a reply link, sent traffic) is brought into sight; one made here is in sight.
  // Only a new selection may move the list
  useEffect(() => {
    if (selectedRow !== undefined && selectedRow >= base)
      virtualizer.scrollToIndex(selectedRow - base, { align: "auto" });
  }, [selected]);

  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    const { scrollTop, clientHeight, scrollHeight } = element;
    const atEnd = scrollTop + clientHeight >= scrollHeight - ROW_HEIGHT / 2;
    // Only a reader scrolls up; growth and following scroll down.
    if (scrollTop < lastTop.current - 1 && !atEnd) onFollow(false);
    lastTop.current = scrollTop;
  };

  const choose = (row: number) => {
    const packet = rowAt(table, row);
    virtualizer.scrollToIndex(row - base, { align: "auto" });
    if (!packet) return;
    onFollow(false);
    onSelect(packet.journey);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 1);
    const at = selectedRow ?? first - 1;
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: base,
      End: table.total - 1,
    }[event.key];
    if (to === undefined || count === 0) return;
    event.preventDefault();
    choose(Math.max(base, Math.min(table.total - 1, to)));
  };

  const { columns } = words.packets;
  return (
    <div
      className="packets"
      role="grid"
      id="packets"
      tabIndex={0}
      aria-label={words.packets.heading}
      aria-rowcount={count + 1}
      aria-activedescendant={selected === undefined ? undefined : `packet-${selected}`}
      onKeyDown={onKeyDown}
    >
      <div className="packet-row packet-head" role="row" aria-rowindex={1} tabIndex={-1}>
        <span role="columnheader">{columns.time}</span>
        <span role="columnheader">{columns.protocol}</span>
        <span role="columnheader">{columns.source}</span>
        <span role="columnheader">{columns.destination}</span>
        <span role="columnheader">{columns.summary}</span>
        <span role="columnheader" className="right">
          {columns.hops}
        </span>
        <span role="columnheader">{columns.end}</span>
      </div>
      <div className="packet-scroll" ref={scroller} onScroll={onScroll} role="rowgroup">
        {base > 0 && <p className="quiet packet-note">{words.packets.earlier(base)}</p>}
        <div className="packet-rows" style={{ height: virtualizer.getTotalSize() }} role="presentation">
          {items.map((item) => {
            const packet = rowAt(table, base + item.index);
            const before = gaps.length > 0 ? rowAt(table, base + item.index - 1) : undefined;
            const gap = packet && before && gapBetween(gaps, before.at, packet.at);
            return (
              <PacketRow
                key={item.index}
                packet={packet}
                gap={gap}
                row={base + item.index}
                top={item.start}
                selected={packet !== undefined && packet.journey === selected}
                onChoose={choose}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  packet?: Packet;
  /** What was not seen just before it. */
  gap?: GapTime;
  row: number;
  top: number;
  selected: boolean;
  onChoose: (row: number) => void;
}

const PacketRow = memo(
  function PacketRow({ packet, gap, row, top, selected, onChoose }: RowProps) {
    const words = useWords();
    const hole = gap && words.captures.gapBefore(words.labs.age(Math.round((gap.to - gap.from) / 1e9)), gap.why);
    const style = { transform: `translateY(${top}px)` };
    if (!packet) {
      return (
        <div className="packet-row packet-waiting" role="row" tabIndex={-1} style={style} aria-rowindex={row + 2}>
          <span role="gridcell">{words.packets.loadingRow}</span>
        </div>
      );
    }
    // A late frame showed that it is a piece or a copy; what opens is the whole.
    const isPart = packet.hops === 0;
    return (
      // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keys
      <div
        className={`packet-row${selected ? " packet-selected" : ""}${isPart ? " packet-part" : ""}${hole === undefined ? "" : " packet-after-gap"}`}
        title={hole}
        role="row"
        tabIndex={-1}
        id={`packet-${packet.journey}`}
        data-journey={packet.journey}
        aria-selected={selected}
        aria-rowindex={row + 2}
        style={style}
        onClick={() => onChoose(row)}
      >
        <span role="gridcell" className="numbers muted">
          {hole !== undefined && <span className="unseen">{hole}</span>}
          {secondsText(packet.at)}
        </span>
        <span role="gridcell" className="packet-protocol">
          {packet.protocol}
        </span>
        <span role="gridcell" title={packet.source}>
          {packet.source}
        </span>
        <span role="gridcell" title={packet.destination}>
          {packet.destination}
        </span>
        <span role="gridcell" title={packet.summary}>
          {withoutAddresses(packet)}
        </span>
        <span role="gridcell" className="numbers right">
          {isPart ? "" : packet.hops}
        </span>
        <span role="gridcell">{isPart ? words.packets.part : <EndMark end={packet.end} />}</span>
      </div>
    );
  },
  // `onChoose` is new at each render but always does the same for the same row.
  (before, after) =>
    before.packet === after.packet &&
    before.gap === after.gap &&
    before.row === after.row &&
    before.top === after.top &&
    before.selected === after.selected,
);

/** Source and destination have columns of their own; their ports stay. */
function withoutAddresses({ summary, source, destination }: Packet): string {
  return summary.replace(` ${source} > ${destination}`, "").replace(`${source}:`, "").replace(`${destination}:`, "");
}
