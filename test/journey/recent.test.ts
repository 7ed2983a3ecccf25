import fc from "fast-check";
import { expect, test } from "vitest";
import { Recent } from "../../main/journey/recent.ts";

const limits = { span: 100, least: 4, most: 8 };

test("what fits is remembered exactly, collisions or not", () => {
  const keys = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -2, max: 2 })), { maxLength: 50 });
  fc.assert(
    fc.property(keys, (pairs) => {
      const recent = new Recent({ span: 1, least: 1000, most: 1000 });
      const expected = new Map<string, number>();
      pairs.forEach(([a, b], value) => {
        recent.set(a, b, value, 0);
        expected.set(`${a} ${b}`, value);
      });
      for (let a = -1; a < 5; a++) {
        for (let b = -3; b < 4; b++) expect(recent.get(a, b)).toBe(expected.get(`${a} ${b}`) ?? -1);
      }
      expect(recent.size).toBe(expected.size);
    }),
  );
});

test("it grows without forgetting", () => {
  const recent = new Recent({ span: 1, least: 100_000, most: 100_000 });
  for (let key = 0; key < 50_000; key++) recent.set(key, Math.imul(key, 7), key, 0);
  for (let key = 0; key < 50_000; key++) expect(recent.get(key, Math.imul(key, 7))).toBe(key);
});

test("old keys are forgotten in time, but not while there are few", () => {
  const recent = new Recent(limits);
  recent.set(1, 1, 1, 0);
  recent.set(2, 2, 2, 10_000);
  expect(recent.get(1, 1)).toBe(1);
  for (let key = 3; key < 10; key++) recent.set(key, key, key, 10_000 + key * 101);
  for (let key = 10; key < 20; key++) recent.set(key, key, key, 20_000 + key * 101);
  expect(recent.get(1, 1)).toBe(-1);
  expect(recent.get(19, 19)).toBe(19);
});

test("there are never more than twice the most", () => {
  const recent = new Recent(limits);
  for (let key = 0; key < 1000; key++) {
    recent.set(key, key, key, 0);
    expect(recent.size).toBeLessThanOrEqual(2 * limits.most);
    expect(recent.get(key, key)).toBe(key);
  }
});
