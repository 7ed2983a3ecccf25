/**
 * Two journeys as two rows of hops, those of the same place in one column, with a mark between them: alike, not alike
 * and in what, or only one of them passed here.
 */

import { type ComparedPacket, type ComparedRow, SIDES, type Side } from "../../preload/contract/comparison.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import { useWords } from "../app/page-context.ts";
import { changeFacts } from "../journey/change-facts.ts";
import { HopColumn } from "../journey/JourneyStrip.tsx";
import { Strip, StripItem } from "../journey/Strip.tsx";

interface Props {
  packet: ComparedPacket;
  labs: Record<Side, string>;
  /** Index of the row. */
  selected?: number;
  /** The row that the playback has reached. */
  current: number;
  onSelect: (row: number) => void;
}

export function AlignedStrip({ packet, labs, selected, current, onSelect }: Props) {
  const words = useWords();
  const { rows } = packet;

  const keyTo = (key: string) => {
    const at = selected ?? -1;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: rows.length - 1 }[key];
    return to === undefined || rows[to] === undefined ? undefined : to;
  };

  return (
    <Strip
      of="row"
      className="aligned"
      label={words.compare.rows}
      selected={selected}
      identity={packet}
      keyTo={keyTo}
      onSelect={onSelect}
    >
      <p className="aligned-labs" aria-hidden="true">
        {SIDES.map((side) => (
          <code key={side}>{labs[side]}</code>
        ))}
      </p>
      {rows.map((row, index) => (
        <StripItem
          of="row"
          key={`${row.left?.hop} ${row.right?.hop}`}
          index={index}
          selected={index === selected}
          current={index === current}
          className="aligned-row"
          mark={markOf(row)}
          style={{ gridColumn: index + 2 }}
          onSelect={onSelect}
        >
          <Cell journey={packet.left} row={row} side="left" />
          <Mark row={row} labs={labs} />
          <Cell journey={packet.right} row={row} side="right" />
        </StripItem>
      ))}
    </Strip>
  );
}

function Cell({ journey, row, side }: { journey?: Journey; row: ComparedRow; side: Side }) {
  const words = useWords();
  const index = row[side]?.hop;
  const hop = index === undefined ? undefined : journey?.hops[index];
  if (!hop) return <div className="aligned-gap" />;
  return (
    <div className="aligned-cell">
      <HopColumn hop={hop} brief />
      <p className="aligned-changes">
        {hop.changes.map((change) => (
          <span key={change.kind} className={`change change-${change.kind}`}>
            <strong>{words.journey.changes[change.kind]}</strong>
            {changeFacts(change).short !== undefined && <span className="numbers">{changeFacts(change).short}</span>}
          </span>
        ))}
      </p>
    </div>
  );
}

type RowMark = "=" | "≠" | "left" | "right";

export function markOf(row: ComparedRow): RowMark {
  if (!row.right) return "left";
  if (!row.left) return "right";
  return row.differs.length > 0 ? "≠" : "=";
}

function Mark({ row, labs }: { row: ComparedRow; labs: Record<Side, string> }) {
  const words = useWords().compare;
  const mark = markOf(row);
  const only = mark === "left" || mark === "right" ? words.only(labs[mark]) : undefined;
  return (
    <p className="aligned-mark">
      <strong aria-hidden="true">{{ "=": "=", "≠": "≠", left: "↑", right: "↓" }[mark]}</strong>
      {mark === "=" && <span className="unseen">{words.alike}</span>}
      {mark === "≠" && (
        <span>
          <span className="unseen">{words.differs}</span>
          {` ${row.differs.map((name) => words.facts[name]).join(", ")}`}
        </span>
      )}
      {only !== undefined && <span>{only}</span>}
    </p>
  );
}
