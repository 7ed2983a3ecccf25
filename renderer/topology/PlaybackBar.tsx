/** Play, pause, step, scrub and speed for the journey that is shown. */

import type { KeyboardEvent } from "react";
import { PathIcon } from "./PathIcon.tsx";
import { SPEEDS } from "./playback.ts";
import type { Player } from "./use-playback.ts";

interface PlaybackWords {
  /** Names the whole bar. */
  playback: string;
  play: string;
  pause: string;
  next: string;
  previous: string;
  speed: string;
  /** Which step of how many, both from 1. */
  step: (step: number, total: number) => string;
}

interface PlaybackBarProps {
  playing: Player;
  words: PlaybackWords;
}

/** Within the bar Space plays and pauses, the arrows step, Home and End go to the ends. */
export function PlaybackBar({ playing: { player, playback }, words }: PlaybackBarProps) {
  const { step, total } = playback;
  const isEmpty = total < 2;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isSelect = event.target instanceof HTMLSelectElement;
    const isButton = event.target instanceof HTMLButtonElement;
    if (isSelect) return;
    if (event.key === " " && !isButton) player.toggle();
    else if (event.key === "ArrowRight") player.next();
    else if (event.key === "ArrowLeft") player.previous();
    else if (event.key === "Home") player.seek(0);
    else if (event.key === "End") player.seek(total - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a form's meaning with it.
    <div className="playback" role="group" aria-label={words.playback} onKeyDown={onKeyDown}>
      <button
        type="button"
        disabled={isEmpty || step === 0}
        onClick={player.previous}
        aria-label={words.previous}
        title={words.previous}
      >
        <PathIcon path="M11 3 6 8l5 5M4 3v10" />
      </button>
      <button
        type="button"
        className="playback-play"
        disabled={isEmpty}
        onClick={player.toggle}
        aria-label={playback.playing ? words.pause : words.play}
        title={playback.playing ? words.pause : words.play}
      >
        <PathIcon path={playback.playing ? "M5.5 3v10M10.5 3v10" : "M5 3l8 5-8 5z"} />
      </button>
      <button
        type="button"
        disabled={isEmpty || step >= total - 1}
        onClick={player.next}
        aria-label={words.next}
        title={words.next}
      >
        <PathIcon path="M5 3l5 5-5 5M12 3v10" />
      </button>
      <input
        type="range"
        min={0}
        max={Math.max(0, total - 1)}
        step={1}
        value={step}
        disabled={isEmpty}
        onChange={(event) => player.seek(event.target.valueAsNumber)}
        aria-label={words.playback}
        aria-valuetext={words.step(Math.min(step + 1, total), total)}
      />
      <output className="playback-step">{words.step(Math.min(step + 1, total), total)}</output>
      <select
        value={playback.speed}
        onChange={(event) => {
          const chosen = SPEEDS.find((speed) => String(speed) === event.target.value);
          if (chosen !== undefined) player.setSpeed(chosen);
        }}
        aria-label={words.speed}
        title={words.speed}
      >
        {SPEEDS.map((speed) => (
          <option key={speed} value={speed}>
            {speed}×
          </option>
        ))}
      </select>
    </div>
  );
}
