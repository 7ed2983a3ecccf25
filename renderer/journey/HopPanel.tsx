/** The selected hop: why it came about, and its frame. */

import { useStore } from "zustand";
import { useSession } from "../app/page-context.ts";
import { FramePanel } from "../frame/FramePanel.tsx";
import { Why } from "./Why.tsx";

export function HopPanel() {
  const session = useSession();
  const journey = useStore(session.view, (view) => view.journey);
  const selected = useStore(session.view, (view) => view.hop);
  const hops = journey.status === "ready" ? journey.value.hops : [];
  const hop = selected === undefined ? undefined : hops[selected];
  return (
    <div className="hop-panel">
      {hop && selected !== undefined && <Why hop={hop} index={selected} total={hops.length} />}
      <FramePanel />
    </div>
  );
}
