/** Over the workbench: why the current target can't be used now, what happens next, and what to do. */

import { type ReactNode, useRef } from "react";
import { useStore } from "zustand";
import type { TargetSummary } from "../../preload/contract/target.ts";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { useNow } from "../app/use-now.ts";
import { currentTarget } from "../state/targets.ts";

export function TargetBar() {
  const { targets } = useSession();
  const state = useStore(targets.state);
  const target = currentTarget(state);
  const trouble = useRef<TargetSummary>(undefined);
  const busy = target !== undefined && (target.name in state.connecting || target.state === "connecting");
  // While it is tried again the bar stays as it was, so that nothing jumps; a first try is told in the header.
  if (trouble.current?.name !== target?.name || target?.state === "connected") trouble.current = undefined;
  if (!busy && target && target.state !== "connected") trouble.current = target;
  const shown = trouble.current;
  if (!shown) return null;
  const fault = state.faults[shown.name] ?? shown.fault;
  return <Bar target={fault ? { ...shown, fault } : shown} busy={busy} />;
}

function Bar({ target, busy }: { target: TargetSummary; busy: boolean }) {
  const words = useWords();
  const { targets, vm } = useSession();
  const { status, doing } = useStore(vm.state);
  const { name, state, fault } = target;
  const isStoppedVm = target.kind === "vm" && status?.state !== "running";
  const tell = () => targets.openDialog({ target: name });

  let title: ReactNode = words.targets.bar.idle(name);
  if (state === "lost") title = <Lost target={target} />;
  else if (isStoppedVm) title = words.vm.notRunning;
  else if (state === "failed") title = words.targets.bar.failed(name);
  else if (state === "unusable") title = words.targets.bar.unusable(name);

  return (
    <section className={`banner target-bar bar-${state}`} aria-label={words.targets.bar.heading}>
      <span className="mark" aria-hidden="true">
        <Icon shape={state === "idle" ? "minus" : "warning"} />
      </span>
      <div className="bar-text">
        <p>
          <strong role="status">{title}</strong>
          {state === "lost" && <RetryTime target={target} busy={busy} />}
        </p>
        {fault && !isStoppedVm && (
          <p>
            <span>{fault.message}</span>
            {fault.fix !== undefined && <span className="muted">{fault.fix}</span>}
          </p>
        )}
      </div>
      {busy ? (
        <button type="button" className="button" onClick={() => targets.cancelConnect(name)}>
          {words.page.cancel}
        </button>
      ) : isStoppedVm && state !== "lost" ? (
        <button type="button" className="button" disabled={doing !== undefined} onClick={vm.startAndUse}>
          {words.vm.start}
        </button>
      ) : (
        state !== "unusable" && (
          <button type="button" className="button" onClick={() => targets.connect(name)}>
            {state === "lost" ? words.targets.tryNow : state === "failed" ? words.page.retry : words.targets.connect}
          </button>
        )
      )}
      {state === "unusable" && target.kind !== "vm" && (
        <button type="button" className="button" disabled={doing !== undefined} onClick={vm.startAndUse}>
          {words.vm.use}
        </button>
      )}
      <button type="button" className="button" onClick={tell}>
        {state === "failed" ? words.targets.testMore : words.targets.manage}
      </button>
    </section>
  );
}

function Lost({ target }: { target: TargetSummary }) {
  const words = useWords();
  const now = useNow(true);
  if (target.since === undefined) return words.targets.bar.lost(target.name);
  const seconds = Math.max(0, Math.floor((now - target.since) / 1000));
  // The clock that ticks is no news to a screen reader.
  return (
    <>
      <span className="unseen">{words.targets.bar.lost(target.name)}</span>
      <span aria-hidden="true">{words.targets.bar.lostSince(target.name, words.labs.age(seconds))}</span>
    </>
  );
}

function RetryTime({ target: { retryAt }, busy }: { target: TargetSummary; busy: boolean }) {
  const words = useWords();
  const now = useNow(retryAt !== undefined);
  if (!busy && retryAt === undefined) return null;
  const seconds = retryAt === undefined ? 0 : Math.ceil((retryAt - now) / 1000);
  const waits = !busy && seconds > 0;
  return (
    <span className="numbers">
      {waits ? words.targets.bar.retryIn(words.labs.age(seconds)) : words.targets.bar.retrying}
    </span>
  );
}
