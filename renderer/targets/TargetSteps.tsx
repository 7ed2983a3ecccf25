/** The steps of connecting or testing a target: how each went, what was found, and what to do about it. */

import { useId } from "react";
import type { Finding } from "../../preload/contract/lab.ts";
import type { TargetKind, TargetStep } from "../../preload/contract/target.ts";
import { Icon } from "../app/Icon.tsx";
import { useWords } from "../app/page-context.ts";
import { type StepRow, stepRows } from "../state/targets.ts";

interface Props {
  kind: TargetKind;
  steps: readonly TargetStep[];
  running: boolean;
}

export function TargetSteps({ kind, steps, running }: Props) {
  const words = useWords().steps;
  return (
    <ol className="steps" aria-label={words.heading} aria-busy={running}>
      {stepRows(kind, steps, running).map((row) => (
        <li key={row.step} className={`step step-${row.state}`} data-step={row.step} data-state={row.state}>
          <StepMark state={row.state} />
          <span className="step-name">{words.names[row.step]}</span>
          <span className="step-body">
            <span className={row.state === "skipped" ? undefined : "unseen"}>{words.states[row.state]}</span>
            {"detail" in row && row.detail !== "" && <span className="step-detail">{row.detail}</span>}
            {"fix" in row && row.fix !== undefined && <span className="step-fix">{row.fix}</span>}
            {"findings" in row && row.findings && <Findings findings={row.findings} />}
          </span>
        </li>
      ))}
    </ol>
  );
}

function StepMark({ state }: { state: StepRow["state"] }) {
  return (
    <span className={`mark step-mark-${state}`} aria-hidden="true">
      {state === "running" && <span className="spinner" />}
      {state === "ok" && <Icon shape="check" />}
      {state === "warning" && <Icon shape="warning" />}
      {state === "failed" && <Icon shape="close" />}
      {(state === "waiting" || state === "skipped") && <Icon shape="minus" />}
    </span>
  );
}

/** What is missing, each with its fix; then what is there. */
function Findings({ findings }: { findings: readonly Finding[] }) {
  const words = useWords().steps;
  const heading = useId();
  const missing = findings.filter(({ found }) => !found);
  const there = findings.filter(({ found }) => found);
  return (
    <>
      {missing.length > 0 && (
        <ul className="missing" aria-label={words.missing(missing.length)}>
          {missing.map(({ kind, name, detail, fix }) => (
            <li key={`${kind} ${name}`}>
              <span className="finding-name">
                <Icon shape="close" />
                <code>{name}</code>
                <span className="unseen">{words.no}</span>
              </span>
              <span>
                {detail}
                {fix !== undefined && <span className="step-fix"> {fix}</span>}
              </span>
            </li>
          ))}
        </ul>
      )}
      {there.length > 0 && (
        <div className="there">
          <span id={heading} className="unseen">
            {words.there(there.length)}
          </span>
          <ul aria-labelledby={heading}>
            {there.map(({ kind, name, detail }) => (
              <li key={`${kind} ${name}`} className="badge" title={detail}>
                <Icon shape="check" />
                <code>{name}</code>
                <span className="unseen">{words.yes}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}
