/** How a test went, or goes; and the steps of connecting while that is under way. */

import { useStore } from "zustand";
import type { TargetKind, TargetStep } from "../../preload/contract/target.ts";
import { FaultNote } from "../app/FaultNote.tsx";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { TargetSteps } from "./TargetSteps.tsx";

export function TargetTest({ kind, connecting }: { kind: TargetKind; connecting?: readonly TargetStep[] }) {
  const words = useWords().targets;
  const { targets } = useSession();
  const { source, running, steps, ok, fault } = useStore(targets.testing);
  if (connecting && !running) {
    return (
      <section className="target-test" aria-label={words.connecting}>
        <h4>{words.connecting}</h4>
        <TargetSteps kind={kind} steps={connecting} running />
      </section>
    );
  }
  if (!source) return null;
  const lacks = steps.some(({ state }) => state === "warning");
  return (
    <section className="target-test" aria-label={words.testHeading}>
      <h4>
        {words.testHeading}
        <span role="status">
          {running && <span className="muted">{words.testRunning}</span>}
          {!running && ok === true && (
            <span className={lacks ? "warn" : "ok"}>
              <Icon shape={lacks ? "warning" : "check"} /> {lacks ? words.testWarns : words.testOk}
            </span>
          )}
          {!running && ok === false && (
            <span className="bad">
              <Icon shape="close" /> {words.testFailed}
            </span>
          )}
          {!running && ok === undefined && !fault && <span className="muted">{words.testCancelled}</span>}
        </span>
      </h4>
      {fault && <FaultNote fault={fault} />}
      {(running || steps.length > 0) && <TargetSteps kind={kind} steps={steps} running={running} />}
    </section>
  );
}
