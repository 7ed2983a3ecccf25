/**
 * Where everything of a topology is drawn: machines as boxes in a grid with rows from pods down to the NIC,
 * bridges that others hang on (underlay networks, free-form hubs) below. Pure and deterministic: the same
 * topology always gets the same picture. Lengths are CSS pixels at a zoom of 1.
 */

import {
  carrierOf,
  type Interface,
  type InterfaceRef,
  interfaceName,
  type Namespace,
  type NamespaceKind,
  type Topology,
} from "../../preload/contract/topology.ts";
import { alignInOrder } from "./align.ts";
import { type CableEnd, routeCables } from "./cables.ts";

export interface Point {
  x: number;
  y: number;
}

export interface Rectangle extends Point {
  width: number;
  height: number;
}

/** `pods` is a chip that stands for pods which are not drawn one by one. */
type PlacedKind = NamespaceKind | Interface["kind"] | "pods";

/** A box: `x` and `y` are its upper left corner. */
export interface PlacedNode extends Rectangle {
  id: string;
  kind: PlacedKind;
  /** Id of the box around it. */
  parent?: string;
  netns: string;
  /** Set for interfaces. */
  ref?: InterfaceRef;
  /** For an interface its name and its addresses, as `ip` prints them; for a namespace its name. */
  lines: string[];
  /** Whether name and address stand side by side rather than below each other. */
  inline: boolean;
  /** For a namespace: where its name begins, at half the height of the letters. */
  title?: Point;
  /** For `pods`: how many it stands for; 0 where its node was opened and all are drawn. */
  count?: number;
}

/** `veth`: a pair. `port`: a port to its bridge. `tunnel`: a tunnel device to the device that carries it. */
type PlacedEdgeKind = "veth" | "port" | "tunnel";

export interface PlacedEdge {
  id: string;
  kind: PlacedEdgeKind;
  source: string;
  target: string;
  /** From the border of the source to the border of the target; at least two. */
  points: Point[];
}

export interface Placement {
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  width: number;
  height: number;
  /** Machines beside each other. */
  columns: number;
  /** For every interface (`netns/interface`) the id of the node that shows it: itself, or a `pods` chip. */
  shownBy: ReadonlyMap<string, string>;
}

interface LayoutOptions {
  /** Pods to draw first where not all of a node's pods are drawn one by one. */
  prefer?: readonly string[];
  /** Nodes all of whose pods are to be drawn, however many. */
  open?: ReadonlySet<string>;
  /** At least so many columns, where there are as many machines: those of before, so that a change moves nothing. */
  columns?: number;
}

/** Above this many interfaces a node shows only `CROWDED_SLOTS` pods and counts the others (cytoscape pans 300 elements at 26 fps). */
export const CROWDED_INTERFACES = 300;
export const CROWDED_HOSTS = 60;
const CROWDED_SLOTS = 2;
/** A node with more pods than this shows this many less one and counts the others, in any topology. */
const MOST_PODS = 6;

const CHARACTER = 7.3; // 12 px monospace advances 7.2 to 7.3 px
const CHIP_HEIGHT = 24;
const LINE_HEIGHT = 15;
const CHIP_PAD = 10;
const CHIP_GAP = 8;
const ROW_GAP = 20;
const TITLE = 24;
const PAD = 12;
const POD_PAD = 8;
const CELL_GAP = 28;
/** How far a NIC is set off from a tunnel device above it, so that the way from bridge to NIC stays visible. */
const TUNNEL_OFFSET = 64;
/** So many machines without a hub still stand in one row. */
const LONGEST_LINE = 8;
/** At this zoom names are still easy to read. */
const EASY_SCALE = 0.7;
/** The proportions of the panel that hosts are laid out for. */
const PANEL = { width: 1000, height: 420 };

/** Id of a namespace's box. Brackets keep it apart from an interface's `netns/interface`. */
export function namespaceId(name: string): string {
  return `[${name}]`;
}

interface Chip {
  ref: InterfaceRef;
  kind: Interface["kind"];
  master?: string;
  dev?: string;
  peer?: InterfaceRef;
  lines: string[];
  inline: boolean;
  width: number;
  height: number;
}

/** A pod with the veths that lead to it, or the chip that stands for the pods not drawn. */
interface Column {
  pod?: Namespace;
  chips: Chip[];
  veths: Chip[];
  /** Interfaces that a `pods` chip stands for, and how many pods they belong to. */
  hidden?: { interfaces: InterfaceRef[]; count: number; master?: string };
  width: number;
}

const ROWS = ["pods", "up", "bridge", "tunnel", "down"] as const;
type Row = (typeof ROWS)[number];
type RowHeights = Record<Row, number>;

/** A namespace with all that is drawn in its box, measured but not yet placed. */
interface Cell {
  namespace: Namespace;
  columns: Column[];
  up: Chip[];
  bridges: Chip[];
  tunnels: Chip[];
  down: Chip[];
  heights: RowHeights;
  innerWidth: number;
}

