/** What can be changed in the lab that is up: faults to inject and find, nodes that join, leave and move, agents. */

import { useStore } from "zustand";
import { Empty } from "../app/Empty.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { FaultList } from "./FaultList.tsx";
import { NodeList } from "./NodeList.tsx";

export function LivePanel() {
  const words = useWords();
  const session = useSession();
  const sandbox = useStore(session.view, (view) => view.sandbox);
  const { live, changing } = useStore(session.live.state);
  if (sandbox === undefined) return <Empty title={words.live.notUp} fix={words.live.notUpFix} />;
  return (
    <div className="live-panel">
      <div className="live-doing" role="status">
        {changing && (
          <div className="building">
            <progress
              max={changing.progress?.total ?? 1}
              value={changing.progress?.done}
              aria-label={words.live.changing}
            />
            <p className="building-why">{changing.progress?.why ?? words.live.changing}</p>
            <p className="building-foot">
              <span className="muted">
                {changing.progress && words.labs.step(changing.progress.done, changing.progress.total)}
              </span>
              <button type="button" className="button" onClick={session.live.cancel}>
                {words.page.cancel}
              </button>
            </p>
          </div>
        )}
      </div>
      {live.status === "loading" && <p className="quiet pad">{words.page.loading}</p>}
      {live.status === "failed" && <FaultNote fault={live.fault} onRetry={session.live.reload} />}
      {live.status === "ready" && (
        <>
          <FaultList faults={live.value.faults} busy={changing !== undefined} />
          <NodeList nodes={live.value.nodes} busy={changing !== undefined} />
        </>
      )}
    </div>
  );
}
