/** In the header: how far connecting the current target, or building and starting the VM, has come. */

import { useStore } from "zustand";
import type { TargetKind, TargetStep } from "../../preload/contract/target.ts";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { currentTarget, stepRows } from "../state/targets.ts";

export function Activity() {
  const words = useWords();
  const { targets, vm } = useSession();
  const state = useStore(targets.state);
  const { doing, progress, fault } = useStore(vm.state);
  const target = currentTarget(state);
  const steps = target && state.connecting[target.name];

  if (doing === "build" || doing === "up") {
    return (
      <div className="activity" role="status">
        <span className="spinner" aria-hidden="true" />
        <button type="button" className="activity-text" onClick={() => targets.openDialog({ target: "vm" })}>
          <span>{words.vm.doing[doing]}</span>
          {progress && <span className="numbers">{words.vm.step(progress.done, progress.total)}</span>}
          {progress && <span className="muted activity-why">{progress.why}</span>}
        </button>
        <button type="button" className="button button-quiet" onClick={vm.cancel}>
          {words.page.cancel}
        </button>
      </div>
    );
  }
  if (target && steps) {
    return (
      <div className="activity activity-late" role="status">
        <StepDots kind={target.kind} steps={steps} />
        <button type="button" className="activity-text" onClick={() => targets.openDialog({ target: target.name })}>
          <span>{words.targets.connectingTo(target.name)}</span>
          <span className="muted activity-why">{nameOfLast(steps, words.steps.names)}</span>
        </button>
        <button type="button" className="button button-quiet" onClick={() => targets.cancelConnect(target.name)}>
          {words.page.cancel}
        </button>
      </div>
    );
  }
  if (fault && state.dialog === undefined) {
    return (
      <div className="activity" role="status">
        <button type="button" className="activity-text bad" onClick={() => targets.openDialog({ target: "vm" })}>
          <Icon shape="warning" />
          <span>{words.vm.failed}</span>
          <span className="activity-why">{fault.message}</span>
        </button>
        <button type="button" className="icon-button" aria-label={words.fault.dismiss} onClick={vm.dismissFault}>
          <Icon shape="close" />
        </button>
      </div>
    );
  }
  return null;
}

function nameOfLast(steps: readonly TargetStep[], names: Record<TargetStep["step"], string>): string | undefined {
  const last = steps.at(-1);
  return last && names[last.step];
}

/** One dot for each step that there will be. */
function StepDots({ kind, steps }: { kind: TargetKind; steps: readonly TargetStep[] }) {
  const rows = stepRows(kind, steps, true);
  return (
    <span className="step-dots" aria-hidden="true">
      {rows.map(({ step, state }) => (
        <span key={step} className={`step-dot step-dot-${state}`} />
      ))}
    </span>
  );
}
