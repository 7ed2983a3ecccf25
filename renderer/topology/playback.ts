/** Plays a journey step by step. Pure: time comes in through `tick`. */

import type { Journey } from "../../preload/contract/journey.ts";

export const SPEEDS = [0.5, 1, 2, 4] as const;
export type Speed = (typeof SPEEDS)[number];

export interface Playback {
  /** How many steps there are; 0 without a journey. */
  readonly total: number;
  /** The step that has been reached, from 0. */
  readonly step: number;
  /** How far on the way to the next step, 0 to below 1. Always 0 at the last. */
  readonly fraction: number;
  readonly playing: boolean;
  readonly speed: Speed;
}

/** At speed 1. Real hops are microseconds apart, so steps are evenly long rather than to scale. */
export const STEP_MILLISECONDS = 900;

/**
 * Indexes of the hops that happen in each step. Copies of a flooded packet move at the same time, so a step
 * holds all hops of equal depth. A hop without a known parent comes after the hop before it in time.
 */
export function stepsOf(journey: Journey): number[][] {
  const depths: number[] = [];
  journey.hops.forEach((hop, index) => {
    // A parent comes earlier in the list; anything else would be a loop and counts as unknown.
    const parent = hop.parent !== undefined && hop.parent < index ? hop.parent : index - 1;
    depths.push(index === 0 ? 0 : (depths[parent] ?? 0) + 1);
  });
  const steps: number[][] = [];
  depths.forEach((depth, index) => {
    const step = steps[depth] ?? [];
    step.push(index);
    steps[depth] = step;
  });
  return steps;
}

export function startPlayback(total: number, speed: Speed = 1): Playback {
  return { total, step: 0, fraction: 0, playing: false, speed };
}

function lastStep(playback: Playback): number {
  return Math.max(0, playback.total - 1);
}

function isAtEnd(playback: Playback): boolean {
  return playback.step >= lastStep(playback);
}

/** From the last step it starts over. */
export function play(playback: Playback): Playback {
  if (playback.total < 2) return playback;
  return isAtEnd(playback) ? { ...playback, step: 0, fraction: 0, playing: true } : { ...playback, playing: true };
}

export function pause(playback: Playback): Playback {
  return { ...playback, playing: false };
}

/** Goes to a step and stays there. */
export function seek(playback: Playback, step: number): Playback {
  const whole = Math.round(Math.min(Math.max(step, 0), lastStep(playback)));
  return { ...playback, step: whole, fraction: 0, playing: false };
}

export function next(playback: Playback): Playback {
  return seek(playback, playback.step + 1);
}

/** From between two steps back to the one that was left. */
export function previous(playback: Playback): Playback {
  return seek(playback, playback.fraction > 0 ? playback.step : playback.step - 1);
}

export function setSpeed(playback: Playback, speed: Speed): Playback {
  return { ...playback, speed };
}

/** The journey has grown or shrunk while it was shown: keeps the place where that still exists. */
export function resize(playback: Playback, total: number): Playback {
  const resized = { ...playback, total };
  return playback.step < total ? resized : seek(resized, playback.step);
}

/** Lets `milliseconds` of real time pass. */
export function tick(playback: Playback, milliseconds: number): Playback {
  if (!playback.playing) return playback;
  const at = playback.step + playback.fraction + (milliseconds * playback.speed) / STEP_MILLISECONDS;
  if (at >= lastStep(playback)) return { ...playback, step: lastStep(playback), fraction: 0, playing: false };
  const step = Math.floor(at);
  return { ...playback, step, fraction: at - step };
}
