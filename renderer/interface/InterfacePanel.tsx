/** The live state of the selected interface, each part as its command prints it. */

import { useStore } from "zustand";
import { type InterfaceRef, interfaceName, type Topology } from "../../preload/contract/topology.ts";
import { Command } from "../app/Command.tsx";
import { Empty } from "../app/Empty.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { shownTopology } from "../state/view.ts";

export function InterfacePanel() {
  const words = useWords();
  const session = useSession();
  const view = useStore(session.view);
  const filter = useStore(session.packets, (table) => table.at);
  const ref = view.interface;
  if (!ref) return <Empty title={words.interface.none} fix={words.interface.noneFix} />;
  const name = interfaceName(ref);
  const why = whyOf(shownTopology(view), ref);
  const { state } = view;
  return (
    <div className="interface">
      <div className="interface-head">
        <code>{name}</code>
        <span className="spacer" />
        {filter !== name && (
          <button type="button" className="button button-quiet" onClick={() => session.filterPackets(name)}>
            {words.interface.filter}
          </button>
        )}
        <button
          type="button"
          className="icon-button"
          aria-label={words.page.refresh}
          title={words.page.refresh}
          disabled={view.sandbox === undefined}
          onClick={session.refreshInterface}
        >
          <Icon shape="refresh" />
        </button>
      </div>
      {why !== undefined && <p className="interface-why">{why}</p>}
      {view.sandbox === undefined && <Empty title={words.interface.needsUp} />}
      {state.status === "loading" && <p className="quiet pad">{words.page.loading}</p>}
      {state.status === "failed" && <FaultNote fault={state.fault} onRetry={session.refreshInterface} />}
      {state.status === "ready" &&
        state.value.parts.map((part) => (
          <section key={part.name} className="part">
            <h3>{words.interface.parts[part.name]}</h3>
            <Command text={part.command} />
            {part.text.trim() === "" ? (
              <p className="quiet">{words.interface.empty}</p>
            ) : (
              <pre>{part.text.trimEnd()}</pre>
            )}
          </section>
        ))}
    </div>
  );
}

function whyOf(topology: Topology | undefined, ref: InterfaceRef): string | undefined {
  const namespace = topology?.namespaces.find((candidate) => candidate.name === ref.netns);
  return namespace?.interfaces.find((candidate) => candidate.name === ref.interface)?.why;
}
