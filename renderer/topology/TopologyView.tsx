/**
 * The topology of a lab as a picture: Cytoscape at fixed places, the way of a journey and its packets over it,
 * and a tree beside it for the keyboard. Reading only; nothing can be dragged out of its place.
 *
 * Large labs: with more than CROWDED_INTERFACES interfaces or CROWDED_HOSTS hosts each node draws two pods and a
 * chip that counts the others; pods on the journey's way and the selected one are drawn first, in the same places,
 * so that no host moves. A click on the chip draws all pods of that node. Names disappear where they can't be
 * read, and panning moves a picture of the picture (textureOnViewport).
 */

import cytoscape, { type Core } from "cytoscape";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Journey } from "../../preload/contract/journey.ts";
import { type InterfaceRef, interfaceName, type Topology } from "../../preload/contract/topology.ts";
import type { Scene } from "./draw-journey.ts";
import { elementsOf, FAR_ZOOM, FURTHEST_ZOOM, type PodsWords, styleOf } from "./elements.ts";
import { InterfaceTree } from "./InterfaceTree.tsx";
import { type Encapsulation, encapsulationOf } from "./layer-stack.ts";
import { layOutTopology, type Placement } from "./layout.ts";
import { PacketOverlay } from "./PacketOverlay.tsx";
import { PathIcon } from "./PathIcon.tsx";
import { type Palette, readPalette, type Theme } from "./palette.ts";
import type { PlayingJourney } from "./use-playback.ts";
import { Ways } from "./way.ts";

interface TopologyWords extends PodsWords {
  /** Names the whole: "Topology". */
  topology: string;
  /** Names the tree for the keyboard: "Namespaces and interfaces". */
  interfaces: string;
  zoomIn: string;
  zoomOut: string;
  /** Shows everything. */
  fit: string;
  /** In the legend: the way of packets that are in no tunnel. */
  notEncapsulated: string;
}

interface TopologyViewProps {
  topology: Topology;
  journey?: Journey;
  /** From `usePlayback(journey)`. */
  playing?: PlayingJourney;
  selected?: InterfaceRef;
  /** Interfaces that carry traffic, as `netns/interface`. */
  traffic?: ReadonlySet<string>;
  theme: Theme;
  words: TopologyWords;
  onSelectInterface: (ref: InterfaceRef | undefined) => void;
}

const NO_TRAFFIC: ReadonlySet<string> = new Set();
const NO_STEPS: number[][] = [];
const PADDING = 16;
/** Room on the right for the zoom buttons, and at the bottom for the legend. */
const BUTTONS = 36;
const LEGEND = 14;
const LARGEST_FIT = 1.25;
const ZOOM_STEP = 1.25;
const ENCAPSULATION_NAMES: Record<Exclude<Encapsulation, "none">, string> = {
  vxlan: "VXLAN",
  geneve: "Geneve",
  gre: "GRE",
  udp: "UDP",
  ipip: "IPIP",
};

