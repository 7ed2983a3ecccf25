/**
 * A page with nothing but the topology, to look at it while working on it: `npx vite test/renderer`, then
 * /topology-page.html?lab=vxlan|host-gw|bridge|chain|nodes|routers|pods|large|ID OF A LAB&theme=dark&step=N&play.
 */

import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import type { Journey } from "../../preload/contract/journey.ts";
import type { InterfaceRef, Topology } from "../../preload/contract/topology.ts";
import { PlaybackBar } from "../../renderer/topology/PlaybackBar.tsx";
import { TopologyView } from "../../renderer/topology/TopologyView.tsx";
import { usePlayback } from "../../renderer/topology/use-playback.ts";
import "../../renderer/theme/theme.css";
import "../../renderer/topology/topology.css";
import {
  bridgeTopology,
  chainTopology,
  flannelTopology,
  floodJourney,
  twoNetworksTopology,
  vxlanJourney,
} from "./topology-fixture.ts";
import { labTopologies } from "./topology-labs.ts";

const asked = new URLSearchParams(location.search);
const theme = asked.get("theme") === "dark" ? "dark" : "light";
const names = ["red", "green", "blue", "amber"];

function labOf(name: string): { topology: Topology; journey?: Journey } {
  const real = labTopologies.find((topology) => topology.lab === name);
  if (real !== undefined) return { topology: real };
  const large = Array.from({ length: 20 }, () => 10);
  switch (name) {
    case "host-gw":
      return { topology: flannelTopology([2, 2, 1], "host-gw") };
    case "bridge":
      return { topology: bridgeTopology(names), journey: floodJourney(names) };
    case "chain":
      return { topology: chainTopology(names) };
    case "nodes":
      return { topology: flannelTopology([2, 1, 3, 2, 0, 2]), journey: vxlanJourney([2, 1]) };
    case "routers":
      return { topology: twoNetworksTopology(["a", "a", "both", "b", "b"]) };
    case "pods":
      return { topology: flannelTopology([10, 4]) };
    case "large":
      return { topology: flannelTopology(large), journey: vxlanJourney(large) };
    default:
      return { topology: flannelTopology([2, 2, 1]), journey: vxlanJourney([2, 2, 1]) };
  }
}

const lab = labOf(asked.get("lab") ?? "vxlan");

function Page() {
  const [selected, setSelected] = useState<InterfaceRef>();
  const journey = asked.has("plain") ? undefined : lab.journey;
  const playing = usePlayback(journey, { autoplay: asked.has("play") });
  const { player } = playing;
  useEffect(() => {
    const step = asked.get("step");
    if (step !== null) player.seek(Number(step));
  }, [player]);
  return (
    <>
      <div style={{ width: 1000, height: 420, border: "1px solid var(--line, #ddd)" }}>
        <TopologyView
          topology={lab.topology}
          journey={journey}
          playing={playing}
          selected={selected}
          theme={theme}
          words={words}
          onSelectInterface={setSelected}
        />
      </div>
      <div style={{ width: 600, padding: 8 }}>
        <PlaybackBar playing={playing} words={playbackWords} />
      </div>
      <pre id="selected">{selected === undefined ? "" : `${selected.netns}/${selected.interface}`}</pre>
    </>
  );
}

const words = {
  topology: "Topology",
  interfaces: "Namespaces and interfaces",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  fit: "Show everything",
  notEncapsulated: "not encapsulated",
  morePods: (n: number) => `${n} more pods`,
  fewerPods: "fewer pods",
};

const playbackWords = {
  playback: "Playback",
  play: "Play",
  pause: "Pause",
  next: "Next step",
  previous: "Previous step",
  speed: "Speed",
  step: (step: number, total: number) => `${step} / ${total}`,
};

document.documentElement.dataset.theme = theme;
document.body.style.background = "var(--bg)";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
