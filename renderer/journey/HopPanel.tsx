/** The selected hop: why it came about, and its frame. */

import { useStore } from "zustand";
import { interfaceName } from "../../preload/contract/topology.ts";
import { useSession } from "../app/page-context.ts";
import { FramePanel } from "../frame/FramePanel.tsx";
import { Why } from "./Why.tsx";

export function HopPanel() {
  const session = useSession();
  const journey = useStore(session.view, (view) => view.journey);
  const selected = useStore(session.view, (view) => view.hop);
  const hops = journey.status === "ready" ? journey.value.hops : [];
  const lostAt = journey.status === "ready" && journey.value.end === "lost" ? journey.value.lastSeen : undefined;
  const hop = selected === undefined ? undefined : hops[selected];
  return (
    <div className="hop-panel">
      {hop && selected !== undefined && (
        <Why
          hop={hop}
          index={selected}
          total={hops.length}
          isEnd={interfaceName(hop) === lostAt}
          error={journey.status === "ready" ? journey.value.error : undefined}
        />
      )}
      <FramePanel />
    </div>
  );
}
