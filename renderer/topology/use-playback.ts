/** Drives a playback with the browser's frames. React renders once per step; the overlay reads every frame. */

import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { Journey } from "../../preload/contract/journey.ts";
import {
  next,
  type Playback,
  pause,
  play,
  previous,
  resize,
  type Speed,
  seek,
  setSpeed,
  startPlayback,
  stepsOf,
  tick,
} from "./playback.ts";

/** One journey being played. The object stays the same while its state changes. */
export class PlaybackPlayer {
  #state: Playback;
  /** The state at the last change that React has to show: all but the fraction. */
  #shown: Playback;
  #frame: number | undefined;
  #last = 0;
  readonly #listeners = new Set<() => void>();
  readonly #watchers = new Set<() => void>();

  constructor(total: number, speed: Speed) {
    this.#state = startPlayback(total, speed);
    this.#shown = this.#state;
  }

  /** The state of this very moment, fraction included. */
  readonly read = (): Playback => this.#state;
  /** The state as of the last step, play, pause or change of speed. */
  readonly readShown = (): Playback => this.#shown;

  /** Calls back at each step, play, pause and change of speed. Returns how to stop that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  /** Calls back at every change, up to once a frame. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  readonly play = (): void => this.#set(play(this.#state));
  readonly pause = (): void => this.#set(pause(this.#state));
  readonly toggle = (): void => (this.#state.playing ? this.pause() : this.play());
  readonly next = (): void => this.#set(next(this.#state));
  readonly previous = (): void => this.#set(previous(this.#state));
  readonly seek = (step: number): void => this.#set(seek(this.#state, step));
  readonly setSpeed = (speed: Speed): void => this.#set(setSpeed(this.#state, speed));
  readonly resize = (total: number): void => this.#set(resize(this.#state, total));

  /** Stops the clock; `play` starts it again. */
  readonly dispose = (): void => {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
  };

  #set(state: Playback): void {
    if (state === this.#state) return;
    this.#state = state;
    const shown = this.#shown;
    if (
      state.step !== shown.step ||
      state.playing !== shown.playing ||
      state.speed !== shown.speed ||
      state.total !== shown.total
    ) {
      this.#shown = state;
      for (const listener of this.#listeners) listener();
    }
    for (const watcher of this.#watchers) watcher();
    if (state.playing && this.#frame === undefined) {
      this.#last = performance.now();
      this.#frame = requestAnimationFrame(this.#onFrame);
    }
  }

  readonly #onFrame = (now: number): void => {
    this.#frame = undefined;
    // A frame's stamp can lie before the click that started the clock; a hidden page can stop it for long.
    const passed = Math.min(Math.max(now - this.#last, 0), 100);
    this.#last = now;
    this.#set(tick(this.#state, passed));
    if (this.#state.playing && this.#frame === undefined) this.#frame = requestAnimationFrame(this.#onFrame);
  };
}

/** A person who chose a speed wants it for the next packet too. */
let rememberedSpeed: Speed = 1;

export interface Player {
  player: PlaybackPlayer;
  /** As of the last step, play, pause or change of speed. */
  playback: Playback;
}

export interface PlayingJourney extends Player {
  /** Indexes of the hops of each step. */
  steps: number[][];
}

/**
 * Plays `journey` from its first step as soon as it is given. `identity` tells one journey from another
 * (ids are unique within a capture only); the same journey with more hops goes on where it is.
 */
export function usePlayback(
  journey: Journey | undefined,
  { identity = journey === undefined ? "" : String(journey.id), autoplay = true } = {},
): PlayingJourney {
  const steps = useMemo(() => (journey === undefined ? [] : stepsOf(journey)), [journey]);
  return { ...usePlayer(steps.length, { identity, autoplay }), steps };
}

/** Plays so many steps, from the first one as soon as there are other ones by `identity`. */
export function usePlayer(
  total: number,
  { identity, autoplay = true }: { identity: string; autoplay?: boolean },
): Player {
  // A new journey gets a new player; its growth is handled below.
  const player = useMemo(() => new PlaybackPlayer(total, rememberedSpeed), [identity]);
  useEffect(() => player.resize(total), [player, total]);
  useEffect(() => {
    if (autoplay) player.play();
    const forget = player.subscribe(() => {
      rememberedSpeed = player.read().speed;
    });
    return () => {
      forget();
      player.dispose();
    };
  }, [player, autoplay]);
  const playback = useSyncExternalStore(player.subscribe, player.readShown);
  return { player, playback };
}
