/** How a journey ended: a mark and a word, never the colour alone. */

import type { JourneyEnd } from "../../preload/contract/journey.ts";
import { useWords } from "../app/page-context.ts";

const MARKS: Record<JourneyEnd, { mark: string; tone: string }> = {
  arrived: { mark: "✓", tone: "ok" },
  lost: { mark: "✕", tone: "bad" },
  "in flight": { mark: "→", tone: "muted" },
  "out of sight": { mark: "?", tone: "muted" },
};

export function EndMark({ end }: { end: JourneyEnd }) {
  const words = useWords();
  const { mark, tone } = MARKS[end];
  return (
    <span className={`end ${tone}`} title={words.end[end]}>
      <span aria-hidden="true">{mark}</span> <span className="end-word">{words.end[end]}</span>
    </span>
  );
}
