/** The faults of a lab. What is seen and how to find it stay closed: a learner may want to find out alone. */

import { useStore } from "zustand";
import type { Traffic } from "../../preload/contract/lab.ts";
import type { LiveFault } from "../../preload/contract/live.ts";
import { Icon } from "../app/Icon.tsx";
import { useLanguage, useSession, useWords } from "../app/page-context.ts";
import { Prose } from "../guide/Prose.tsx";
import { inLanguage } from "../words/catalogue.ts";
import { FailedChange } from "./FailedChange.tsx";

interface Props {
  faults: readonly LiveFault[];
  /** A change is under way. */
  busy: boolean;
}

export function FaultList({ faults, busy }: Props) {
  const words = useWords().live;
  return (
    <section className="live-part" aria-label={words.faults}>
      <h3>{words.faults}</h3>
      <p className="quiet">{faults.length === 0 ? words.noFaults : words.faultsWhat}</p>
      <ul>
        {faults.map((fault) => (
          <FaultItem key={fault.name} fault={fault} busy={busy} />
        ))}
      </ul>
    </section>
  );
}

function FaultItem({ fault, busy }: { fault: LiveFault; busy: boolean }) {
  const words = useWords();
  const language = useLanguage();
  const session = useSession();
  const sending = useStore(session.traffic, (traffic) => traffic.sending);
  const { name, title, symptom, search, shows, injected } = fault;
  return (
    <li className={injected ? "live-fault live-fault-in" : "live-fault"} data-fault={name}>
      <p className="live-title">
        <strong>{inLanguage(title, language)}</strong>
        {injected && (
          <span className="badge badge-bad">
            <Icon shape="warning" />
            {words.live.injected}
          </span>
        )}
      </p>
      <p className="live-acts">
        <button
          type="button"
          className="button"
          disabled={busy}
          onClick={() => session.live.change({ kind: injected ? "revert-fault" : "inject-fault", name })}
        >
          {injected ? words.live.revert : words.live.inject}
        </button>
        <button type="button" className="button" disabled={busy || sending} onClick={() => session.send(shows)}>
          {sending ? words.traffic.sending : words.live.send(wayOf(shows))}
        </button>
      </p>
      <FailedChange kinds={["inject-fault", "revert-fault"]} name={name} />
      <details>
        <summary>{words.live.symptom}</summary>
        <Prose text={inLanguage(symptom, language)} />
      </details>
      <details>
        <summary>{words.live.search}</summary>
        <Prose text={inLanguage(search, language)} />
      </details>
    </li>
  );
}

function wayOf({ from, to, protocol, port, size }: Traffic): string {
  const more = [protocol, port, size === undefined ? undefined : `${size} B`].filter((part) => part !== undefined);
  return `${from} → ${to} ${more.join(" ")}`;
}