/** Places everything. Children lie within their parents and no two boxes overlap. */
export function layOutTopology(topology: Topology, options: LayoutOptions = {}): Placement {
  const canvas = new Canvas();
  const byName = new Map(topology.namespaces.map((namespace) => [namespace.name, namespace]));
  const hostOf = (namespace: Namespace): string | undefined =>
    namespace.kind === "pod" && namespace.node !== undefined && byName.get(namespace.node)?.kind === "node"
      ? namespace.node
      : tunnelledBy(namespace, byName);
  const isNested = (namespace: Namespace) => hostOf(namespace) !== undefined;
  const hasNodes = topology.namespaces.some((namespace) => namespace.kind === "node");
  const isHub = (namespace: Namespace) =>
    namespace.kind === "net" ||
    (namespace.kind === "host" &&
      !hasNodes &&
      !isTunnelEnd(namespace) &&
      namespace.interfaces.some((candidate) => candidate.kind === "bridge" && hasPort(namespace, candidate.name)));

  const outer = topology.namespaces.filter((namespace) => !isNested(namespace));
  const hubs = outer.filter(isHub);
  const machines = orderMachines(
    outer.filter((namespace) => !isHub(namespace)),
    hubs,
  );
  const podsOf = new Map<string, Namespace[]>();
  for (const namespace of topology.namespaces) {
    const host = hostOf(namespace);
    if (host !== undefined) podsOf.set(host, [...(podsOf.get(host) ?? []), namespace]);
  }

  const crowded = isCrowded(topology);
  const prefer = new Set(options.prefer ?? []);
  const cells = machines.map((namespace) => {
    const pods = podsOf.get(namespace.name) ?? [];
    const isTooMany = pods.length > (crowded ? CROWDED_SLOTS : MOST_PODS);
    const isOpen = options.open?.has(namespace.name) === true;
    const slots = isTooMany && !isOpen ? (crowded ? CROWDED_SLOTS : MOST_PODS - 1) : pods.length;
    return measureMachine(namespace, pods, { slots, chip: isTooMany, prefer });
  });
  const columns = placeMachines(canvas, cells, hubs, byName, options.columns ?? 0);
  return { ...canvas.finish(topology), columns };
}

/** A free-form machine whose bridge goes on in a tunnel: drawn as a node is, what hangs on its bridge within it. */
function isTunnelEnd(namespace: Namespace): boolean {
  return (
    namespace.kind === "host" && namespace.interfaces.some((each) => each.kind === "vxlan" && each.master !== undefined)
  );
}

/** The tunnel end on whose bridge a free-form machine hangs, by its only cable. */
function tunnelledBy(namespace: Namespace, byName: ReadonlyMap<string, Namespace>): string | undefined {
  const [peer, another] = peersOf(namespace);
  const host = peer && byName.get(peer.netns);
  if (namespace.kind !== "host" || another || !host || !isTunnelEnd(host) || isTunnelEnd(namespace)) return undefined;
  const port = host.interfaces.find(({ name }) => name === peer.interface);
  return port?.master === undefined ? undefined : host.name;
}

/** Whether the topology is too large for every pod to be drawn. */
export function isCrowded(topology: Topology): boolean {
  let interfaces = 0;
  let hosts = 0;
  for (const namespace of topology.namespaces) {
    interfaces += namespace.interfaces.length;
    if (namespace.kind === "node" || namespace.kind === "host") hosts += 1;
  }
  return interfaces > CROWDED_INTERFACES || hosts > CROWDED_HOSTS;
}

/** Nodes keep the order of the lab file. Free-form machines stand by the hub they hang on, or along their links. */
function orderMachines(machines: Namespace[], hubs: Namespace[]): Namespace[] {
  if (machines.some((machine) => machine.kind === "node")) return machines;
  if (hubs.length > 0) {
    const rank = new Map(hubs.map((hub, index) => [hub.name, index]));
    const weight = (machine: Namespace) => {
      const ranks = peersOf(machine).flatMap((peer) => rank.get(peer.netns) ?? []);
      return ranks.length === 0 ? hubs.length : ranks.reduce((sum, each) => sum + each, 0) / ranks.length;
    };
    return machines.toSorted((a, b) => weight(a) - weight(b));
  }
  const left = new Map(machines.map((machine) => [machine.name, machine]));
  const ordered: Namespace[] = [];
  const follow = (machine: Namespace) => {
    if (!left.delete(machine.name)) return;
    ordered.push(machine);
    for (const peer of peersOf(machine)) {
      const next = left.get(peer.netns);
      if (next !== undefined) follow(next);
    }
  };
  for (const machine of machines.toSorted((a, b) => peersOf(a).length - peersOf(b).length)) follow(machine);
  return ordered;
}

function peersOf(namespace: Namespace): InterfaceRef[] {
  return namespace.interfaces.flatMap((each) => (each.kind === "veth" ? [each.peer] : []));
}

function hasPort(namespace: Namespace, bridge: string): boolean {
  return namespace.interfaces.some((each) => each.master === bridge);
}

function chipOf(netns: string, from: Interface, stacked: boolean): Chip {
  const lines = [from.name, ...from.addresses];
  const inline = !stacked && lines.length <= 2;
  const longest = Math.max(...lines.map((line) => line.length));
  const characters = inline ? lines.join("  ").length : longest;
  return {
    ref: { netns, interface: from.name },
    kind: from.kind,
    master: from.master,
    dev: carrierOf(from),
    peer: from.kind === "veth" ? from.peer : undefined,
    lines,
    inline,
    width: Math.ceil(characters * CHARACTER) + 2 * CHIP_PAD,
    height: inline || lines.length === 1 ? CHIP_HEIGHT : CHIP_HEIGHT - LINE_HEIGHT + lines.length * LINE_HEIGHT,
  };
}

function rowWidth(chips: readonly { width: number }[]): number {
  return chips.reduce((sum, chip) => sum + chip.width, 0) + Math.max(0, chips.length - 1) * CHIP_GAP;
}

function tallest(chips: readonly Chip[]): number {
  return chips.reduce((most, chip) => Math.max(most, chip.height), 0);
}

