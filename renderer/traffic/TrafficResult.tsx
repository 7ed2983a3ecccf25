/** How the traffic that was sent last went: how many went out, how many were answered, what the sender was told. */

import { useStore } from "zustand";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";

export function TrafficResult() {
  const words = useWords().traffic;
  const session = useSession();
  const { sent, sending } = useStore(session.traffic);
  const missing = sent !== undefined && sent.received < sent.sent;
  return (
    <p className="traffic-result" role="status">
      {sent && !sending && (
        <span className={missing ? "warn" : "ok"} title={sent.output}>
          <Icon shape={missing ? "warning" : "check"} /> {words.result(sent.sent, sent.received)}
        </span>
      )}
    </p>
  );
}

/** What ping and its like said of what was not answered: `Frag needed and DF set (mtu = 1450)`. */
export function TrafficComplaints() {
  const words = useWords().traffic;
  const { sent, sending } = useStore(useSession().traffic);
  if (!sent || sending || sent.received >= sent.sent || sent.complaints.length === 0) return null;
  return (
    <section className="traffic-complaints" aria-label={words.complaints}>
      <strong>{words.complaints}</strong>
      {sent.complaints.map((line) => (
        <code key={line}>{line}</code>
      ))}
    </section>
  );
}
