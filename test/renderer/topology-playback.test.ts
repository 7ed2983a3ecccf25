/** Playing a journey step by step. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  next,
  pause,
  play,
  previous,
  resize,
  SPEEDS,
  STEP_MILLISECONDS,
  seek,
  setSpeed,
  startPlayback,
  stepsOf,
  tick,
} from "../../renderer/topology/playback.ts";
import { floodJourney, vxlanJourney } from "./topology-fixture.ts";

describe("stepsOf", () => {
  test("a ping through a tunnel takes one step for each interface", () => {
    expect(stepsOf(vxlanJourney([2, 2, 1]))).toEqual(Array.from({ length: 12 }, (_, index) => [index]));
  });

  test("copies of a flooded frame move at the same time", () => {
    expect(stepsOf(floodJourney(["red", "green", "blue", "amber"]))).toEqual([[0], [1], [2, 3, 4], [5, 6, 7]]);
  });

  test("a hop whose parent is unknown comes after the hop before it", () => {
    const journey = floodJourney(["red", "green"]);
    const hops = journey.hops.map((hop, index) => (index === 2 ? { ...hop, parent: undefined } : hop));
    expect(stepsOf({ ...journey, hops })).toEqual([[0], [1], [2], [3]]);
  });

  test("a parent that comes later in the list makes no endless loop", () => {
    const journey = vxlanJourney([1, 1]);
    const hops = journey.hops.slice(0, 3).map((hop, index) => ({ ...hop, parent: (index + 1) % 3 }));
    expect(stepsOf({ ...journey, hops })).toEqual([[0], [1, 2]]);
  });

  test("a journey without hops has no steps", () => {
    expect(stepsOf({ ...vxlanJourney([1, 1]), hops: [] })).toEqual([]);
  });
});

describe("playback", () => {
  test("playing for one step's time reaches the next hop", () => {
    const playing = tick(play(startPlayback(12)), STEP_MILLISECONDS);
    expect(playing).toMatchObject({ step: 1, fraction: 0, playing: true });
  });

  test("at the last hop it stops, and playing again starts over", () => {
    const over = tick(play(startPlayback(3)), 10 * STEP_MILLISECONDS);
    expect(over).toMatchObject({ step: 2, fraction: 0, playing: false });
    expect(play(over)).toMatchObject({ step: 0, playing: true });
  });

  test("a pause between two hops is taken up again where it was", () => {
    const half = tick(play(startPlayback(5)), STEP_MILLISECONDS * 1.5);
    const paused = tick(pause(half), STEP_MILLISECONDS);
    expect(paused).toMatchObject({ step: 1, playing: false });
    expect(play(paused).fraction).toBeCloseTo(0.5);
  });

  test("stepping goes from hop to hop, and back from between two hops to the one that was left", () => {
    const half = tick(play(startPlayback(5)), STEP_MILLISECONDS * 1.5);
    expect(next(half)).toMatchObject({ step: 2, fraction: 0, playing: false });
    expect(previous(half)).toMatchObject({ step: 1, fraction: 0 });
    expect(previous(previous(half))).toMatchObject({ step: 0 });
    expect(previous(startPlayback(5))).toMatchObject({ step: 0 });
  });

  test("twice the speed takes half the time", () => {
    const fast = tick(play(setSpeed(startPlayback(12), 2)), STEP_MILLISECONDS);
    expect(fast.step).toBe(2);
  });

  test("a journey that grows keeps its place, one that shrinks goes to its end", () => {
    const at = seek(startPlayback(4), 3);
    expect(resize(at, 9)).toMatchObject({ step: 3, total: 9 });
    expect(resize(at, 2)).toMatchObject({ step: 1, total: 2 });
  });

  test("a journey of one hop or none can't be played", () => {
    expect(play(startPlayback(0)).playing).toBe(false);
    expect(play(startPlayback(1)).playing).toBe(false);
  });

  test("whatever is pressed, the step stays within the journey", () => {
    const press = fc.oneof(
      fc.constant(play),
      fc.constant(pause),
      fc.constant(next),
      fc.constant(previous),
      fc.integer({ min: -5, max: 40 }).map((step) => (playback: ReturnType<typeof play>) => seek(playback, step)),
      fc.constantFrom(...SPEEDS).map((speed) => (playback: ReturnType<typeof play>) => setSpeed(playback, speed)),
      fc.integer({ min: 0, max: 5000 }).map((time) => (playback: ReturnType<typeof play>) => tick(playback, time)),
      fc.nat({ max: 20 }).map((total) => (playback: ReturnType<typeof play>) => resize(playback, total)),
    );
    fc.assert(
      fc.property(fc.nat({ max: 20 }), fc.array(press, { maxLength: 60 }), (total, presses) => {
        let playback = startPlayback(total);
        for (const each of presses) {
          playback = each(playback);
          expect(playback.step).toBeGreaterThanOrEqual(0);
          expect(playback.step).toBeLessThanOrEqual(Math.max(0, playback.total - 1));
          expect(playback.fraction).toBeGreaterThanOrEqual(0);
          expect(playback.fraction).toBeLessThan(1);
        }
      }),
    );
  });
});
