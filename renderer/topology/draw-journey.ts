/**
 * Draws a journey over the topology: its way, the packets that move on it, and their layers.
 * All sizes are screen pixels, so that layers stay readable at any zoom.
 */

import { LAYER_LABELS } from "../../preload/contract/frame.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import { chipsBetween, type Encapsulation, encapsulationOf, type LayerChip } from "./layer-stack.ts";
import type { PlacedNode, Placement, Point, Rectangle } from "./layout.ts";
import { inkOn, mixColours, type Palette } from "./palette.ts";
import { type Leg, legLength, pointOnLeg } from "./way.ts";

interface Viewport {
  zoom: number;
  pan: Point;
  width: number;
  height: number;
}

export interface Scene {
  placement: Placement;
  palette: Palette;
  journey?: Journey;
  legs: readonly Leg[];
  /** Indexes of the hops of each step. */
  steps: readonly (readonly number[])[];
  /** Ids of boxes that carry traffic. */
  traffic: ReadonlySet<string>;
  /** The box that the keyboard is on. */
  active?: string;
}

const DOT = 5.5;
const STRIP_HEIGHT = 19;
const CHIP_HEIGHT = 15;
const CHIP_PAD = 5;

/** Draws everything for the moment `step` + `fraction`. The canvas is cleared first. */
export function drawJourney(
  context: CanvasRenderingContext2D,
  viewport: Viewport,
  scene: Scene,
  at: { step: number; fraction: number },
): void {
  context.clearRect(0, 0, viewport.width, viewport.height);
  const boxes = new Map(scene.placement.nodes.map((node) => [node.id, node]));
  for (const id of scene.traffic) {
    const box = boxes.get(id);
    if (box !== undefined) drawTrafficMark(context, toScreen(viewport, box), scene.palette);
  }
  if (scene.journey !== undefined && scene.legs.length > 0) {
    new JourneyDrawing(context, viewport, scene, scene.journey, boxes, at).draw();
  }
  const active = scene.active === undefined ? undefined : boxes.get(scene.active);
  if (active !== undefined) outline(context, grow(toScreen(viewport, active), 3), scene.palette.focus, 2, 6);
}

class JourneyDrawing {
  readonly #depth: number[] = [];
  readonly #progress: number;
  /** Of each hop that others follow: the step of the first of them. It waits until then. */
  readonly #left = new Map<number, number>();
  readonly #scale: number;

  constructor(
    readonly context: CanvasRenderingContext2D,
    readonly viewport: Viewport,
    readonly scene: Scene,
    readonly journey: Journey,
    readonly boxes: ReadonlyMap<string, PlacedNode>,
    readonly at: { step: number; fraction: number },
  ) {
    scene.steps.forEach((hops, step) => {
      for (const hop of hops) this.#depth[hop] = step;
    });
    this.#progress = easeAfterRest(at.fraction);
    journey.hops.forEach(({ parent }, index) => {
      if (parent === undefined) return;
      const step = this.#depth[index] ?? 0;
      this.#left.set(parent, Math.min(step, this.#left.get(parent) ?? step));
    });
    this.#scale = Math.min(1.2, Math.max(0.5, viewport.zoom));
  }

  draw(): void {
    for (const leg of this.scene.legs) if (this.#stateOf(leg) !== "passed") this.#strokeLeg(leg, 1, false);
    for (const leg of this.scene.legs) {
      const state = this.#stateOf(leg);
      if (state === "passed") this.#strokeLeg(leg, 1, true);
      if (state === "moving") this.#strokeLeg(leg, this.#progress, true);
    }
    this.#outlineBoxes();
    this.#drawPackets();
  }

  #stateOf(leg: Leg): "passed" | "moving" | "coming" {
    const depth = this.#depth[leg.hop] ?? 0;
    if (depth <= this.at.step) return "passed";
    return depth === this.at.step + 1 && this.at.fraction > 0 ? "moving" : "coming";
  }

