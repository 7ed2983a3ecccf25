/** An expected failure, told in full: what happened, what to try, the problems found, the command and its output. */

import type { ReactNode } from "react";
import type { Fault } from "../../preload/contract/result.ts";
import { Icon } from "./Icon.tsx";
import { useWords } from "./page-context.ts";

interface Props {
  fault: Fault;
  onRetry?: () => void;
  onDismiss?: () => void;
  /** More that can be done about it. */
  children?: ReactNode;
}

export function FaultNote({ fault, onRetry, onDismiss, children }: Props) {
  const words = useWords();
  const { command, problems } = fault;
  return (
    <div className="fault" role="alert">
      <p className="fault-title">
        <Icon shape="warning" />
        <strong>{words.fault.codes[fault.code]}</strong>
        {onDismiss && (
          <button type="button" className="icon-button" aria-label={words.fault.dismiss} onClick={onDismiss}>
            <Icon shape="close" />
          </button>
        )}
      </p>
      <p className="fault-message">{fault.message}</p>
      {fault.fix !== undefined && <p className="fault-fix">{fault.fix}</p>}
      {problems && problems.length > 0 && (
        <ul className="problems">
          {problems.map((problem) => (
            <li key={`${problem.file}:${problem.line}:${problem.column}:${problem.message}`}>
              <code>{`${problem.file}:${problem.line}:${problem.column}`}</code>
              <span>{problem.message}</span>
            </li>
          ))}
        </ul>
      )}
      {command && (
        <details>
          <summary>{words.fault.command}</summary>
          {command.why !== undefined && <p>{command.why}</p>}
          <pre>{command.argv.join(" ")}</pre>
          <p className="muted">{words.fault.exit(command.exitCode, command.signal)}</p>
          <pre>{command.stderr.trim() === "" ? words.fault.silent : command.stderr}</pre>
        </details>
      )}
      {children}
      {onRetry && (
        <button type="button" className="button" onClick={onRetry}>
          {words.page.retry}
        </button>
      )}
    </div>
  );
}
