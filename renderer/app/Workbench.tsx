/** The panels of the page and what connects them: selection, playback and keys. */

import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { Group, Panel, Separator, useDefaultLayout, usePanelRef } from "react-resizable-panels";
import { useStore } from "zustand";
import { ComparePanel } from "../compare/ComparePanel.tsx";
import { CompareSide } from "../compare/CompareSide.tsx";
import { useComparison } from "../compare/use-comparison.ts";
import { GuidePanel } from "../guide/GuidePanel.tsx";
import { InterfacePanel } from "../interface/InterfacePanel.tsx";
import { HopPanel } from "../journey/HopPanel.tsx";
import { JourneyPanel } from "../journey/JourneyPanel.tsx";
import { LabList } from "../labs/LabList.tsx";
import { LivePanel } from "../live/LivePanel.tsx";
import { PacketPanel } from "../packets/PacketPanel.tsx";
import type { Preferences, Theme } from "../state/preferences.ts";
import { isCurrentConnected } from "../state/targets.ts";
import { shownTopology, TABS } from "../state/view.ts";
import { QuestionDialog } from "../targets/QuestionDialog.tsx";
import { TargetBar } from "../targets/TargetBar.tsx";
import { TargetsDialog } from "../targets/TargetsDialog.tsx";
import { usePlayback } from "../topology/use-playback.ts";
import { LabTrafficForm } from "../traffic/TrafficForm.tsx";
import { ConnectionBanner } from "./ConnectionBanner.tsx";
import { Header } from "./Header.tsx";
import { useSession, useWords } from "./page-context.ts";
import { ShortcutsDialog } from "./ShortcutsDialog.tsx";
import { SideTabs } from "./SideTabs.tsx";
import { shortcutOf } from "./shortcuts.ts";
import { TopologyPanel } from "./TopologyPanel.tsx";

interface Props {
  preferences: Preferences;
  onPreferences: (change: Partial<Preferences>) => void;
  theme: Theme;
}

export function Workbench({ preferences, onPreferences, theme }: Props) {
  const session = useSession();
  const line = useStore(session.line);
  const view = useStore(session.view);
  const target = useStore(session.labs, (labs) => labs.target);
  const isConnected = useStore(session.targets.state, isCurrentConnected);
  const topology = shownTopology(view);
  const journey = view.journey.status === "ready" ? view.journey.value : undefined;
  const playing = usePlayback(journey, { identity: `${view.capture} ${journey?.id}` });
  const comparison = useComparison();
  const { player, playback, steps } = playing;
  const current = steps[playback.step] ?? [];
  const [follow, setFollow] = useState(true);
  const [help, setHelp] = useState(false);
  const [menu, setMenu] = useState(false);
  const labsPanel = usePanelRef();

  const toggleLabs = useCallback(() => {
    const panel = labsPanel.current;
    if (panel?.isCollapsed()) panel.expand();
    else panel?.collapse();
  }, [labsPanel]);

  // The frame that is open follows the playback: of the hops of a step, the one that goes on from the open one.
  const { hop } = view;
  useEffect(() => {
    if (!journey || current.length === 0 || (hop !== undefined && current.includes(hop))) return;
    const next = current.find((index) => journey.hops[index]?.parent === hop) ?? current[0];
    if (next !== undefined) session.selectHop(next);
  }, [journey, current, hop, session]);

  const seekHop = (index: number) => {
    session.selectHop(index);
    player.seek(steps.findIndex((step) => step.includes(index)));
  };

  const shown = comparison.labs ? comparison.playing.player : player;
  useShortcuts({
    help: () => setHelp(true),
    labs: toggleLabs,
    target: () => setMenu(true),
    send: () => focus("#traffic select"),
    packets: () => focus("#packets"),
    play: shown.toggle,
    step: (by) => (by > 0 ? shown.next() : shown.previous()),
    follow: () => setFollow((before) => !before),
    clear: () => session.filterPackets(undefined),
    tab: (index) => {
      const tab = TABS[index];
      if (tab) session.showTab(tab);
    },
  });

  return (
    <div className="page">
      <Header
        preferences={preferences}
        onPreferences={onPreferences}
        menu={menu}
        onMenu={setMenu}
        onToggleLabs={toggleLabs}
        onShortcuts={() => setHelp(true)}
      />
      <ConnectionBanner status={line.status} wasOpen={line.hello !== undefined} />
      <TargetBar />
      <Panels
        id="page"
        orientation="horizontal"
        panels={[
          { id: "labs", size: "236px", least: "200px", most: "420px", panelRef: labsPanel, content: <LabList /> },
          {
            id: "middle",
            least: "480px",
            content: comparison.labs ? (
              <ComparePanel comparison={comparison} theme={theme} />
            ) : (
              <main className="middle">
                {topology && view.detail.status === "ready" && (
                  <LabTrafficForm
                    key={`${view.lab} ${target} ${view.sandbox}`}
                    topology={topology}
                    suggestions={view.detail.value.traffic}
                    up={view.sandbox !== undefined && isConnected}
                  />
                )}
                <Panels
                  id="middle"
                  orientation="vertical"
                  panels={[
                    {
                      id: "topology",
                      size: "44%",
                      least: "140px",
                      content: <TopologyPanel topology={topology} journey={journey} playing={playing} theme={theme} />,
                    },
                    {
                      id: "journey",
                      size: "32%",
                      least: "90px",
                      content: <JourneyPanel current={current} onHop={seekHop} />,
                    },
                    {
                      id: "packets",
                      size: "24%",
                      least: "90px",
                      content: <PacketPanel follow={follow} onFollow={setFollow} />,
                    },
                  ]}
                />
              </main>
            ),
          },
          {
            id: "side",
            size: "340px",
            least: "280px",
            most: "50%",
            content: comparison.labs ? <CompareSide comparison={comparison} /> : <Side />,
          },
        ]}
      />
      <ShortcutsDialog open={help} onOpenChange={setHelp} />
      <TargetsDialog />
      <QuestionDialog />
    </div>
  );
}

