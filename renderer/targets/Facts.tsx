/** Terms and what they are, one beside the other. */

import type { ReactNode } from "react";

export function Facts({ facts }: { facts: readonly [term: string, fact: ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([term, fact]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}
