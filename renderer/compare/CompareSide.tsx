/** Beside a comparison: the selected row in full, both causes of it, and the guide. */

import { useState } from "react";
import { FACT_NAMES, type FactName, SIDES } from "../../preload/contract/comparison.ts";
import { Empty } from "../app/Empty.tsx";
import { useWords } from "../app/page-context.ts";
import { SideTabs } from "../app/SideTabs.tsx";
import { GuidePanel } from "../guide/GuidePanel.tsx";
import { Why } from "../journey/Why.tsx";
import type { ShownComparison } from "./use-comparison.ts";

/** Facts whose parts are short. */
const IN_ONE_LINE: ReadonlySet<FactName> = new Set<FactName>(["layers", "ttl"]);

export function CompareSide({ comparison }: { comparison: ShownComparison }) {
  const words = useWords();
  // The guide until there is something to look at; after that what the reader chose.
  const [chosen, setChosen] = useState<"row" | "guide">();
  const shown = chosen ?? (comparison.shown === undefined ? "guide" : "row");
  return (
    <SideTabs
      shown={shown}
      onShow={setChosen}
      tabs={[
        { id: "row", heading: words.compare.row, content: <RowPanel comparison={comparison} /> },
        { id: "guide", heading: words.guide.heading, content: <GuidePanel /> },
      ]}
    />
  );
}

function RowPanel({ comparison }: { comparison: ShownComparison }) {
  const words = useWords();
  const { labs, shown, row: index } = comparison;
  const row = index === undefined ? undefined : shown?.rows[index];
  if (!labs || !row) return <Empty title={words.compare.noRow} fix={words.compare.noRowFix} />;
  const factsOf = (name: FactName) =>
    SIDES.map((side) => row[side]?.facts[name].join(IN_ONE_LINE.has(name) ? " | " : "\n") ?? "");
  const names = FACT_NAMES.filter((name) => factsOf(name).some((text) => text !== ""));
  return (
    <div className="compare-row">
      <table className="compare-facts">
        <thead>
          <tr>
            <th scope="col">
              <span className="unseen">{words.compare.fact}</span>
            </th>
            {SIDES.map((side) => (
              <th key={side} scope="col">
                <code>{labs[side]}</code>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map((name) => {
            const differs = row.differs.includes(name);
            return (
              <tr key={name} className={differs ? "fact-differs" : undefined}>
                <th scope="row">
                  {differs && <span title={words.compare.differs}>≠ </span>}
                  {words.compare.facts[name]}
                </th>
                {factsOf(name).map((text, at) => (
                  <td key={SIDES[at]}>
                    {text === "" ? <span className="muted">–</span> : <code>{text.replaceAll(" > ", "\n> ")}</code>}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      {SIDES.map((side) => {
        const journey = shown?.[side];
        const at = row[side]?.hop;
        const hop = at === undefined ? undefined : journey?.hops[at];
        return (
          <section key={side} className="compare-why" aria-label={labs[side]}>
            <h3>
              <code>{labs[side]}</code>
            </h3>
            {journey && hop && at !== undefined ? (
              <Why journey={journey} hop={hop} index={at} />
            ) : (
              <p className="quiet pad">{words.compare.notHere}</p>
            )}
          </section>
        );
      })}
    </div>
  );
}
