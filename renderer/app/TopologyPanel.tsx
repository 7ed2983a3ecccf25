/** The topology of the selected lab with the selected journey played on it. */

import { useStore } from "zustand";
import type { Journey } from "../../preload/contract/journey.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import type { Theme } from "../state/preferences.ts";
import { isCurrentConnected } from "../state/targets.ts";
import { PlaybackBar } from "../topology/PlaybackBar.tsx";
import { TopologyView } from "../topology/TopologyView.tsx";
import type { PlayingJourney } from "../topology/use-playback.ts";
import { Empty } from "./Empty.tsx";
import { FaultNote } from "./FaultNote.tsx";
import { useSession, useWords } from "./page-context.ts";
import "../topology/topology.css";

interface Props {
  topology?: Topology;
  journey?: Journey;
  playing: PlayingJourney;
  theme: Theme;
}

export function TopologyPanel({ topology, journey, playing, theme }: Props) {
  const words = useWords();
  const session = useSession();
  const view = useStore(session.view);
  const isKnown = useStore(session.targets.state, isCurrentConnected);
  return (
    <section className="topology-panel" aria-label={words.topology.heading}>
      {view.detail.status === "failed" && <FaultNote fault={view.detail.fault} />}
      {view.builtFault && <FaultNote fault={view.builtFault} />}
      {!topology && view.detail.status === "none" && <Empty title={words.topology.none} fix={words.topology.noneFix} />}
      {!topology && view.detail.status === "loading" && <p className="quiet pad">{words.page.loading}</p>}
      {topology && (
        <>
          {view.sandbox === undefined && !journey && (
            <p className="topology-note">{isKnown ? words.topology.planned : words.topology.plannedOnly}</p>
          )}
          <TopologyView
            topology={topology}
            journey={journey}
            playing={playing}
            selected={view.interface}
            theme={theme}
            words={words.topology}
            onSelectInterface={session.selectInterface}
          />
          {journey && <PlaybackBar playing={playing} words={words.playback} />}
        </>
      )}
    </section>
  );
}
