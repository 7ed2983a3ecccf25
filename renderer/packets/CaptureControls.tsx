/** Whether packets are being captured, how many, what was dropped or left out; start and stop. */

import { useStore } from "zustand";
import type { Capture } from "../../preload/contract/calls.ts";
import { useSession, useWords } from "../app/page-context.ts";

export function CaptureControls({ capture, up }: { capture?: Capture; up: boolean }) {
  const words = useWords().captures;
  const session = useSession();
  const { busy } = useStore(session.captureControl);
  return (
    <div className="capture-controls">
      {capture && <Counters capture={capture} />}
      {capture?.running ? (
        <button type="button" className="button" disabled={busy} onClick={session.stopCapture}>
          {words.stop}
        </button>
      ) : (
        up && (
          <button type="button" className="button" disabled={busy} onClick={session.startCapture}>
            {words.start}
          </button>
        )
      )}
    </div>
  );
}

export function Counters({ capture }: { capture: Capture }) {
  const words = useWords().captures;
  return (
    <p className="counters">
      <span className={capture.running ? "live" : "muted"}>
        <span className={capture.running ? "dot dot-live" : "dot"} aria-hidden="true" />
        {capture.running ? words.running : words.stored}
      </span>
      <span className="muted counter-interfaces" title={capture.interfaces.join("\n")}>
        {words.interfaces(capture.interfaces.length)}
      </span>
      <span className="muted numbers">{words.frames(capture.frames)}</span>
      {capture.dropped > 0 && (
        <span className="warn" title={words.droppedWhy} role="status">
          {words.dropped(capture.dropped)}
        </span>
      )}
      {capture.left && capture.left.interfaces.length > 0 && (
        <details className="left">
          <summary>{words.left(capture.left.interfaces.length)}</summary>
          <div className="left-body">
            <p>{capture.left.why}</p>
            <ul>
              {capture.left.interfaces.map((name) => (
                <li key={name}>
                  <code>{name}</code>
                </li>
              ))}
            </ul>
          </div>
        </details>
      )}
    </p>
  );
}
