/** Two labs side by side: one form that sends in both, two topologies on one clock, and the journeys row by row. */

import { useMemo } from "react";
import { useStore } from "zustand";
import { SIDES, type Side } from "../../preload/contract/comparison.ts";
import { Empty } from "../app/Empty.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { Icon } from "../app/Icon.tsx";
import { useLanguage, useSession, useWords } from "../app/page-context.ts";
import { LabLacks } from "../labs/LabLacks.tsx";
import { BuildingRow } from "../labs/LabList.tsx";
import { sandboxesCompared, sharedTopology } from "../state/compare-session.ts";
import { buildingOf } from "../state/labs.ts";
import type { Theme } from "../state/preferences.ts";
import { isCurrentConnected } from "../state/targets.ts";
import { PlaybackBar } from "../topology/PlaybackBar.tsx";
import { TopologyView } from "../topology/TopologyView.tsx";
import { TrafficForm } from "../traffic/TrafficForm.tsx";
import { inLanguage } from "../words/catalogue.ts";
import { AlignedStrip } from "./AlignedStrip.tsx";
import { PacketChoice } from "./PacketChoice.tsx";
import type { ShownComparison } from "./use-comparison.ts";
import "../topology/topology.css";

interface Props {
  comparison: ShownComparison;
  theme: Theme;
}

export function ComparePanel({ comparison, theme }: Props) {
  const words = useWords();
  const session = useSession();
  const { labs, details, result, shown } = comparison;
  if (!labs) return null;
  return (
    <main className="compare" aria-label={words.compare.heading}>
      {details.status === "loading" && <p className="quiet pad">{words.page.loading}</p>}
      {details.status === "failed" && <FaultNote fault={details.fault} />}
      {details.status === "ready" && (
        <>
          <Traffic comparison={comparison} />
          <div className="compare-topologies">
            {SIDES.map((side) => (
              <SideTopology key={side} side={side} comparison={comparison} theme={theme} />
            ))}
          </div>
          {shown && <PlaybackBar playing={comparison.playing} words={words.playback} />}
          <section className="compare-rows" aria-label={words.compare.rows}>
            {!result && <Empty title={words.compare.none} fix={words.compare.noneFix} />}
            {result && result.packets.length === 0 && (
              <Empty title={words.compare.nothingSeen} fix={words.compare.nothingSeenFix}>
                <pre>{[result.left.output, result.right.output].filter(Boolean).join("\n\n")}</pre>
              </Empty>
            )}
            {result && shown && (
              <>
                <PacketChoice
                  result={result}
                  packet={comparison.packet}
                  labs={labs}
                  onChange={session.compare.selectPacket}
                />
                <AlignedStrip
                  packet={shown}
                  labs={labs}
                  selected={comparison.row}
                  current={comparison.playing.playback.step}
                  onSelect={comparison.onRow}
                />
              </>
            )}
          </section>
        </>
      )}
    </main>
  );
}

function Traffic({ comparison }: { comparison: ShownComparison }) {
  const words = useWords();
  const session = useSession();
  const state = useStore(session.labs);
  const isConnected = useStore(session.targets.state, isCurrentConnected);
  const own = useStore(session.view, ({ detail }) => (detail.status === "ready" ? detail.value : undefined));
  const { labs, details, doing } = comparison;
  const both = useMemo(
    () =>
      details.status === "ready"
        ? sharedTopology(details.value.left.topology, details.value.right.topology)
        : undefined,
    [details],
  );
  if (!labs || !both || details.status !== "ready") return null;
  const up = sandboxesCompared(state, labs);
  const isUp = up.left !== undefined && up.right !== undefined;
  // A comparison suggests what it is about; of two labs chosen by hand the first one does.
  const suggestions = own?.lab.compares ? own.traffic : details.value.left.traffic;
  const building = [...new Set([labs.left, labs.right])].flatMap((lab) => buildingOf(state, lab));
  return (
    <>
      <div className="compare-head">
        <h2>
          {words.compare.heading}
          <span className="muted">{words.compare.of(labs.left, labs.right)}</span>
        </h2>
        {!own?.lab.compares && (
          <button
            type="button"
            className="icon-button"
            aria-label={words.compare.close}
            title={words.compare.close}
            onClick={session.compare.close}
          >
            <Icon shape="close" />
          </button>
        )}
      </div>
      <TrafficForm
        key={`${labs.left} ${labs.right}`}
        topology={both}
        suggestions={suggestions}
        words={{
          send: isUp ? words.compare.send : words.compare.bringUpAndSend,
          busy: doing === "building" ? words.compare.building : words.traffic.sending,
        }}
        busy={doing !== undefined}
        needs={isConnected ? undefined : words.labs.needsTarget}
        fault={comparison.fault}
        onSend={session.compare.send}
        onDismiss={session.compare.dismissFault}
      />
      {building.length > 0 && (
        <div className="compare-building">
          {building.map((one) => (
            <BuildingRow key={`${one.target} ${one.name}`} building={one} several />
          ))}
        </div>
      )}
      {doing === undefined &&
        [...new Set(own?.lab.compares ? [own.lab.id] : [labs.left, labs.right])].map((lab) => (
          <LabLacks key={lab} lab={lab} />
        ))}
    </>
  );
}

function SideTopology({ side, comparison, theme }: Props & { side: Side }) {
  const words = useWords();
  const language = useLanguage();
  const session = useSession();
  const up = useStore(
    session.labs,
    (state) => comparison.labs && sandboxesCompared(state, comparison.labs)[side]?.name,
  );
  const { details, built, shown } = comparison;
  if (details.status !== "ready") return null;
  const detail = details.value[side];
  const { journey, playing } = comparison.side[side];
  const selected = comparison.row === undefined ? undefined : shown?.rows[comparison.row]?.[side]?.hop;
  const hop = selected === undefined ? undefined : journey?.hops[selected];
  return (
    <section className="compare-side" data-side={side} aria-label={detail.lab.id}>
      <h3>
        {inLanguage(detail.lab.title, language)}
        <span className="muted">{up === undefined ? words.labs.down : up === detail.lab.id ? words.labs.up : up}</span>
      </h3>
      <TopologyView
        topology={built?.[side] ?? detail.topology}
        journey={journey}
        playing={playing}
        selected={hop}
        theme={theme}
        words={words.topology}
        onSelectInterface={(ref) => {
          const row = shown?.rows.findIndex((one) => {
            const index = one[side]?.hop;
            const there = index === undefined ? undefined : journey?.hops[index];
            return ref && there && there.netns === ref.netns && there.interface === ref.interface;
          });
          if (row !== undefined && row >= 0) comparison.onRow(row);
        }}
      />
    </section>
  );
}