export function TopologyView(props: TopologyViewProps) {
  const { topology, journey, playing, selected, theme, words, onSelectInterface } = props;
  const traffic = props.traffic ?? NO_TRAFFIC;
  const containerRef = useRef<HTMLDivElement>(null);
  const [cy, setCy] = useState<Core>();
  const [palette, setPalette] = useState<Palette>();
  const [active, setActive] = useState<string>();
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());

  const preferred = usePreferredPods(journey, selected);
  const columns = useRef({ lab: "", least: 0 });
  const placement = useMemo(() => {
    // Nodes that join or leave a lab must not move the others.
    const { lab, least } = columns.current;
    const options = { prefer: preferred, open: opened };
    const laid = layOutTopology(topology, lab === topology.lab ? { ...options, columns: least } : options);
    columns.current = { lab: topology.lab, least: laid.columns };
    return laid;
  }, [topology, preferred, opened]);
  const ways = useMemo(() => new Ways(topology, placement), [topology, placement]);
  const legs = useMemo(() => (journey === undefined ? [] : ways.follow(journey)), [ways, journey]);

  // Handlers live as long as Cytoscape does and must call what is current.
  const current = useRef({ onSelectInterface, placement, words });
  useEffect(() => {
    current.current = { onSelectInterface, placement, words };
  });
  const select = useCallback((ref: InterfaceRef | undefined) => current.current.onSelectInterface(ref), []);

  const view = useViewport(cy, placement, topology.lab);

  useEffect(() => {
    const container = containerRef.current;
    if (container === null) return;
    const core = cytoscape({
      container,
      autoungrabify: true,
      autounselectify: true,
      boxSelectionEnabled: false,
      textureOnViewport: current.current.placement.nodes.length > 250,
      minZoom: 0.04,
      maxZoom: 3,
      layout: { name: "preset" },
    });
    core.on("tap", (event) => {
      if (event.target === core) current.current.onSelectInterface(undefined);
    });
    core.on("tap", "node.chip", (event) => {
      const id: string = event.target.id();
      const node = current.current.placement.nodes.find((each) => each.id === id);
      if (node?.ref !== undefined) current.current.onSelectInterface(node.ref);
      if (node?.kind === "pods") setOpened((before) => toggled(before, node.netns));
    });
    core.on("mouseover", "node.chip", (event) => {
      event.target.addClass("hover");
      container.style.cursor = "pointer";
    });
    core.on("mouseout", "node.chip", (event) => {
      event.target.removeClass("hover");
      container.style.cursor = "";
    });
    setCy(core);
    return () => {
      setCy(undefined);
      core.destroy();
    };
  }, []);

  // The theme may be switched by an attribute on the root that is set only after this component has rendered.
  useEffect(() => {
    const container = containerRef.current;
    if (container === null) return;
    const read = () => setPalette(readPalette(container, theme));
    read();
    const observer = new MutationObserver(read);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style", "data-theme"] });
    return () => observer.disconnect();
  }, [theme]);

  // The caller may make its words anew at each render; only other words make other elements.
  const spoken = `${words.morePods(2)} ${words.fewerPods}`;
  useEffect(() => {
    if (cy === undefined || palette === undefined || spoken === "") return;
    cy.batch(() => {
      cy.elements().remove();
      cy.add(elementsOf(placement, current.current.words, palette));
    });
    cy.style(styleOf(palette));
    markFar(cy);
  }, [cy, placement, palette, spoken]);

  const selectedId = selected === undefined ? undefined : placement.shownBy.get(interfaceName(selected));
  // New elements come without the class, so this runs whenever they are made.
  useEffect(() => {
    if (cy === undefined) return;
    cy.nodes(".selected").removeClass("selected");
    if (selectedId !== undefined) cy.getElementById(selectedId).addClass("selected");
  }, [cy, selectedId, placement, palette, spoken]);

  const scene = useMemo<Scene | undefined>(
    () =>
      palette === undefined
        ? undefined
        : {
            placement,
            palette,
            journey,
            legs,
            steps: playing?.steps ?? NO_STEPS,
            traffic: new Set([...traffic].flatMap((name) => placement.shownBy.get(name) ?? [])),
            active: active === undefined ? undefined : (placement.shownBy.get(active) ?? active),
          },
    [placement, palette, journey, legs, playing?.steps, traffic, active],
  );

  return (
    <section className="topology" aria-label={words.topology}>
      {/* Cytoscape adds an inline style element unless this id exists; a strict CSP would refuse it. topology.css has the rule. */}
      <span id="__________cytoscape_stylesheet" hidden />
      <div ref={containerRef} className="topology-canvas" aria-hidden="true" />
      {cy !== undefined && scene !== undefined && <PacketOverlay cy={cy} scene={scene} player={playing?.player} />}
      {journey !== undefined && <Legend journey={journey} words={words} />}
      <InterfaceTree
        topology={topology}
        selected={selected}
        label={words.interfaces}
        onSelectInterface={select}
        onActive={setActive}
      />
      <div className="topology-zoom">
        <button type="button" onClick={() => view.zoomBy(ZOOM_STEP)} aria-label={words.zoomIn} title={words.zoomIn}>
          <PathIcon path="M8 3v10M3 8h10" />
        </button>
        <button
          type="button"
          onClick={() => view.zoomBy(1 / ZOOM_STEP)}
          aria-label={words.zoomOut}
          title={words.zoomOut}
        >
          <PathIcon path="M3 8h10" />
        </button>
        <button type="button" onClick={view.fit} aria-label={words.fit} title={words.fit}>
          <PathIcon path="M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3" />
        </button>
      </div>
    </section>
  );
}