function titleWidth(namespace: Namespace): number {
  return namespace.name.length * CHARACTER + 4;
}

interface PodSlots {
  /** How many pods are drawn one by one. */
  slots: number;
  /** Whether a chip stands for the others (for none where the node was opened). */
  chip: boolean;
  prefer: ReadonlySet<string>;
}

/** The widest column sets the pitch, so that pods stand evenly. */
function measureColumns(
  namespace: Namespace,
  pods: Namespace[],
  { slots, chip, prefer }: PodSlots,
): { columns: Column[]; used: Set<string> } {
  const vethsTo = new Map<string, Interface[]>();
  for (const each of namespace.interfaces) {
    if (each.kind === "veth") vethsTo.set(each.peer.netns, [...(vethsTo.get(each.peer.netns) ?? []), each]);
  }
  const bridges = namespace.interfaces.filter((each) => each.kind === "bridge").map((each) => each.name);
  const bridgeRank = (pod: Namespace) => bridges.indexOf(vethsTo.get(pod.name)?.[0]?.master ?? "");
  const ordered = pods.toSorted((a, b) => bridgeRank(a) - bridgeRank(b));
  const preferred = ordered.filter((pod) => prefer.has(pod.name));
  const others = ordered.filter((pod) => !prefer.has(pod.name));
  const drawn = new Set([...preferred, ...others].slice(0, slots));

  const used = new Set<string>();
  const columns: Column[] = [];
  const hidden: InterfaceRef[] = [];
  let master: string | undefined;
  for (const pod of ordered) {
    const veths = vethsTo.get(pod.name) ?? [];
    for (const veth of veths) used.add(veth.name);
    if (!drawn.has(pod)) {
      for (const each of pod.interfaces) hidden.push({ netns: pod.name, interface: each.name });
      for (const veth of veths) hidden.push({ netns: namespace.name, interface: veth.name });
      master ??= veths[0]?.master;
      continue;
    }
    const chips = pod.interfaces.map((each) => chipOf(pod.name, each, true));
    const vethChips = veths.map((veth) => chipOf(namespace.name, veth, true));
    columns.push({
      pod,
      chips,
      veths: vethChips,
      width: Math.max(rowWidth(chips) + 2 * POD_PAD, rowWidth(vethChips), titleWidth(pod) + 2 * POD_PAD),
    });
  }
  const pitch = columns.reduce((most, column) => Math.max(most, column.width), 0);
  for (const column of columns) column.width = pitch;
  if (chip) {
    const count = pods.length - drawn.size;
    columns.push({ chips: [], veths: [], hidden: { interfaces: hidden, count, master }, width: 12 * CHARACTER });
  }
  return { columns, used };
}

function measureMachine(namespace: Namespace, pods: Namespace[], podSlots: PodSlots): Cell {
  const { columns, used } = measureColumns(namespace, pods, podSlots);
  const rest = namespace.interfaces.filter((each) => !used.has(each.name));
  const isPort = (each: Interface) =>
    each.kind === "veth" && each.master !== undefined && each.peer.netns === namespace.name;
  const up = rest.filter(isPort).map((each) => chipOf(namespace.name, each, true));
  const bridges = rest.filter((each) => each.kind === "bridge").map((each) => chipOf(namespace.name, each, false));
  const down = rest
    .filter((each) => each.kind === "veth" && !isPort(each))
    .map((each) => chipOf(namespace.name, each, namespace.kind !== "node"));
  const tunnels = rest
    .filter((each) => each.kind !== "bridge" && each.kind !== "veth")
    .map((each) => chipOf(namespace.name, each, false));

  const podHeight = columns.reduce((most, column) => Math.max(most, tallest(column.chips)), 0);
  const heights: RowHeights = {
    pods: columns.length === 0 ? 0 : podHeight + TITLE + POD_PAD,
    up: Math.max(tallest(up), ...columns.map((column) => tallest(column.veths))),
    bridge: tallest(bridges),
    tunnel: tallest(tunnels),
    down: tallest(down),
  };
  const lower =
    tunnels.length > 0 && down.length > 0
      ? Math.max(rowWidth(tunnels), rowWidth(down)) + TUNNEL_OFFSET
      : Math.max(rowWidth(tunnels), rowWidth(down));
  const innerWidth = Math.max(
    rowWidth(columns) + (up.length > 0 && columns.length > 0 ? CHIP_GAP : 0) + rowWidth(up),
    rowWidth(bridges),
    lower,
    titleWidth(namespace),
    8 * CHARACTER,
  );
  return { namespace, columns, up, bridges, tunnels, down, heights, innerWidth };
}

/** A hub shows its ports on top, in an order and at distances that its machines decide. */
function measureHub(namespace: Namespace): Cell {
  const up = namespace.interfaces.filter((each) => each.kind === "veth");
  const others = namespace.interfaces.filter((each) => each.kind !== "veth" && each.kind !== "bridge");
  const cell: Cell = {
    namespace,
    columns: [],
    up: up.map((each) => chipOf(namespace.name, each, true)),
    bridges: namespace.interfaces
      .filter((each) => each.kind === "bridge")
      .map((each) => chipOf(namespace.name, each, false)),
    tunnels: others.map((each) => chipOf(namespace.name, each, false)),
    down: [],
    heights: { pods: 0, up: 0, bridge: 0, tunnel: 0, down: 0 },
    innerWidth: 0,
  };
  cell.heights = {
    ...cell.heights,
    up: tallest(cell.up),
    bridge: tallest(cell.bridges),
    tunnel: tallest(cell.tunnels),
  };
  cell.innerWidth = Math.max(rowWidth(cell.up), rowWidth(cell.bridges), rowWidth(cell.tunnels), 8 * CHARACTER);
  return cell;
}

