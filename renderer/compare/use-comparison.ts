/** What a comparison's panels share: the packet and row that are shown, and one clock for both topologies. */

import { useEffect, useMemo } from "react";
import { useStore } from "zustand";
import type { ComparedPacket, ComparedRow, Side } from "../../preload/contract/comparison.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import { useSession } from "../app/page-context.ts";
import type { CompareState } from "../state/compare-session.ts";
import { type Player, type PlayingJourney, usePlayer } from "../topology/use-playback.ts";

export interface ShownComparison extends CompareState {
  shown?: ComparedPacket;
  /** One step for each row. */
  playing: Player;
  /** Of one side: its journey, played on the same clock. */
  side: Record<Side, { journey?: Journey; playing: PlayingJourney }>;
  /** Selects a row and goes there. */
  onRow: (row: number) => void;
}

const NO_ROWS: readonly ComparedRow[] = [];

export function useComparison(): ShownComparison {
  const session = useSession();
  const compare = useStore(session.compare.state);
  const { result, packet, row } = compare;
  const shown = result?.packets[packet];
  const rows = shown?.rows ?? NO_ROWS;
  const playing = usePlayer(rows.length, { identity: `${result?.left.capture} ${result?.left.journeys[0]} ${packet}` });
  const { player, playback } = playing;
  const steps = useMemo(() => ({ left: stepsOf(rows, "left"), right: stepsOf(rows, "right") }), [rows]);
  const { selectRow } = session.compare;

  // The selected row follows the playback.
  useEffect(() => {
    if (rows.length > 0 && playback.step !== row) selectRow(playback.step);
  }, [rows, playback.step, row, selectRow]);

  const side = (name: Side) => ({ journey: shown?.[name], playing: { player, playback, steps: steps[name] } });
  return {
    ...compare,
    shown,
    playing,
    side: { left: side("left"), right: side("right") },
    onRow: (index) => player.seek(index),
  };
}

/** The hops of each step on one side: none where only the other one moves on. */
function stepsOf(rows: readonly ComparedRow[], side: Side): number[][] {
  return rows.map((row) => {
    const hop = row[side]?.hop;
    return hop === undefined ? [] : [hop];
  });
}
