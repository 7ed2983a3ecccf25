/** The selected journey: what it is, how it ended, its hops, and why the selected hop came about. */

import { useStore } from "zustand";
import { isDroppedAt, type Journey } from "../../preload/contract/journey.ts";
import { Empty } from "../app/Empty.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { EndMark } from "../packets/EndMark.tsx";
import { JourneyStrip } from "./JourneyStrip.tsx";

interface Props {
  /** The hops that the playback has reached now. */
  current: readonly number[];
  onHop: (hop: number) => void;
}

export function JourneyPanel({ current, onHop }: Props) {
  const words = useWords();
  const session = useSession();
  const journey = useStore(session.view, (view) => view.journey);
  const selected = useStore(session.view, (view) => view.hop);

  if (journey.status !== "ready") {
    return (
      <section className="journey-panel" aria-label={words.journey.heading}>
        <div className="panel-head">
          <h2>{words.journey.heading}</h2>
        </div>
        {journey.status === "none" && <Empty title={words.journey.none} fix={words.journey.noneFix} />}
        {journey.status === "loading" && <p className="quiet pad">{words.page.loading}</p>}
        {journey.status === "failed" && <FaultNote fault={journey.fault} />}
      </section>
    );
  }
  const { value } = journey;
  return (
    <section className="journey-panel" aria-label={words.journey.heading}>
      <JourneyHead journey={value} onGo={session.selectPacket} />
      <JourneyStrip journey={value} selected={selected} current={current} onSelect={onHop} />
    </section>
  );
}

export function JourneyHead({ journey, onGo }: { journey: Journey; onGo: (journey: number) => void }) {
  const words = useWords().journey;
  const links: [number | undefined, string][] = [
    [journey.replyTo, words.toRequest],
    [journey.reply, words.toReply],
    [journey.repeatOf, words.toFirst],
    [journey.error?.journey, words.toError],
    [journey.errorOf, words.toErrorOf],
  ];
  return (
    <div className="panel-head">
      <h2>{words.heading}</h2>
      <code className="journey-summary" title={journey.summary}>
        {journey.summary}
      </code>
      <EndMark end={journey.end} />
      {journey.end !== "arrived" && <span className="muted">{words.lastSeen(journey.lastSeen)}</span>}
      {journey.end === "arrived" && journey.hops.some(isDroppedAt) && (
        <span className="end bad">{words.andDropped}</span>
      )}
      {journey.error && (
        <span className="journey-error" title={journey.error.summary}>
          {words.answeredWith(journey.error.summary, journey.error.by)}
        </span>
      )}
      {journey.repeatOf !== undefined && <span className="badge">{words.repeat}</span>}
      <span className="spacer" />
      {links.map(
        ([to, label]) =>
          to !== undefined && (
            <button key={label} type="button" className="button button-quiet" onClick={() => onGo(to)}>
              <Icon shape="reply" />
              {label}
            </button>
          ),
      )}
    </div>
  );
}