function Side() {
  const words = useWords();
  const session = useSession();
  const tab = useStore(session.view, (view) => view.tab);
  const tabs = {
    hop: { heading: words.journey.hopHeading, content: <HopPanel /> },
    interface: { heading: words.interface.heading, content: <InterfacePanel /> },
    guide: { heading: words.guide.heading, content: <GuidePanel /> },
    live: { heading: words.live.heading, content: <LivePanel /> },
  };
  return (
    <SideTabs shown={tab} onShow={(chosen) => session.showTab(chosen)} tabs={TABS.map((id) => ({ id, ...tabs[id] }))} />
  );
}

interface PanelSpec {
  id: string;
  size?: string;
  least: string;
  most?: string;
  /** Set where the panel can be folded away. */
  panelRef?: ReturnType<typeof usePanelRef>;
  content: ReactNode;
}

/** Panels beside or above each other whose sizes can be dragged and are remembered. */
function Panels({
  id,
  orientation,
  panels,
}: {
  id: string;
  orientation: "horizontal" | "vertical";
  panels: readonly PanelSpec[];
}) {
  const words = useWords();
  const { defaultLayout, onLayoutChanged } = useDefaultLayout({ id: `hoplab.${id}`, storage: window.localStorage });
  return (
    <Group
      id={id}
      className="panels"
      orientation={orientation}
      defaultLayout={defaultLayout}
      onLayoutChanged={onLayoutChanged}
    >
      {panels.flatMap((panel, index) => [
        index > 0 && <Separator key={`before ${panel.id}`} className="separator" aria-label={words.page.resize} />,
        <Panel
          key={panel.id}
          id={panel.id}
          className="panel"
          defaultSize={panel.size}
          minSize={panel.least}
          maxSize={panel.most}
          collapsible={panel.panelRef !== undefined}
          panelRef={panel.panelRef}
          groupResizeBehavior={panel.most === undefined ? "preserve-relative-size" : "preserve-pixel-size"}
        >
          {panel.content}
        </Panel>,
      ])}
    </Group>
  );
}

function focus(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}

interface Acts {
  help(): void;
  labs(): void;
  target(): void;
  send(): void;
  packets(): void;
  play(): void;
  step(by: 1 | -1): void;
  follow(): void;
  clear(): void;
  tab(index: 0 | 1 | 2 | 3): void;
}

function useShortcuts(acts: Acts): void {
  const newest = useRef(acts);
  newest.current = acts;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const { target } = event;
      const typing =
        target instanceof HTMLElement &&
        target.closest("input:not([type=checkbox]), select, textarea, dialog, .dialog, .menu");
      const shortcut = event.defaultPrevented ? undefined : shortcutOf(event, Boolean(typing));
      if (!shortcut) return;
      event.preventDefault();
      const now = newest.current;
      if (shortcut.id === "tab") now.tab(shortcut.index);
      else if (shortcut.id === "step") now.step(shortcut.by);
      else now[shortcut.id]();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}
