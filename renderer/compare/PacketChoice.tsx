/** Which packet of a comparison is shown, how it ended on either side, and how much of its way is alike. */

import type { Comparison } from "../../preload/contract/calls.ts";
import { type ComparedPacket, SIDES, type Side } from "../../preload/contract/comparison.ts";
import { Icon } from "../app/Icon.tsx";
import { useWords } from "../app/page-context.ts";
import { EndMark } from "../packets/EndMark.tsx";

interface Props {
  result: Comparison;
  /** Index of the packet that is shown. */
  packet: number;
  labs: Record<Side, string>;
  onChange: (packet: number) => void;
}

export function PacketChoice({ result, packet, labs, onChange }: Props) {
  const words = useWords();
  const shown = result.packets[packet];
  if (!shown) return null;
  const { left, right, alike, differ } = countRows(shown);
  return (
    <div className="panel-head compare-packet">
      <select
        aria-label={words.compare.packet}
        title={words.compare.packet}
        value={packet}
        onChange={({ target }) => onChange(Number(target.value))}
      >
        {result.packets.map((one, index) => (
          <option key={`${one.left?.id} ${one.right?.id}`} value={index}>
            {`${index + 1}. ${(one.left ?? one.right)?.summary ?? ""}`}
          </option>
        ))}
      </select>
      {SIDES.map((side) => {
        const journey = shown[side];
        return (
          <span key={side} className="compare-end">
            <code>{labs[side]}</code>
            {journey ? <EndMark end={journey.end} /> : <span className="muted">{words.compare.noPacket}</span>}
          </span>
        );
      })}
      <span className="muted">{words.compare.counted(alike, differ, left, right)}</span>
      {result.more > 0 && <span className="muted">{words.compare.more(result.more)}</span>}
      <span className="spacer" />
      {SIDES.map((side) => {
        const { sent, received, output } = result[side];
        if (received >= sent) return null;
        return (
          <span key={side} className="warn" title={output}>
            <Icon shape="warning" /> {`${labs[side]}: ${words.traffic.result(sent, received)}`}
          </span>
        );
      })}
    </div>
  );
}

function countRows({ rows }: ComparedPacket): Record<Side | "alike" | "differ", number> {
  const count = { left: 0, right: 0, alike: 0, differ: 0 };
  for (const row of rows) {
    if (!row.right) count.left += 1;
    else if (!row.left) count.right += 1;
    else if (row.differs.length > 0) count.differ += 1;
    else count.alike += 1;
  }
  return count;
}