  #layersAt(hop: number | undefined) {
    return (hop === undefined ? undefined : this.journey.hops[hop]?.layers) ?? [];
  }

  /** The encapsulation of a leg: that of the wrapped end, where it is wrapped or unwrapped on the way. */
  #encapsulationOf(leg: Leg): Encapsulation {
    const own = encapsulationOf(this.#layersAt(leg.hop));
    return own === "none" ? encapsulationOf(this.#layersAt(this.journey.hops[leg.hop]?.parent)) : own;
  }

  /** Strokes the first `part` of a leg. */
  #strokeLeg(leg: Leg, part: number, strong: boolean): void {
    const before = this.scene.legs[this.journey.hops[leg.hop]?.parent ?? -1] ?? leg;
    this.#strokeWay(this.#pathOf(leg, part, true), this.#encapsulationOf(before), strong);
    this.#strokeWay(this.#pathOf(leg, part, false), this.#encapsulationOf(leg), strong);
  }

  /** A plain packet's way is one line; an encapsulated one's is a tube around a line, told apart without colour too. */
  #strokeWay(path: Path2D, encapsulation: Encapsulation, strong: boolean): void {
    const { context } = this;
    const { palette } = this.scene;
    const full = palette.encapsulation[encapsulation];
    const colour = strong ? full : mixColours(full, palette.bg, 0.4);
    context.save();
    context.lineJoin = "round";
    if (encapsulation === "none") {
      context.lineCap = "round";
      stroke(context, path, colour, (strong ? 2.5 : 1.5) * this.#scale);
    } else {
      stroke(context, path, colour, 9 * this.#scale);
      stroke(context, path, mixColours(colour, palette.bg, 0.12), 6.5 * this.#scale);
      stroke(context, path, colour, (strong ? 2 : 1.2) * this.#scale);
    }
    context.restore();
  }

  /** The drawn pieces within the first `part` of a leg: its approach, or all the rest. */
  #pathOf(leg: Leg, part: number, approach: boolean): Path2D {
    const path = new Path2D();
    let left = legLength(leg) * part;
    let last: Point | undefined;
    for (const piece of leg.pieces) {
      if (left <= 0) break;
      const length = Math.hypot(piece.to.x - piece.from.x, piece.to.y - piece.from.y);
      const share = length === 0 ? 1 : Math.min(1, left / length);
      left -= length;
      if (!piece.drawn || (piece.isApproach === true) !== approach) continue;
      const from = this.#screen(piece.from);
      const to = this.#screen({
        x: piece.from.x + (piece.to.x - piece.from.x) * share,
        y: piece.from.y + (piece.to.y - piece.from.y) * share,
      });
      if (last === undefined || last.x !== piece.from.x || last.y !== piece.from.y) path.moveTo(from.x, from.y);
      path.lineTo(to.x, to.y);
      last = piece.to;
    }
    return path;
  }

  #screen(point: Point): Point {
    return {
      x: point.x * this.viewport.zoom + this.viewport.pan.x,
      y: point.y * this.viewport.zoom + this.viewport.pan.y,
    };
  }

  #outlineBoxes(): void {
    const passed = new Map<string, Encapsulation>();
    const coming = new Map<string, Encapsulation>();
    for (const leg of this.scene.legs) {
      const here = this.#stateOf(leg) === "passed" ? passed : coming;
      if (leg.node !== undefined) here.set(leg.node.id, encapsulationOf(this.#layersAt(leg.hop)));
      for (const id of leg.passes) here.set(id, this.#encapsulationOf(leg));
    }
    for (const [id, encapsulation] of [...coming, ...passed]) {
      const box = this.boxes.get(id);
      if (box === undefined) continue;
      const strong = passed.has(id);
      this.context.globalAlpha = strong ? 1 : 0.4;
      outline(
        this.context,
        toScreen(this.viewport, box),
        this.scene.palette.encapsulation[encapsulation],
        strong ? 1.5 : 1,
        4 * this.viewport.zoom,
      );
      this.context.globalAlpha = 1;
    }
  }

  #drawPackets(): void {
    const strips: { strip: Rectangle; draw: () => void }[] = [];
    const drawDots: (() => void)[] = [];
    this.scene.legs.forEach((leg, index) => {
      const state = this.#stateOf(leg);
      if (leg.node === undefined || state === "coming") return;
      const depth = this.#depth[index] ?? 0;
      const parent = this.journey.hops[index]?.parent;
      if (state === "moving") {
        // A hop without a known way fades in where it was seen.
        const isSudden = leg.pieces.length === 0;
        const point = isSudden ? leg.rest : pointOnLeg(leg, this.#progress);
        const before = this.#layersAt(parent);
        const after = this.#layersAt(index);
        const shown = isSudden ? after : before;
        const chips = isSudden ? chipsBetween(shown, shown, 1) : chipsBetween(before, after, this.#progress);
        const encapsulation = encapsulationOf(this.#progress < 0.5 ? before : after);
        drawDots.push(() => this.#dot(point, encapsulation, isSudden ? this.#progress : 1));
        strips.push(this.#strip(point, chips, encapsulation === "none" ? this.#encapsulationOf(leg) : encapsulation));
        return;
      }
      const leaves = this.#left.get(index);
      const isLeaf = leaves === undefined;
      const isHere = isLeaf ? depth === this.at.step : this.at.step < leaves;
      const moved = this.at.fraction > 0 && leaves === this.at.step + 1;
      if (isLeaf && (depth < this.at.step || this.#isOver(depth))) {
        drawDots.push(() => this.#end(leg, index));
        if (depth === this.at.step) this.#restingStrip(strips, leg, index);
        return;
      }
      if (isHere && !moved) {
        drawDots.push(() => this.#dot(leg.rest, encapsulationOf(this.#layersAt(index)), 1));
        this.#restingStrip(strips, leg, index);
      }
    });
    const taken: Rectangle[] = [];
    for (const { strip, draw } of strips) {
      // Of copies that would cover each other's layers, one speaks for all.
      if (taken.some((other) => overlaps(other, strip))) continue;
      taken.push(strip);
      draw();
    }
    for (const draw of drawDots) draw();
  }

  #restingStrip(strips: { strip: Rectangle; draw: () => void }[], leg: Leg, hop: number): void {
    const layers = this.#layersAt(hop);
    strips.push(this.#strip(leg.rest, chipsBetween(layers, layers, 1), encapsulationOf(layers)));
  }

  #isOver(depth: number): boolean {
    return depth === this.at.step && this.at.step === this.scene.steps.length - 1;
  }

  #dot(point: Point, encapsulation: Encapsulation, alpha: number): void {
    const { context } = this;
    const { x, y } = this.#screen(point);
    const { palette } = this.scene;
    const colour = palette.encapsulation[encapsulation];
    context.save();
    context.globalAlpha = alpha;
    if (encapsulation !== "none") circle(context, x, y, DOT + 3.5, palette.panel, colour, 1.5);
    circle(context, x, y, DOT, colour, palette.panel, 1.5);
    context.restore();
  }

  /** Where a branch ended: a ring; a tick where it arrived, a cross where it was lost. */
  #end(leg: Leg, hop: number): void {
    const { context } = this;
    const { palette } = this.scene;
    const { x, y } = this.#screen(leg.rest);
    const sighting = this.journey.hops[hop];
    const isLast = sighting !== undefined && `${sighting.netns}/${sighting.interface}` === this.journey.lastSeen;
    const delivered = sighting?.changes.some((change) => change.kind === "delivered") === true;
    const end = this.journey.end;
    context.save();
    if (end === "arrived" && (isLast || delivered)) {
      circle(context, x, y, 8, palette.ok, palette.panel, 1.5);
      mark(context, palette.panel, [
        [x - 3.5, y + 0.3],
        [x - 1, y + 2.8],
        [x + 3.8, y - 2.6],
      ]);
    } else if (end === "lost" && isLast) {
      circle(context, x, y, 8, palette.bad, palette.panel, 1.5);
      mark(context, palette.panel, [
        [x - 3, y - 3],
        [x + 3, y + 3],
      ]);
      mark(context, palette.panel, [
        [x - 3, y + 3],
        [x + 3, y - 3],
      ]);
    } else {
      circle(context, x, y, DOT - 0.5, palette.panel, palette.encapsulation[encapsulationOf(this.#layersAt(hop))], 1.5);
    }
    context.restore();
  }

  /** The layers beside a packet; in the gap between two rows they hide no name. */
  #strip(at: Point, chips: readonly LayerChip[], encapsulation: Encapsulation): { strip: Rectangle; draw: () => void } {
    const { context, viewport } = this;
    const { palette } = this.scene;
    const { x, y } = this.#screen(at);
    context.font = `600 11px ${palette.sans}`;
    const widths = chips.map(
      (chip) => (context.measureText(LAYER_LABELS[chip.protocol]).width + 2 * CHIP_PAD) * chip.presence,
    );
    const frame = isWrapped(chips) ? 2 : 0;
    const width = widths.reduce((sum, each) => sum + each, 0) + frame;
    const strip = {
      x: Math.max(4, Math.min(x + DOT + 8, viewport.width - width - 4)),
      y: Math.max(4, Math.min(y - STRIP_HEIGHT / 2, viewport.height - STRIP_HEIGHT - 4)),
      width,
      height: STRIP_HEIGHT,
    };
    return {
      strip,
      draw: () => drawStrip(context, strip, chips, widths, palette, palette.encapsulation[encapsulation]),
    };
  }
}

function isWrapped(chips: readonly LayerChip[]): boolean {
  return chips.some((chip) => chip.outer && chip.presence > 0);
}

function drawStrip(
  context: CanvasRenderingContext2D,
  strip: Rectangle,
  chips: readonly LayerChip[],
  widths: readonly number[],
  palette: Palette,
  colour: string,
): void {
  context.save();
  context.font = `600 11px ${palette.sans}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const hasOuter = isWrapped(chips);
  const inset = hasOuter ? (STRIP_HEIGHT - CHIP_HEIGHT) / 2 : 0;
  const inner = hasOuter ? CHIP_HEIGHT : STRIP_HEIGHT - 2;
  const outerWidth = widths.reduce((sum, width, index) => (chips[index]?.outer === true ? sum + width : sum), 0);
  const innerWidth = widths.reduce((sum, width, index) => (chips[index]?.outer === true ? sum : sum + width), 0);
  const middle = strip.y + STRIP_HEIGHT / 2;

  context.shadowColor = "rgba(0, 0, 0, 0.18)";
  context.shadowBlur = 6;
  context.shadowOffsetY = 1;
  roundedBox(context, hasOuter ? strip : { ...strip, y: middle - inner / 2, height: inner }, 4);
  context.fillStyle = hasOuter ? colour : palette.panel;
  context.fill();
  context.shadowColor = "transparent";

  // The packet carried lies inside of its encapsulation like a letter in an envelope.
  const letter = { x: strip.x + outerWidth, y: middle - inner / 2, width: innerWidth, height: inner };
  roundedBox(context, letter, hasOuter ? 3 : 4);
  context.fillStyle = palette.panel;
  context.fill();
  if (inset === 0) {
    context.lineWidth = 1;
    context.strokeStyle = palette.text;
    context.stroke();
  }

  let x = strip.x;
  chips.forEach((chip, index) => {
    const width = widths[index] ?? 0;
    if (width === 0) return;
    const ink = chip.outer ? inkOn(colour) : palette.text;
    const isFirst = x === strip.x || (!chip.outer && chips[index - 1]?.outer === true);
    if (!isFirst) {
      context.globalAlpha = 0.3;
      context.fillStyle = ink;
      context.fillRect(Math.round(x), middle - inner / 2 + 3, 1, inner - 6);
    }
    context.globalAlpha = chip.presence ** 3;
    context.fillStyle = ink;
    context.save();
    context.beginPath();
    context.rect(x, strip.y, width, STRIP_HEIGHT);
    context.clip();
    context.fillText(LAYER_LABELS[chip.protocol], x + width / 2, middle + 0.5);
    context.restore();
    context.globalAlpha = 1;
    x += width;
  });
  context.restore();
}

/** A packet rests at each hop for a third of the step, so that a person can read, then moves smoothly. */
function easeAfterRest(fraction: number): number {
  const moving = Math.max(0, (fraction - 0.35) / 0.65);
  return moving * moving * (3 - 2 * moving);
}

function toScreen(viewport: Viewport, box: Rectangle): Rectangle {
  return {
    x: box.x * viewport.zoom + viewport.pan.x,
    y: box.y * viewport.zoom + viewport.pan.y,
    width: box.width * viewport.zoom,
    height: box.height * viewport.zoom,
  };
}

function grow(box: Rectangle, by: number): Rectangle {
  return { x: box.x - by, y: box.y - by, width: box.width + 2 * by, height: box.height + 2 * by };
}

function overlaps(a: Rectangle, b: Rectangle): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function stroke(context: CanvasRenderingContext2D, path: Path2D, colour: string, width: number): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke(path);
}

function roundedBox(context: CanvasRenderingContext2D, box: Rectangle, radius: number): void {
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height, radius);
}

function outline(
  context: CanvasRenderingContext2D,
  box: Rectangle,
  colour: string,
  width: number,
  radius: number,
): void {
  roundedBox(context, box, radius);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

function circle(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  fill: string,
  border: string,
  width: number,
): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = border;
  context.lineWidth = width;
  context.stroke();
}

function mark(context: CanvasRenderingContext2D, colour: string, points: readonly (readonly [number, number])[]): void {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.strokeStyle = colour;
  context.lineWidth = 1.8;
  context.lineCap = "round";
  context.stroke();
}

/** A small mark on the corner of an interface that carries traffic. */
function drawTrafficMark(context: CanvasRenderingContext2D, box: Rectangle, palette: Palette): void {
  circle(context, box.x + box.width - 1, box.y + 1, 3, palette.accent, palette.panel, 1);
}