function maxHeights(cells: readonly Cell[]): RowHeights {
  const heights: RowHeights = { pods: 0, up: 0, bridge: 0, tunnel: 0, down: 0 };
  for (const cell of cells) for (const row of ROWS) heights[row] = Math.max(heights[row], cell.heights[row]);
  return heights;
}

function cellHeight(heights: RowHeights, title = TITLE): number {
  const rows = ROWS.filter((row) => heights[row] > 0);
  return title + rows.reduce((sum, row) => sum + heights[row], 0) + Math.max(0, rows.length - 1) * ROW_GAP + PAD;
}

/** Upper edge of each row inside a cell at `y`. */
function rowTops(heights: RowHeights, y: number, title = TITLE): RowHeights {
  const tops: RowHeights = { pods: 0, up: 0, bridge: 0, tunnel: 0, down: 0 };
  let top = y + title;
  for (const row of ROWS) {
    tops[row] = top;
    if (heights[row] > 0) top += heights[row] + ROW_GAP;
  }
  return tops;
}

/** The fewest rows in which names are easy to read; where none are, the number of columns that shows them largest. */
function chooseColumns(cells: readonly Cell[], below: number): number {
  // Without a hub the machines are linked to each other, and a line is read in a row.
  if (below === 0 && cells.length <= LONGEST_LINE) return cells.length;
  let best = 1;
  let bestScale = 0;
  const height = cellHeight(maxHeights(cells)) + CELL_GAP;
  for (let columns = cells.length; columns >= 1; columns -= 1) {
    const rows = Math.ceil(cells.length / columns);
    // No short last row where the same rows can be filled evenly.
    if (columns !== Math.ceil(cells.length / rows)) continue;
    const widths = Array.from({ length: columns }, (_, column) =>
      Math.max(...cells.filter((_cell, index) => index % columns === column).map((cell) => cell.innerWidth)),
    );
    const width = widths.reduce((sum, each) => sum + each + 2 * PAD + CELL_GAP, 0);
    const scale = Math.min(PANEL.width / width, PANEL.height / (rows * height + below));
    if (scale >= EASY_SCALE) return columns;
    if (scale > bestScale * 1.001) {
      best = columns;
      bestScale = scale;
    }
  }
  return best;
}

/** Answers with the number of machines beside each other; at least `least` where there are as many. */
function placeMachines(
  canvas: Canvas,
  cells: Cell[],
  hubs: Namespace[],
  byName: ReadonlyMap<string, Namespace>,
  least: number,
): number {
  const hubCells = hubs.map(measureHub);
  if (hubs.length === 0) turnToPeers(cells);
  const hubHeight = hubCells.length === 0 ? 0 : cellHeight(maxHeights(hubCells), PAD);
  const chosen = cells.length === 0 ? 1 : chooseColumns(cells, hubHeight === 0 ? 0 : hubHeight + CELL_GAP);
  const columns = Math.max(chosen, Math.min(least, cells.length));
  const gridRows = Math.ceil(cells.length / columns);
  const columnOf = (index: number) => index % columns;
  const rowOf = (index: number) => Math.floor(index / columns);

  // A cable from a host above the last row goes down beside its column, in a lane of its own.
  const isLinked = (chip: Chip) => chip.peer !== undefined && byName.has(chip.peer.netns);
  const lanes = Array.from({ length: columns }, () => 0);
  cells.forEach((cell, index) => {
    if (rowOf(index) < gridRows - 1) {
      lanes[columnOf(index)] = (lanes[columnOf(index)] ?? 0) + cell.down.filter(isLinked).length;
    }
  });

  const widest = Math.max(0, ...cells.map((cell) => cell.innerWidth));
  const columnWidth = lanes.map((_, column) => {
    const own = cells.filter((_cell, index) => columnOf(index) === column).map((cell) => cell.innerWidth);
    const width = Math.max(0, ...own);
    // Nearly equal columns are made equal: a calm grid.
    return (width * 1.35 >= widest ? widest : width) + 2 * PAD;
  });
  const ends = new Map<string, CableEnd>();
  let y = 0;
  for (let row = 0; row < gridRows; row += 1) {
    const inRow = cells.map((cell, index) => ({ cell, index })).filter(({ index }) => rowOf(index) === row);
    const heights = maxHeights(inRow.map(({ cell }) => cell));
    const height = cellHeight(heights);
    let x = 0;
    let deepest = 0;
    for (let column = 0; column < columns; column += 1) {
      const width = columnWidth[column] ?? 0;
      const entry = inRow.find(({ index }) => columnOf(index) === column);
      if (entry !== undefined) {
        placeCell(canvas, entry.cell, { x, y, width, height }, rowTops(heights, y));
        const linked = entry.cell.down.filter(isLinked);
        deepest = Math.max(deepest, linked.length);
        const below = cells.filter((_cell, index) => columnOf(index) === column && rowOf(index) > row);
        linked.forEach((chip, order) => {
          const node = canvas.nodeAt(interfaceName(chip.ref));
          const exit = { x: node.x + node.width / 2, y: node.y + node.height };
          if (row === gridRows - 1) {
            ends.set(node.id, { exit, lead: [] });
            return;
          }
          // Lanes from left to right belong to the rows from below to above, so that no lane crosses another's turn.
          const later = below
            .filter((cell) => cells.indexOf(cell) < (gridRows - 1) * columns)
            .reduce((sum, cell) => sum + cell.down.filter(isLinked).length, 0);
          const laneX = x + width + 12 + (later + order) * 8;
          const turn = y + height + 8 + (linked.length - 1 - order) * 6;
          ends.set(node.id, {
            exit,
            lead: [
              { x: exit.x, y: turn },
              { x: laneX, y: turn },
            ],
          });
        });
      }
      x += width + CELL_GAP + (lanes[column] ?? 0) * 8;
    }
    y += height + (row < gridRows - 1 ? CELL_GAP + deepest * 6 : 0);
  }

  placeHubs(canvas, hubCells, ends, y, cells.length > 0);
  return columns;
}

