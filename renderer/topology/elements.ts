/** A placement as Cytoscape elements and their style. Names, addresses and titles are elements of their own so that they can differ in tone. */

import type { ElementDefinition, NodeSingular, StylesheetJson } from "cytoscape";
import type { PlacedEdge, PlacedNode, Placement, Point } from "./layout.ts";
import { mixColours, type Palette } from "./palette.ts";

/** Below these zooms names can't be read: only the titles of hosts remain, in letters that grow twice. */
export const FAR_ZOOM = 0.5;
export const FURTHEST_ZOOM = 0.28;

const NAME_SIZE = 12;
const ADDRESS_SIZE = 11;
const LINE_HEIGHT = 15;

export interface PodsWords {
  /** The chip that stands for `n` pods that are not drawn. */
  morePods: (n: number) => string;
  /** The chip that hides them again. */
  fewerPods: string;
}

/** All elements; ids of boxes are those of the placement. */
export function elementsOf(placement: Placement, words: PodsWords, palette: Palette): ElementDefinition[] {
  const nodes = new Map(placement.nodes.map((node) => [node.id, node]));
  return [
    ...placement.nodes.flatMap((node) => {
      if (node.kind === "pods") return [podsElement(node, words)];
      return node.ref === undefined ? boxElements(node, palette) : chipElements(node, palette);
    }),
    ...placement.edges.map((edge) => edgeElement(edge, nodes)),
  ];
}

function centre(node: PlacedNode): Point {
  return { x: node.x + node.width / 2, y: node.y + node.height / 2 };
}

function textElement(
  id: string,
  classes: string,
  label: string,
  position: Point,
  more: Record<string, number> = {},
): ElementDefinition {
  return {
    group: "nodes",
    data: { id, label, width: 1, height: 1, ...more },
    classes: `text ${classes}`,
    position,
  };
}

function boxElements(node: PlacedNode, palette: Palette): ElementDefinition[] {
  const name = node.lines[0] ?? "";
  const slash = node.parent === undefined || node.kind === "pod" ? name.indexOf("/") : -1;
  const prefix = name.slice(0, slash + 1);
  const title = node.title ?? { x: node.x, y: node.y };
  const prefixWidth = prefix.length * palette.advance * NAME_SIZE;
  const level = node.parent === undefined ? "outer" : "inner";
  return [
    {
      group: "nodes",
      data: { id: node.id, width: node.width, height: node.height },
      classes: `box ${level} ${node.kind}`,
      position: centre(node),
    },
    ...(prefix === "" ? [] : [textElement(`${node.id} prefix`, "prefix", prefix, title)]),
    textElement(
      `${node.id} title`,
      `title ${level}`,
      name.slice(slash + 1),
      { x: title.x + prefixWidth, y: title.y },
      { prefixWidth },
    ),
  ];
}

function chipElements(node: PlacedNode, palette: Palette): ElementDefinition[] {
  const [name = "", ...addresses] = node.lines;
  const middle = centre(node);
  const nameWidth = name.length * palette.advance * NAME_SIZE;
  const address = addresses.join("\n");
  let nameShift = { x: 0, y: 0 };
  let addressAt = middle;
  if (address !== "" && node.inline) {
    const gap = 2 * palette.advance * NAME_SIZE;
    const addressWidth = address.length * palette.advance * ADDRESS_SIZE;
    const left = -(nameWidth + gap + addressWidth) / 2;
    nameShift = { x: left + nameWidth / 2, y: 0 };
    addressAt = { x: middle.x - left - addressWidth / 2, y: middle.y };
  } else if (address !== "") {
    nameShift = { x: 0, y: (-addresses.length * LINE_HEIGHT) / 2 };
    addressAt = { x: middle.x, y: middle.y + LINE_HEIGHT / 2 };
  }
  return [
    {
      group: "nodes",
      data: {
        id: node.id,
        label: name,
        width: node.width,
        height: node.height,
        shiftX: nameShift.x,
        shiftY: nameShift.y,
      },
      classes: `chip ${node.kind}`,
      position: middle,
    },
    ...(address === "" ? [] : [textElement(`${node.id} address`, "address", address, addressAt)]),
  ];
}

function podsElement(node: PlacedNode, words: PodsWords): ElementDefinition {
  const count = node.count ?? 0;
  return {
    group: "nodes",
    data: {
      id: node.id,
      netns: node.netns,
      label: count === 0 ? words.fewerPods : words.morePods(count),
      width: node.width,
      height: node.height,
      shiftX: 0,
      shiftY: 0,
    },
    classes: "chip pods",
    position: centre(node),
  };
}

