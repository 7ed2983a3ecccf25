/**
 * A journey as a row of hops. Each hop is a stack of layers, innermost at the foot, so that a wrapped packet
 * stands taller than a bare one; between hops stands what changed and the kernel state that decided it.
 */

import { useMemo } from "react";
import { LAYER_LABELS } from "../../preload/contract/frame.ts";
import type { Change, Hop, Journey } from "../../preload/contract/journey.ts";
import { useWords } from "../app/page-context.ts";
import { sinceText } from "../packets/time.ts";
import { encapsulationOf, outerLayers } from "../topology/layer-stack.ts";
import { changeFacts } from "./change-facts.ts";
import { placeHops } from "./hop-grid.ts";
import { Strip, StripItem } from "./Strip.tsx";

interface Props {
  journey: Journey;
  /** The hop whose frame is open. */
  selected?: number;
  /** The hops that the playback has reached now: several where a packet is flooded. */
  current: readonly number[];
  onSelect: (hop: number) => void;
}

export function JourneyStrip({ journey, selected, current, onSelect }: Props) {
  const words = useWords();
  const { hops } = journey;
  const placed = useMemo(() => placeHops(hops), [hops]);

  const keyTo = (key: string) => {
    const place = placed.find(({ index }) => index === selected);
    if (!place) return undefined;
    const at = (row: number, column: number) => placed.find((one) => one.row === row && one.column === column)?.index;
    const parent = hops[place.index]?.parent;
    const inRow = (step: number) => {
      for (let row = place.row + step; row >= 0 && row <= placed.length; row += step) {
        const found = at(row, place.column);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    return {
      ArrowRight: at(place.row, place.column + 1),
      ArrowLeft: at(place.row, place.column - 1) ?? parent,
      ArrowDown: inRow(1),
      ArrowUp: inRow(-1),
      Home: 0,
      End: placed.filter(({ row }) => row === place.row).at(-1)?.index,
    }[key];
  };

  return (
    <Strip
      of="hop"
      label={words.journey.heading}
      selected={selected}
      identity={journey.id}
      keyTo={keyTo}
      onSelect={onSelect}
    >
      {placed.map(({ index, row, column, branchOf }) => {
        const hop = hops[index];
        if (!hop) return null;
        return (
          <StripItem
            of="hop"
            key={index}
            index={index}
            selected={index === selected}
            current={current.includes(index)}
            className={branchOf === undefined ? "hop" : "hop hop-branch"}
            style={{ gridRow: row + 1, gridColumn: column + 1 }}
            onSelect={onSelect}
          >
            {column > 0 && <Link changes={hop.changes} branch={branchOf !== undefined} />}
            <HopColumn hop={hop} />
          </StripItem>
        );
      })}
    </Strip>
  );
}

/** Where a hop was seen, when (unless `brief`), and its layers. */
export function HopColumn({ hop, brief = false }: { hop: Hop; brief?: boolean }) {
  const words = useWords();
  return (
    <div className="hop-column">
      <p className="hop-where">
        <span className="hop-netns" title={hop.netns}>
          {hop.netns}
        </span>
        <strong title={hop.interface}>{hop.interface}</strong>
        <span className="hop-time numbers">
          <span>{words.direction[hop.direction]}</span> {!brief && sinceText(hop.at)}
        </span>
      </p>
      <Layers hop={hop} />
    </div>
  );
}

/** What happened on the way to a hop. */
function Link({ changes, branch }: { changes: readonly Change[]; branch: boolean }) {
  const words = useWords().journey;
  return (
    <div className={branch ? "link link-branch" : "link"}>
      {changes.map((change) => (
        <div key={change.kind} className={`link-change change-${change.kind}`}>
          <span className="change">
            <strong>{words.changes[change.kind]}</strong>
            {changeFacts(change).short !== undefined && <span className="numbers">{changeFacts(change).short}</span>}
          </span>
          {change.cause !== undefined && <code className="cause">{change.cause}</code>}
        </div>
      ))}
      <span className="link-line" aria-hidden="true" />
    </div>
  );
}

function Layers({ hop }: { hop: Hop }) {
  const words = useWords().journey;
  const outer = outerLayers(hop.layers);
  const encapsulation = encapsulationOf(hop.layers);
  const names = hop.layers.map((layer) => LAYER_LABELS[layer]);
  return (
    <ol className="layers" aria-label={words.layersLabel(names.join(", "))}>
      {hop.layers.map((layer, index) => (
        <li
          key={index}
          className={`layer ${index < outer ? `encap-${encapsulation}` : "encap-none"} layer-${layer}`}
          title={hop.titles[index]}
        >
          <span>{LAYER_LABELS[layer]}</span>
          <span className="layer-fact numbers">{factOf(hop.titles[index])}</span>
        </li>
      ))}
    </ol>
  );
}

/** The one number of a layer that matters on the way: `ttl 63`, `vni 1`. */
function factOf(title: string | undefined): string | undefined {
  return title?.match(/\b(?:ttl|vni|vlan|hop limit) \d+/)?.[0];
}
