/** The selected hop: why it came about, and its frame. */

import { useStore } from "zustand";
import { useSession } from "../app/page-context.ts";
import { FramePanel } from "../frame/FramePanel.tsx";
import { Why } from "./Why.tsx";

export function HopPanel() {
  const session = useSession();
  const journey = useStore(session.view, (view) => view.journey);
  const selected = useStore(session.view, (view) => view.hop);
  const opened = journey.status === "ready" ? journey.value : undefined;
  const hop = selected === undefined ? undefined : opened?.hops[selected];
  return (
    <div className="hop-panel">
      {opened && hop && selected !== undefined && <Why journey={opened} hop={hop} index={selected} />}
      <FramePanel />
    </div>
  );
}