function edgeElement(edge: PlacedEdge, nodes: ReadonlyMap<string, PlacedNode>): ElementDefinition {
  const middleOf = (id: string) => {
    const node = nodes.get(id);
    if (node === undefined) throw new Error(`${edge.id} ends at ${id}, which was not placed`);
    return centre(node);
  };
  const source = middleOf(edge.source);
  const target = middleOf(edge.target);
  const endpoint = (point: Point | undefined, middle: Point) =>
    point === undefined ? "outside-to-node" : `${point.x - middle.x}px ${point.y - middle.y}px`;
  const bends = edge.points.slice(1, -1);
  const length = Math.hypot(target.x - source.x, target.y - source.y) || 1;
  const along = { x: (target.x - source.x) / length, y: (target.y - source.y) / length };
  return {
    group: "edges",
    data: {
      id: edge.id,
      source: edge.source,
      target: edge.target,
      from: endpoint(edge.points[0], source),
      to: endpoint(edge.points.at(-1), target),
      // Cytoscape wants a bend as a part of the straight line between the two middles and a distance from it.
      weights: bends.map((bend) => ((bend.x - source.x) * along.x + (bend.y - source.y) * along.y) / length),
      distances: bends.map((bend) => -(bend.x - source.x) * along.y + (bend.y - source.y) * along.x),
    },
    classes: `${edge.kind}${edge.kind === "tunnel" ? ` ${nodes.get(edge.source)?.kind}` : ""}${bends.length > 0 ? " bent" : ""}`,
  };
}

/** The quiet style of everything: thin borders, monospace names, colour only for an encapsulation. */
export function styleOf(palette: Palette): StylesheetJson {
  const still = { events: "no", "z-index-compare": "manual", "overlay-opacity": 0 } as const;
  return [
    {
      selector: "node",
      style: {
        shape: "round-rectangle",
        width: "data(width)",
        height: "data(height)",
        "z-index-compare": "manual",
        "overlay-opacity": 0,
        "font-family": palette.mono,
        "font-size": NAME_SIZE,
        color: palette.text,
      },
    },
    {
      selector: "node.box",
      style: {
        ...still,
        "corner-radius": "8",
        "background-color": palette.bg,
        "border-width": 1,
        "border-color": palette.line,
        "z-index": 1,
      },
    },
    { selector: "node.box.inner", style: { "corner-radius": "6", "background-color": palette.panel, "z-index": 2 } },
    { selector: "node.box.net", style: { "border-style": "dashed", "border-dash-pattern": [4, 3] } },
    {
      selector: "node.text",
      style: {
        ...still,
        "background-opacity": 0,
        "border-width": 0,
        label: "data(label)",
        "text-valign": "center",
        "text-halign": "center",
        "text-events": "no",
        "z-index": 5,
      },
    },
    { selector: "node.title", style: { "text-halign": "right", "font-weight": 600 } },
    { selector: "node.title.inner", style: { "font-weight": 400 } },
    { selector: "node.prefix", style: { "text-halign": "right", color: palette.muted } },
    {
      selector: "node.address",
      style: {
        "font-size": ADDRESS_SIZE,
        color: palette.muted,
        "text-wrap": "wrap",
        "line-height": LINE_HEIGHT / ADDRESS_SIZE / 1.15,
      },
    },
    {
      selector: "node.chip",
      style: {
        label: "data(label)",
        "text-valign": "center",
        "text-halign": "center",
        "text-margin-x": (chip: NodeSingular) => Number(chip.data("shiftX")),
        "text-margin-y": (chip: NodeSingular) => Number(chip.data("shiftY")),
        "corner-radius": "4",
        "background-color": palette.panel,
        "border-width": 1,
        "border-color": palette.line,
        "z-index": 4,
      },
    },
    { selector: "node.chip.vxlan", style: { "border-color": palette.encapsulation.vxlan } },
    { selector: "node.chip.tun", style: { "border-color": palette.encapsulation.udp } },
    { selector: "node.chip.ipip", style: { "border-color": palette.encapsulation.ipip } },
    {
      selector: "node.chip.pods",
      style: { "border-style": "dashed", color: palette.muted, "font-family": palette.sans },
    },
    { selector: "node.chip.hover", style: { "border-color": palette.muted } },
    {
      selector: "node.chip.selected",
      style: {
        "border-color": palette.accent,
        "border-width": 2,
        "background-color": mixColours(palette.accent, palette.panel, 0.14),
      },
    },
    // From afar only hosts are named, in letters large enough.
    { selector: "node.far", style: { "text-opacity": 0 } },
    { selector: "node.box.far, node.chip.far", style: { "border-width": 2 } },
    {
      selector: "node.title.outer.far",
      style: {
        "text-opacity": 1,
        "font-size": 24,
        "text-margin-x": (title: NodeSingular) => -Number(title.data("prefixWidth")),
        "text-outline-color": palette.bg,
        "text-outline-width": 3,
      },
    },
    { selector: "node.title.outer.furthest", style: { "font-size": 48, "text-margin-y": 14 } },
    {
      selector: "edge",
      style: {
        ...still,
        "curve-style": "straight",
        "source-endpoint": "data(from)",
        "target-endpoint": "data(to)",
        width: 1,
        "line-color": palette.muted,
        "line-opacity": 0.6,
        "z-index": 3,
      },
    },
    { selector: "edge.far", style: { width: 2 } },
    {
      selector: "edge.bent",
      style: {
        "curve-style": "round-segments",
        "edge-distances": "node-position",
        "segment-weights": "data(weights)",
        "segment-distances": "data(distances)",
        "segment-radii": [6],
      },
    },
    {
      selector: "edge.tunnel",
      style: {
        "line-style": "dashed",
        "line-dash-pattern": [3, 3],
        "line-color": palette.encapsulation.vxlan,
        "line-opacity": 1,
      },
    },
    { selector: "edge.tunnel.tun", style: { "line-color": palette.encapsulation.udp } },
    { selector: "edge.tunnel.ipip", style: { "line-color": palette.encapsulation.ipip } },
  ];
}
