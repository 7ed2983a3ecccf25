/** How the traffic that was sent last went: how many went out, how many were answered. */

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