/** In a line of machines each interface stands on the side of the machine that its cable leads to. */
function turnToPeers(cells: readonly Cell[]): void {
  const rank = new Map(cells.map((cell, index) => [cell.namespace.name, index]));
  for (const [index, cell] of cells.entries()) {
    const rankOf = (chip: Chip) => rank.get(chip.peer?.netns ?? "") ?? index;
    const isRight = (chip: Chip) => Number(rankOf(chip) > index);
    // Of cables to one side, those to nearer machines lie within those to farther ones.
    cell.down = cell.down.toSorted((a, b) => isRight(a) - isRight(b) || rankOf(b) - rankOf(a));
  }
}

/** Where a cable end comes down into the channel above the hubs. */
function entryX(end: CableEnd): number {
  return end.lead.at(-1)?.x ?? end.exit.x;
}

interface ArrangedHub {
  cell: Cell;
  ports: { chip: Chip; at: number }[];
  centres: number[];
  left: number;
  right: number;
}

/** Ports as near as possible to below their cables, or side by side where `compact`. */
function arrangeHub(cell: Cell, wishOf: (chip: Chip) => number, compact: boolean): ArrangedHub {
  const masters = cell.bridges.map((bridge) => bridge.ref.interface);
  const group = (chip: Chip) => (masters.length > 1 ? masters.indexOf(chip.master ?? "") : 0);
  const ports = cell.up
    .map((chip) => ({ chip, at: wishOf(chip) }))
    .toSorted((a, b) => group(a.chip) - group(b.chip) || a.at - b.at);
  const mean = meanOf(ports.map((port) => port.at)) ?? 0;
  const centres = alignInOrder(
    ports.map((port) => ({ at: compact ? mean : port.at, width: port.chip.width })),
    CHIP_GAP,
  );
  const first = ports.at(0);
  const last = ports.at(-1);
  let left = first === undefined ? 0 : (centres.at(0) ?? 0) - first.chip.width / 2;
  let right = last === undefined ? 0 : (centres.at(-1) ?? 0) + last.chip.width / 2;
  const missing = cell.innerWidth - (right - left);
  if (missing > 0) {
    left -= missing / 2;
    right += missing / 2;
  }
  // The title stands to the left of the ports, where no cable comes down on it.
  left -= titleWidth(cell.namespace) + CHIP_GAP;
  return { cell, ports, centres, left: left - PAD, right: right + PAD };
}

function placeHubs(canvas: Canvas, hubs: Cell[], ends: Map<string, CableEnd>, bottom: number, hasMachines: boolean) {
  const entryOf = (chip: Chip) => {
    const end = chip.peer === undefined ? undefined : ends.get(interfaceName(chip.peer));
    return end === undefined ? undefined : entryX(end);
  };
  const entriesOf = (cell: Cell) => cell.up.flatMap((chip) => entryOf(chip) ?? []);
  const ordered = hubs
    .map((cell) => ({ cell, mean: meanOf(entriesOf(cell)) ?? 0 }))
    .toSorted((a, b) => a.mean - b.mean)
    .map(({ cell }) => cell);
  const rank = new Map(ordered.map((cell, index) => [cell.namespace.name, index]));
  const arrange = (compact: boolean) =>
    ordered.map((cell, index) => {
      const entries = entriesOf(cell);
      const middle = meanOf(entries) ?? 0;
      return arrangeHub(
        cell,
        (chip) => {
          const entry = entryOf(chip);
          if (entry !== undefined) return entry;
          // A cable to another hub leaves on the side where that one stands.
          const other = rank.get(chip.peer?.netns ?? "") ?? index;
          return other > index ? Math.max(middle, ...entries) : other < index ? Math.min(middle, ...entries) : middle;
        },
        compact,
      );
    });
  const spread = arrange(false);
  const doOverlap = spread.some((hub, index) => {
    const next = spread[index + 1];
    return next !== undefined && hub.right + CELL_GAP > next.left;
  });
  const inOrder = doOverlap ? arrange(true) : spread;
  const centres = alignInOrder(
    inOrder.map((hub) => ({ at: (hub.left + hub.right) / 2, width: hub.right - hub.left })),
    CELL_GAP,
  );
  const heights = maxHeights(hubs);
  const height = cellHeight(heights, PAD);

  const portX = new Map<string, number>();
  const portPeers = new Map<string, string>();
  inOrder.forEach((hub, index) => {
    const shift = (centres[index] ?? 0) - (hub.left + hub.right) / 2;
    hub.left += shift;
    hub.right += shift;
    hub.ports.forEach((port, order) => {
      hub.centres[order] = (hub.centres[order] ?? 0) + shift;
      portX.set(interfaceName(port.chip.ref), hub.centres[order] ?? 0);
      if (port.chip.peer) portPeers.set(interfaceName(port.chip.ref), interfaceName(port.chip.peer));
    });
  });

  const cables = canvas.cables(ends, portX, portPeers);
  const routed = routeCables(
    cables.map((cable) => ({ from: cable.fromX, to: cable.toX })),
    bottom,
    CELL_GAP,
  );
  const top = hasMachines || routed.jogs > 0 ? bottom + routed.height : 0;
  for (const hub of inOrder) {
    const box = { x: hub.left, y: top, width: hub.right - hub.left, height };
    placeHub(canvas, hub, box, rowTops(heights, top, PAD));
  }
  cables.forEach((cable, index) => {
    canvas.connectCable(cable.source, cable.target, routed.lanes[index], ends);
  });
}

