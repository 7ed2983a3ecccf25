/** The state of a target as a mark of its own shape, never by colour alone. The word stands beside it. */

import type { TargetSummary } from "../../preload/contract/target.ts";
import { Icon } from "../app/Icon.tsx";

export function TargetMark({ state }: { state: TargetSummary["state"] }) {
  return (
    <span className={`mark mark-${state}`} aria-hidden="true">
      {state === "connecting" && <span className="spinner" />}
      {(state === "idle" || state === "connected") && <span className={state === "idle" ? "dot" : "dot dot-up"} />}
      {state === "lost" && <Icon shape="warning" />}
      {state === "failed" && <Icon shape="close" />}
      {state === "unusable" && <Icon shape="forbidden" />}
    </span>
  );
}