/** Says what the lines mean, as far as this journey has them. */
function Legend({ journey, words }: { journey: Journey; words: TopologyWords }) {
  const present = new Set(journey.hops.map((hop) => encapsulationOf(hop.layers)));
  return (
    <ul className="topology-legend">
      {[...present].map((each) => (
        <li key={each} data-encapsulation={each}>
          {each === "none" ? words.notEncapsulated : ENCAPSULATION_NAMES[each]}
        </li>
      ))}
    </ul>
  );
}

/** Pods on the way and the selected one; the same array as long as its content is the same, so that nothing is laid out twice. */
function usePreferredPods(journey: Journey | undefined, selected: InterfaceRef | undefined): readonly string[] {
  const names = [...(selected === undefined ? [] : [selected.netns]), ...(journey?.hops.map((hop) => hop.netns) ?? [])];
  const key = JSON.stringify([...new Set(names)]);
  return useMemo(() => {
    const parsed: unknown = JSON.parse(key);
    return Array.isArray(parsed) ? parsed.filter((name) => typeof name === "string") : [];
  }, [key]);
}

function toggled(set: ReadonlySet<string>, item: string): ReadonlySet<string> {
  const copy = new Set(set);
  if (!copy.delete(item)) copy.add(item);
  return copy;
}

/** 0: names are readable; 1 and 2: the two stages of `elements.ts`. */
function distanceOf(cy: Core): number {
  return cy.zoom() < FURTHEST_ZOOM ? 2 : cy.zoom() < FAR_ZOOM ? 1 : 0;
}

function markFar(cy: Core): void {
  const distance = distanceOf(cy);
  cy.batch(() => {
    cy.nodes()
      .toggleClass("far", distance > 0)
      .toggleClass("furthest", distance > 1);
  });
}

/** Fits the picture on load and when the panel's size changes, unless the reader has moved it. */
function useViewport(cy: Core | undefined, placement: Placement, lab: string) {
  const moved = useRef(false);
  const size = useRef(placement);
  size.current = placement;

  const fit = useCallback(() => {
    moved.current = false;
    if (cy !== undefined) showAll(cy, size.current);
  }, [cy]);

  const zoomBy = useCallback(
    (factor: number) => {
      if (cy === undefined) return;
      moved.current = true;
      cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
    },
    [cy],
  );

  useEffect(() => {
    if (cy === undefined) return;
    const onMove = () => {
      moved.current = true;
    };
    let distance = distanceOf(cy);
    const onZoom = () => {
      if (distanceOf(cy) !== distance) markFar(cy);
      distance = distanceOf(cy);
    };
    cy.on("dragpan scrollzoom pinchzoom", onMove);
    cy.on("zoom", onZoom);
    const container = cy.container();
    const observer = new ResizeObserver(() => {
      cy.resize();
      if (!moved.current) showAll(cy, size.current);
    });
    if (container !== null) observer.observe(container);
    return () => {
      cy.off("dragpan scrollzoom pinchzoom", onMove);
      cy.off("zoom", onZoom);
      observer.disconnect();
    };
  }, [cy]);

  // Another lab starts in full view; the same one keeps the reader's place.
  useEffect(() => fit(), [fit, lab]);
  useEffect(() => {
    if (cy !== undefined && !moved.current) glideToAll(cy, { width: placement.width, height: placement.height });
  }, [cy, placement.width, placement.height]);

  return { fit, zoomBy };
}

/** So that the eye can follow when a node has joined or left. */
const GLIDE_MILLISECONDS = 300;

function glideToAll(cy: Core, picture: Size): void {
  const view = viewOfAll(cy, picture);
  if (!view) return;
  cy.stop();
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) cy.viewport(view);
  else cy.animate(view, { duration: GLIDE_MILLISECONDS });
}

interface Size {
  width: number;
  height: number;
}

function showAll(cy: Core, picture: Size): void {
  const view = viewOfAll(cy, picture);
  cy.stop();
  if (view) cy.viewport(view);
}

function viewOfAll(cy: Core, picture: Size): { zoom: number; pan: { x: number; y: number } } | undefined {
  const width = cy.width() - 2 * PADDING - BUTTONS;
  const height = cy.height() - 2 * PADDING - LEGEND;
  if (width <= 0 || height <= 0 || picture.width === 0 || picture.height === 0) return undefined;
  const zoom = Math.max(cy.minZoom(), Math.min(width / picture.width, height / picture.height, LARGEST_FIT));
  return {
    zoom,
    pan: {
      x: PADDING + (width - picture.width * zoom) / 2,
      y: PADDING + (height - picture.height * zoom) / 2,
    },
  };
}