function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function placeHub(
  canvas: Canvas,
  hub: { cell: Cell; ports: { chip: Chip }[]; centres: number[] },
  box: Rectangle,
  tops: RowHeights,
): void {
  const { cell } = hub;
  const firstRow = cell.up.length > 0 ? cell.heights.up : CHIP_HEIGHT;
  canvas.addNamespace(cell.namespace, box, undefined, { x: box.x + PAD, y: tops.up + firstRow / 2 });
  hub.ports.forEach(({ chip }, order) => {
    const x = (hub.centres[order] ?? 0) - chip.width / 2;
    canvas.addChip(chip, { x, y: tops.up, width: chip.width, height: chip.height }, cell.namespace.name);
  });
  placeBridges(canvas, cell, box, tops.bridge);
  placeRow(canvas, cell.tunnels, box.x + PAD, tops.tunnel, cell.namespace.name);
}

function placeCell(canvas: Canvas, cell: Cell, box: Rectangle, tops: RowHeights): void {
  const name = cell.namespace.name;
  const inner = box.width - 2 * PAD;
  canvas.addNamespace(cell.namespace, box, undefined);

  const upper =
    rowWidth(cell.columns) + (cell.up.length > 0 && cell.columns.length > 0 ? CHIP_GAP : 0) + rowWidth(cell.up);
  let x = box.x + PAD + (inner - upper) / 2;
  for (const column of cell.columns) {
    placeColumn(canvas, cell, column, x, tops);
    x += column.width + CHIP_GAP;
  }
  placeRow(canvas, cell.up, x, tops.up, name);
  placeBridges(canvas, cell, box, tops.bridge);
  // Tunnel and NIC overlap in part: the way from one to the other and the one past the tunnel both run straight.
  const offset = cell.tunnels.length > 0 && cell.down.length > 0 ? TUNNEL_OFFSET : 0;
  const lower = Math.max(rowWidth(cell.tunnels), rowWidth(cell.down)) + offset;
  const left = box.x + PAD + (inner - lower) / 2;
  const centred = (chips: readonly Chip[]) => box.x + PAD + (inner - rowWidth(chips)) / 2;
  placeRow(canvas, cell.tunnels, offset > 0 ? left : centred(cell.tunnels), tops.tunnel, name);
  placeRow(canvas, cell.down, offset > 0 ? left + lower - rowWidth(cell.down) : centred(cell.down), tops.down, name);
}

function placeRow(canvas: Canvas, chips: readonly Chip[], left: number, top: number, netns: string): void {
  let x = left;
  for (const chip of chips) {
    canvas.addChip(chip, { x, y: top, width: chip.width, height: chip.height }, netns);
    x += chip.width + CHIP_GAP;
  }
}

function placeColumn(canvas: Canvas, cell: Cell, column: Column, x: number, tops: RowHeights): void {
  const node = cell.namespace.name;
  const podHeight = cell.heights.pods;
  if (column.hidden !== undefined) {
    canvas.addPods(node, column.hidden, { x, y: tops.pods, width: column.width, height: podHeight });
    return;
  }
  if (column.pod === undefined) return;
  canvas.addNamespace(column.pod, { x, y: tops.pods, width: column.width, height: podHeight }, node);
  placeRow(canvas, column.chips, x + (column.width - rowWidth(column.chips)) / 2, tops.pods + TITLE, column.pod.name);
  // A veth stands right below the interface that it leads to, where there is room.
  const centres = alignInOrder(
    column.veths.map((veth) => {
      const peer = veth.peer === undefined ? undefined : canvas.findNode(interfaceName(veth.peer));
      return { at: peer === undefined ? x + column.width / 2 : peer.x + peer.width / 2, width: veth.width };
    }),
    CHIP_GAP,
  );
  const half = rowWidth(column.veths) / 2;
  const middle = Math.min(Math.max(meanOf(centres) ?? 0, x + half), x + column.width - half);
  const shift = middle - (meanOf(centres) ?? 0);
  column.veths.forEach((veth, index) => {
    const left = (centres[index] ?? 0) + shift - veth.width / 2;
    canvas.addChip(veth, { x: left, y: tops.up, width: veth.width, height: veth.height }, node);
  });
}

