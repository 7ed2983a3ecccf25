/** Every lab that comes with Hoplab is built by the command line, does what its checks say, and ends without a trace. */

import { afterAll, afterEach, describe, expect, it } from "vitest";
import { newTraces, traces, until, Workplace } from "./hoplab.ts";
import { labsHere } from "./labs.ts";

const before = traces();
const place = new Workplace();
const labs = await labsHere();

afterEach(() => place.downAll());

afterAll(async () => {
  place[Symbol.dispose]();
  await until(
    () => newTraces(before),
    (left) => left.length === 0,
  );
});

it("no two labs have one id", () => {
  expect(new Set(labs.map(({ id }) => id)).size).toBe(labs.length);
});

for (const { id, lab, lacks } of labs) {
  describe(`${id}${lacks ? ` (skipped: ${lacks})` : ""}`, { skip: lacks !== undefined }, () => {
    it("is built, does what its checks say, and is gone afterwards", async () => {
      const name = `${place.prefix}${id}`;
      await place.json("up", id, "--name", name);
      const { checks } = await place.json("check", name);
      expect(checks).toHaveLength(lab.checks.length);
      expect(checks.filter(({ passed }: { passed: boolean }) => !passed)).toEqual([]);
      expect(checks.length).toBeGreaterThan(0);
      await place.json("down", name);
      expect((await place.json("ps")).filter((one: { name: string }) => one.name === name)).toEqual([]);
    });
  });
}
