/** One target: where and what it is; use, connect, test and remove it. The built-in VM has its own things to do besides. */

import { type ReactNode, useState } from "react";
import { useStore } from "zustand";
import type { TargetSummary } from "../../preload/contract/target.ts";
import { Confirm } from "../app/Confirm.tsx";
import { FaultNote } from "../app/FaultNote.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { targetNamed } from "../state/targets.ts";
import { Facts } from "./Facts.tsx";
import { TargetMark } from "./TargetMark.tsx";
import { TargetTest } from "./TargetTest.tsx";
import { VmPanel } from "./VmPanel.tsx";

export function TargetPanel({ name }: { name: string }) {
  const words = useWords();
  const { targets, vm } = useSession();
  const state = useStore(targets.state);
  const { status, doing } = useStore(vm.state);
  const testing = useStore(targets.testing);
  const [asksRemoval, setAsksRemoval] = useState(false);
  const target = targetNamed(state, name);
  if (!target) return null;
  const connecting = state.connecting[name];
  const isCurrent = state.current === name;
  const isConnected = target.state === "connected" || target.state === "lost";
  const isBuiltIn = target.kind === "local" || target.kind === "vm";
  const isReady = target.kind !== "vm" || status?.state === "running";
  const fault = state.faults[name] ?? (target.kind === "vm" && !isReady ? undefined : target.fault);

  return (
    <>
      <header className="target-head">
        <h3>
          <code>{name}</code>
        </h3>
        <span className="muted">{words.targets.kinds[target.kind]}</span>
        {isReady && (
          <span className={`target-state target-${target.state}`}>
            <TargetMark state={target.state} />
            {words.targets.states[target.state]}
          </span>
        )}
      </header>
      {target.kind === "vm" && <VmPanel />}
      {isReady && <TargetFacts target={target} />}
      {fault && <FaultNote fault={fault} onDismiss={state.faults[name] && (() => targets.dismissFault(name))} />}
      {isReady && (
        <div className="acts">
          {isCurrent ? (
            <span className="muted acts-note">{words.targets.isCurrent}</span>
          ) : (
            target.state !== "unusable" && (
              <button
                type="button"
                className="button button-main"
                disabled={doing !== undefined && target.kind === "vm"}
                onClick={() => targets.use(name)}
              >
                {words.targets.use(name)}
              </button>
            )
          )}
          {connecting ? (
            <button type="button" className="button" onClick={() => targets.cancelConnect(name)}>
              {words.page.cancel}
            </button>
          ) : isConnected ? (
            target.kind !== "local" && (
              <button type="button" className="button" onClick={() => targets.disconnect(name)}>
                {words.targets.disconnect}
              </button>
            )
          ) : (
            target.state !== "unusable" && (
              <button type="button" className="button" onClick={() => targets.connect(name)}>
                {words.targets.connect}
              </button>
            )
          )}
          {testing.running ? (
            <button type="button" className="button" onClick={targets.cancelTest}>
              {words.targets.cancelTest}
            </button>
          ) : (
            <button type="button" className="button" onClick={() => targets.test({ target: name })}>
              {words.targets.test}
            </button>
          )}
          <span className="spacer" />
          {!isBuiltIn && !asksRemoval && (
            <button type="button" className="button" onClick={() => setAsksRemoval(true)}>
              {words.targets.remove}
            </button>
          )}
        </div>
      )}
      {asksRemoval && (
        <Confirm
          question={words.targets.removeQuestion(name)}
          yes={words.targets.removeYes}
          no={words.targets.removeNo}
          onYes={() => void targets.remove(name)}
          onNo={() => setAsksRemoval(false)}
        />
      )}
      {isReady && <TargetTest kind={target.kind} connecting={connecting} />}
    </>
  );
}

function TargetFacts({ target }: { target: TargetSummary }) {
  const words = useWords().targets;
  const facts: [string, ReactNode][] = [];
  // The VM has told where it is already.
  if (target.address !== "" && target.kind !== "vm")
    facts.push([words.facts.address, <code key="address">{target.address}</code>]);
  if (target.runsAs) facts.push([words.facts.runsAs, words.runsAsLong[target.runsAs]]);
  if (target.kernel !== undefined) facts.push([words.facts.kernel, <code key="kernel">{target.kernel}</code>]);
  if (target.clockOffset !== undefined && Math.abs(target.clockOffset) >= 1000) {
    facts.push([words.facts.clock, words.clock(target.clockOffset)]);
  }
  if (facts.length === 0) return null;
  return <Facts facts={facts} />;
}