/** One bridge is as wide as its namespace; several share the width, each below its ports. */
function placeBridges(canvas: Canvas, cell: Cell, box: Rectangle, top: number): void {
  const left = box.x + PAD;
  const width = box.width - 2 * PAD;
  const spans = cell.bridges.map((bridge) => {
    const ports = canvas.portsOf(cell.namespace, bridge.ref.interface).filter((port) => port.y < top);
    const from = Math.min(...ports.map((port) => port.x));
    const to = Math.max(...ports.map((port) => port.x + port.width));
    const reach = ports.length === 0 ? bridge.width : Math.max(to - from, bridge.width);
    return { bridge, at: ports.length === 0 ? left + width / 2 : (from + to) / 2, width: reach };
  });
  const only = spans[0];
  if (only !== undefined && spans.length === 1) {
    canvas.addChip(only.bridge, { x: left, y: top, width, height: only.bridge.height }, cell.namespace.name);
    return;
  }
  const total = rowWidth(spans);
  // Too little room for the reach of all ports: fall back to the widths of the labels.
  const fitting = total <= width ? spans : spans.map((span) => ({ ...span, width: span.bridge.width }));
  const centres = alignInOrder(fitting, CHIP_GAP, { from: left, to: left + width });
  fitting.forEach((span, index) => {
    const x = (centres[index] ?? 0) - span.width / 2;
    canvas.addChip(span.bridge, { x, y: top, width: span.width, height: span.bridge.height }, cell.namespace.name);
  });
}

/** Collects what has been placed, and connects it. */
class Canvas {
  readonly #nodes = new Map<string, PlacedNode>();
  readonly #edges = new Map<string, PlacedEdge>();
  readonly #shownBy = new Map<string, string>();
  readonly #podsChips: { id: string; netns: string; master?: string }[] = [];
  readonly #chips = new Map<string, Chip>();

  findNode(id: string): PlacedNode | undefined {
    return this.#nodes.get(id);
  }

