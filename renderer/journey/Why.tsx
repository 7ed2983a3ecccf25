/** Why a packet came to one hop as it did: each change, the kernel state behind it, and the command that shows it. */

import { type Cause, type Hop, isDroppedAt, type Journey, OBSTACLES } from "../../preload/contract/journey.ts";
import { interfaceName } from "../../preload/contract/topology.ts";
import { Command } from "../app/Command.tsx";
import { useWords } from "../app/page-context.ts";
import { changeFacts } from "./change-facts.ts";

interface Props {
  /** The journey that the hop is of. */
  journey: Journey;
  hop: Hop;
  index: number;
}

export function Why({ journey, hop, index }: Props) {
  const words = useWords().journey;
  const causes = hop.causes ?? [];
  const { hops, end, error } = journey;
  const isLast = interfaceName(hop) === journey.lastSeen;
  const isEnd = isLast && end === "lost";
  const isDropped = isDroppedAt(hop);
  return (
    <section className="why" aria-label={words.why}>
      <p className="why-where">
        <strong>{`${hop.netns}/${hop.interface}`}</strong>
        <span className="muted numbers">{words.hop(index + 1, hops.length)}</span>
      </p>
      {hop.changes.length === 0 && <p className="quiet">{index === 0 ? words.first : words.unchanged}</p>}
      {hop.changes.map((change) => {
        const causes = change.causes ?? [];
        return (
          <div key={change.kind} className={`why-change change-${change.kind}`}>
            <p className="why-facts">
              <span className="change">
                <strong>{words.changes[change.kind]}</strong>
              </span>
              {changeFacts(change).lines.map((line) => (
                <code key={line}>{line}</code>
              ))}
            </p>
            {causes.length > 0 && <Causes causes={causes} />}
            {causes.length === 0 &&
              (change.cause === undefined ? (
                <p className="quiet">{words.noCause}</p>
              ) : (
                <code className="cause-text">{change.cause}</code>
              ))}
          </div>
        );
      })}
      {(isEnd || isDropped) && (
        <p className="why-end">
          <strong>{isEnd ? words.notSeenFurther : words.droppedThere}</strong>
        </p>
      )}
      {isEnd && error && <p>{words.answeredWith(error.summary, error.by)}</p>}
      {isEnd && causes.length === 0 && <p className="quiet">{words.noReason}</p>}
      {isLast && end === "out of sight" && <p className="quiet">{words.outOfSight}</p>}
      {causes.length > 0 && <Causes causes={causes} />}
    </section>
  );
}

function Causes({ causes }: { causes: readonly Cause[] }) {
  const words = useWords().journey.causes;
  return (
    <ul className="causes">
      {causes.map((cause) => (
        <li key={`${cause.kind} ${cause.text} ${cause.command}`}>
          <span className={OBSTACLES.has(cause.kind) ? "cause-kind obstacle" : "cause-kind"}>{words[cause.kind]}</span>
          <code className="cause-text">{cause.text}</code>
          <Command text={cause.command} />
        </li>
      ))}
    </ul>
  );
}
