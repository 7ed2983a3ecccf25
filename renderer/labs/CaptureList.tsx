/** The stored captures of a lab; each can be opened. */

import { useStore } from "zustand";
import { useSession, useWords } from "../app/page-context.ts";
import { capturesOfLab } from "../state/captures.ts";

export function CaptureList({ lab }: { lab: string }) {
  const words = useWords();
  const session = useSession();
  const captures = useStore(session.captures);
  const shown = useStore(session.view, (view) => view.capture);
  const stored = capturesOfLab(captures, lab);
  const target = useStore(session.labs, (labs) => labs.target);
  // Where all were taken here, here needs no saying.
  const severalTargets = stored.some((capture) => capture.target !== target);
  return (
    <section className="captures" aria-label={words.captures.heading}>
      <h3>{words.captures.heading}</h3>
      {stored.length === 0 && <p className="quiet">{words.captures.none}</p>}
      <ul>
        {stored.map((capture) => (
          <li key={capture.id}>
            <button
              type="button"
              className="capture"
              aria-current={capture.id === shown ? "true" : undefined}
              title={capture.file}
              onClick={() => session.openCapture(capture.id)}
            >
              <span>{words.captures.when(new Date(capture.startedAt))}</span>
              <span className="muted">
                {severalTargets && <code>{capture.target} </code>}
                {words.captures.packets(capture.packets)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