  nodeAt(id: string): PlacedNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`${id} was not placed`);
    return node;
  }

  addNamespace(
    namespace: Namespace,
    box: Rectangle,
    parent: string | undefined,
    title: Point = { x: box.x + 10, y: box.y + TITLE / 2 + 1 },
  ): void {
    const id = namespaceId(namespace.name);
    this.#nodes.set(id, {
      id,
      kind: namespace.kind,
      parent: parent === undefined ? undefined : namespaceId(parent),
      netns: namespace.name,
      lines: [namespace.name],
      inline: true,
      title,
      ...box,
    });
  }

  addChip(chip: Chip, box: Rectangle, parent: string): void {
    const id = interfaceName(chip.ref);
    this.#nodes.set(id, {
      id,
      kind: chip.kind,
      parent: namespaceId(parent),
      netns: parent,
      ref: chip.ref,
      lines: chip.lines,
      inline: chip.inline,
      ...box,
    });
    this.#chips.set(id, chip);
    this.#shownBy.set(id, id);
  }

  addPods(node: string, hidden: { interfaces: InterfaceRef[]; count: number; master?: string }, box: Rectangle): void {
    const id = `[${node}]pods`;
    this.#nodes.set(id, {
      id,
      kind: "pods",
      parent: namespaceId(node),
      netns: node,
      lines: [],
      inline: true,
      count: hidden.count,
      ...box,
    });
    this.#podsChips.push({ id, netns: node, master: hidden.master });
    for (const ref of hidden.interfaces) this.#shownBy.set(interfaceName(ref), id);
  }

  portsOf(namespace: Namespace, bridge: string): PlacedNode[] {
    return namespace.interfaces
      .filter((each) => each.master === bridge)
      .flatMap((each) => this.#nodes.get(interfaceName({ netns: namespace.name, interface: each.name })) ?? []);
  }

  /** The veth pairs that leave their box: each once, with where both ends come into the channel. */
  cables(
    ends: ReadonlyMap<string, CableEnd>,
    portX: ReadonlyMap<string, number>,
    portPeers: ReadonlyMap<string, string>,
  ) {
    const cables: { source: string; target: string; fromX: number; toX: number }[] = [];
    const entry = (id: string) => {
      const end = ends.get(id);
      return end === undefined ? portX.get(id) : entryX(end);
    };
    const seen = new Set<string>();
    // Hosts first, so that a cable is drawn from the host to the hub.
    for (const id of [...ends.keys(), ...portX.keys()]) {
      // Hubs are not placed yet: their height depends on how many cables run above them.
      const peer = portPeers.get(id) ?? this.#peerOf(id);
      if (peer === undefined || seen.has(id)) continue;
      const fromX = entry(id);
      const toX = entry(peer);
      if (fromX === undefined || toX === undefined) continue;
      seen.add(id).add(peer);
      cables.push({ source: id, target: peer, fromX, toX });
    }
    return cables;
  }

  #peerOf(id: string): string | undefined {
    const peer = this.#chips.get(id)?.peer;
    return peer === undefined ? undefined : interfaceName(peer);
  }

  connectCable(source: string, target: string, lane: number | undefined, ends: ReadonlyMap<string, CableEnd>): void {
    const way = (id: string): Point[] => {
      const end = ends.get(id);
      if (end !== undefined) return [end.exit, ...end.lead];
      const port = this.nodeAt(id);
      return [{ x: port.x + port.width / 2, y: port.y }];
    };
    const start = way(source);
    const finish = way(target);
    const fromX = start.at(-1)?.x ?? 0;
    const toX = finish.at(-1)?.x ?? 0;
    const middle =
      lane === undefined
        ? []
        : [
            { x: fromX, y: lane },
            { x: toX, y: lane },
          ];
    this.#connect("veth", source, target, [...start, ...middle, ...finish.toReversed()]);
  }

  #connect(kind: PlacedEdgeKind, source: string, target: string, points: Point[]): void {
    const id = `${source}~${target}`;
    this.#edges.set(id, { id, kind, source, target, points });
  }

  /** Connects what is inside of boxes, and moves the whole picture to the origin. */
  finish(topology: Topology): Omit<Placement, "columns"> {
    const connected = new Set([...this.#edges.values()].flatMap((edge) => [edge.source, edge.target]));
    for (const namespace of topology.namespaces) {
      for (const each of namespace.interfaces) {
        const id = interfaceName({ netns: namespace.name, interface: each.name });
        const node = this.#nodes.get(id);
        if (node === undefined) continue;
        if (each.master !== undefined) {
          const master = this.#nodes.get(interfaceName({ netns: namespace.name, interface: each.master }));
          if (master !== undefined) this.#connect("port", id, master.id, joinVertically(node, master));
        }
        const carrier = carrierOf(each);
        if (carrier !== undefined) {
          const dev = this.#nodes.get(interfaceName({ netns: namespace.name, interface: carrier }));
          if (dev !== undefined) this.#connect("tunnel", id, dev.id, joinVertically(node, dev));
        }
        if (each.kind === "veth" && !connected.has(id)) {
          const peer = this.#nodes.get(interfaceName(each.peer));
          if (peer === undefined) continue;
          connected.add(id).add(peer.id);
          this.#connect("veth", id, peer.id, joinVertically(node, peer));
        }
      }
    }
    for (const chip of this.#podsChips) {
      if (chip.master === undefined) continue;
      const bridge = this.#nodes.get(interfaceName({ netns: chip.netns, interface: chip.master }));
      if (bridge !== undefined) this.#connect("port", chip.id, bridge.id, joinVertically(this.nodeAt(chip.id), bridge));
    }
    return this.#atOrigin();
  }

  #atOrigin(): Omit<Placement, "columns"> {
    const nodes = [...this.#nodes.values()];
    const edges = [...this.#edges.values()];
    const xs = [
      ...nodes.flatMap((node) => [node.x, node.x + node.width]),
      ...edges.flatMap((edge) => edge.points.map((p) => p.x)),
    ];
    const ys = [
      ...nodes.flatMap((node) => [node.y, node.y + node.height]),
      ...edges.flatMap((edge) => edge.points.map((p) => p.y)),
    ];
    const left = xs.reduce((least, x) => Math.min(least, x), xs[0] ?? 0);
    const top = ys.reduce((least, y) => Math.min(least, y), ys[0] ?? 0);
    const right = xs.reduce((most, x) => Math.max(most, x), xs[0] ?? 0);
    const bottom = ys.reduce((most, y) => Math.max(most, y), ys[0] ?? 0);
    return {
      nodes: nodes.map((node) => ({
        ...node,
        x: node.x - left,
        y: node.y - top,
        title: node.title === undefined ? undefined : { x: node.title.x - left, y: node.title.y - top },
      })),
      edges: edges.map((edge) => ({ ...edge, points: edge.points.map((p) => ({ x: p.x - left, y: p.y - top })) })),
      width: right - left,
      height: bottom - top,
      shownBy: this.#shownBy,
    };
  }
}

/**
 * The way between two boxes above each other: straight down where they overlap and `avoid` leaves room,
 * else with one bend in the middle. Boxes side by side are joined at their sides.
 */
export function joinVertically(from: Rectangle, to: Rectangle, avoid: readonly Rectangle[] = []): Point[] {
  const [upper, lower] = from.y <= to.y ? [from, to] : [to, from];
  const startY = upper.y + upper.height;
  const endY = lower.y;
  if (endY < startY) {
    const [left, right] = from.x <= to.x ? [from, to] : [to, from];
    const points = [
      { x: left.x + left.width, y: left.y + left.height / 2 },
      { x: right.x, y: right.y + right.height / 2 },
    ];
    return from === left ? points : points.toReversed();
  }
  const x = freeColumn(upper, lower, avoid);
  let points: Point[];
  if (x !== undefined) {
    points = [
      { x, y: startY },
      { x, y: endY },
    ];
  } else {
    const middle = (startY + endY) / 2;
    points = [
      { x: upper.x + upper.width / 2, y: startY },
      { x: upper.x + upper.width / 2, y: middle },
      { x: lower.x + lower.width / 2, y: middle },
      { x: lower.x + lower.width / 2, y: endY },
    ];
  }
  return from === upper ? points : points.toReversed();
}

/** An x at which a straight line runs from one box down to the other without touching what lies between. */
function freeColumn(upper: Rectangle, lower: Rectangle, avoid: readonly Rectangle[]): number | undefined {
  const from = Math.max(upper.x, lower.x) + 8;
  const to = Math.min(upper.x + upper.width, lower.x + lower.width) - 8;
  if (to < from) return undefined;
  // The centre of the narrower box is where a person looks for the line.
  const narrow = upper.width <= lower.width ? upper : lower;
  const middle = Math.min(Math.max(narrow.x + narrow.width / 2, from), to);
  const between = avoid.filter((box) => box.y + box.height > upper.y + upper.height && box.y < lower.y);
  const isFree = (x: number) => between.every((box) => x < box.x - 4 || x > box.x + box.width + 4);
  if (isFree(middle)) return middle;
  let best: { x: number; room: number } | undefined;
  const borders = [from, to, ...between.flatMap((box) => [box.x - 6, box.x + box.width + 6])].filter(
    (x) => x >= from && x <= to,
  );
  const sorted = borders.toSorted((a, b) => a - b);
  sorted.forEach((left, index) => {
    const right = sorted[index + 1];
    if (right === undefined) return;
    const x = (left + right) / 2;
    if (isFree(x) && (best === undefined || right - left > best.room)) best = { x, room: right - left };
  });
  return best?.x;
}
