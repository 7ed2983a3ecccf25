/** In the header, while faults are injected in the lab that is shown: how many, and the way to them. */

import { useStore } from "zustand";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { injectedFaults } from "../state/live-session.ts";

export function FaultBadge() {
  const words = useWords().live;
  const session = useSession();
  const count = useStore(session.live.state, (state) => injectedFaults(state).length);
  if (count === 0) return null;
  return (
    <button type="button" className="fault-badge" onClick={() => session.showTab("live")}>
      <Icon shape="warning" />
      {words.faultsIn(count)}
    </button>
  );
}
