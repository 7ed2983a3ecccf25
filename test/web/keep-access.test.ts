import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { keepAccess, readAccess } from "../../main/web/keep-access.ts";

const folder = await mkdtemp(join(tmpdir(), "hoplab-access-"));
afterAll(() => rm(folder, { recursive: true }));

test("what browsers were given is kept for the next start, for this user's eyes only", async () => {
  const file = join(folder, "data", "browser.json");
  const access = { ...(await readAccess(file)), port: 4321 };
  expect(access.token).not.toBe(access.session);
  await keepAccess(file, access);
  expect(await readAccess(file)).toEqual(access);
  expect((await stat(file)).mode & 0o077).toBe(0);
});

test("a file that is broken, or holds weak secrets, gives new ones", async () => {
  const file = join(folder, "broken.json");
  for (const text of ["", "{", '{"token":"short","session":"short"}', "[1]"]) {
    await writeFile(file, text);
    const access = await readAccess(file);
    expect(access.token.length).toBeGreaterThan(40);
    expect(access.port).toBeUndefined();
  }
});

test("a folder that can't be written is no failure", async () => {
  await writeFile(join(folder, "file"), "");
  await keepAccess(join(folder, "file", "browser.json"), await readAccess("/nonexistent"));
});
