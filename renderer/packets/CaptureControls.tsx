/** Whether packets are being captured, how many, what was dropped or left out; start and stop. */

import { Popover } from "radix-ui";
import { useStore } from "zustand";
import type { Capture, CaptureGap } from "../../preload/contract/calls.ts";
import { Icon } from "../app/Icon.tsx";
import { useSession, useWords } from "../app/page-context.ts";
import { useNow } from "../app/use-now.ts";

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
    <div className="counters">
      <CaptureState capture={capture} />
      <span className="muted counter-interfaces" title={capture.interfaces.join("\n")}>
        {words.interfaces(capture.interfaces.length)}
      </span>
      <span className="muted numbers">{words.frames(capture.frames)}</span>
      {capture.dropped > 0 && (
        <span className="warn" title={words.droppedWhy} role="status">
          {words.dropped(capture.dropped)}
        </span>
      )}
      <Holes capture={capture} />
    </div>
  );
}

function CaptureState({ capture }: { capture: Capture }) {
  const words = useWords().captures;
  if (capture.running && capture.stalledSince !== undefined) {
    return (
      <span className="warn">
        <Icon shape="warning" />
        {words.stalled}
      </span>
    );
  }
  return (
    <span className={capture.running ? "live" : "muted"}>
      <span className={capture.running ? "dot dot-live" : "dot"} aria-hidden="true" />
      {capture.running ? words.running : words.stored}
    </span>
  );
}

/** What the capture can't know: times and interfaces at which nothing could be seen, each with its reason. */
function Holes({ capture }: { capture: Capture }) {
  const words = useWords().captures;
  const { gaps, failed = [], left } = capture;
  const parts = [
    gaps.length > 0 && words.gaps(gaps.length),
    failed.length > 0 && words.failed(failed.length),
    left && left.interfaces.length > 0 && words.left(left.interfaces.length),
  ].filter((part) => part !== false && part !== undefined);
  if (parts.length === 0) return null;
  return (
    <Popover.Root>
      <Popover.Trigger className="holes-button">
        {parts.join(" · ")}
        <Icon shape="down" />
      </Popover.Trigger>
      {/* In a portal: the panels cut off what stands over their edge. */}
      <Popover.Portal>
        <Popover.Content className="holes" side="top" align="end" sideOffset={6} collisionPadding={8}>
          <HoleList capture={capture} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

export function HoleList({ capture: { gaps, failed = [], left } }: { capture: Capture }) {
  const words = useWords().captures;
  return (
    <>
      {gaps.length > 0 && (
        <section>
          <h3>{words.gaps(gaps.length)}</h3>
          <p className="quiet">{words.gapsWhy}</p>
          <ul>
            {gaps.map((gap) => (
              <li key={gap.from}>
                <GapSpan gap={gap} />
                <span>{gap.why}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {failed.length > 0 && (
        <section>
          <h3>{words.failed(failed.length)}</h3>
          <ul>
            {failed.map((one) => (
              <li key={one.interface}>
                <code>{one.interface}</code>
                <span>{one.why}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {left && left.interfaces.length > 0 && (
        <section>
          <h3>{words.left(left.interfaces.length)}</h3>
          <p>{left.why}</p>
          <ul>
            {left.interfaces.map((name) => (
              <li key={name}>
                <code>{name}</code>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** `10:04:12 – 10:04:40 · 28 s` */
function GapSpan({ gap: { from, to } }: { gap: CaptureGap }) {
  const words = useWords();
  const { clock, gapOpen } = words.captures;
  return (
    <strong className="numbers">
      {clock(new Date(from))} – {to === undefined ? gapOpen : clock(new Date(to))}
      {to !== undefined && (
        <span className="muted"> · {words.labs.age(Math.max(1, Math.round((to - from) / 1000)))}</span>
      )}
    </strong>
  );
}

/** Tells a capture that hears nothing of its target from one that sees no packets. */
export function StalledNote({ capture }: { capture: Capture }) {
  const words = useWords();
  const { running, stalledSince, target } = capture;
  const stalled = running && stalledSince !== undefined;
  const now = useNow(stalled);
  if (!stalled) return null;
  const silent = words.labs.age(Math.max(0, Math.floor((now - stalledSince) / 1000)));
  return (
    <p className="packet-notice">
      <Icon shape="warning" />
      <strong className="numbers">{words.captures.nothingHeard(target, silent)}</strong>
      <span>{words.captures.nothingHeardWhy}</span>
    </p>
  );
}
