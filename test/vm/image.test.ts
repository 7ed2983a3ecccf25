/** Building the image, with small recipes that stand for the real one; the real one is built in vm.test.ts. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { buildImage, readImage, removeImages } from "../../main/vm/image.ts";
import type { Progress } from "../../preload/contract/lab.ts";

let dataDir: string;
let images: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "hoplab-image-"));
  images = join(dataDir, "vm", "image");
  vi.stubEnv("HOPLAB_VM_CACHE", "");
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dataDir, { recursive: true, force: true });
});

function recipe(...lines: string[]): string {
  const file = join(dataDir, "recipe");
  writeFileSync(file, ["set -e", ...lines, ""].join("\n"));
  return file;
}

const BUILDS = 'cd "$1"; for f in kernel initrd root.qcow2; do echo $f >$f; done; echo 6.1.0-test >kernel-version';

test("a build tells its steps, and the image is there", async () => {
  const said: Progress[] = [];
  const file = recipe("echo step 1/2 looking around", BUILDS, "echo noise >&2", "echo step 2/2 packing");
  const built = await buildImage(dataDir, { recipe: file, onProgress: (progress) => said.push(progress) });
  expect(built).toMatchObject({ ok: true, value: { kernel: "6.1.0-test", current: true, bytes: 7 + 7 + 11 } });
  expect(said).toEqual([
    { done: 0, total: 2, why: "looking around" },
    { done: 1, total: 2, why: "packing" },
  ]);
});

test("an image is built again only where the recipe changed or where asked to, and the old one then goes", async () => {
  const count = join(dataDir, "count");
  const file = recipe(`echo x >>${count}`, BUILDS);
  const builds = () => (existsSync(count) ? readdirSync(images).filter((name) => name !== "image.json") : []);
  await buildImage(dataDir, { recipe: file });
  const [first] = builds();
  await buildImage(dataDir, { recipe: file });
  expect(builds()).toEqual([first]);
  await buildImage(dataDir, { recipe: file, rebuild: true });
  const [second] = builds();
  expect(builds()).toHaveLength(1);
  expect(second).not.toBe(first);

  recipe(`echo x >>${count}`, BUILDS, "# changed");
  expect(await readImage(images, file)).toMatchObject({ current: false });
  await buildImage(dataDir, { recipe: file });
  expect(builds()).toHaveLength(1);
  expect(builds()).not.toEqual([second]);
  expect(await readImage(images, file)).toMatchObject({ current: true });
});

test("a build that fails says why and leaves the old image as it was", async () => {
  const file = recipe(BUILDS);
  await buildImage(dataDir, { recipe: file });
  const before = await readImage(images, file);
  const bad = recipe(BUILDS, "echo 'E: Unable to fetch some archives' >&2", "exit 1");
  const failed = await buildImage(dataDir, { recipe: bad });
  expect(failed).toMatchObject({
    ok: false,
    fault: { code: "command-failed", message: expect.stringContaining("Unable to fetch"), command: { exitCode: 1 } },
  });
  expect(await readImage(images, bad)).toEqual({ ...before, current: false });
  expect(readdirSync(images)).toEqual(expect.arrayContaining([before?.id, "image.json"]));
  expect(readdirSync(images)).toHaveLength(2);
});

test("a build that is cancelled ends all its processes and leaves nothing", async () => {
  const controller = new AbortController();
  const pidFile = join(dataDir, "pid");
  const file = recipe(
    `sh -c 'echo $$ >${pidFile}.new; mv ${pidFile}.new ${pidFile}; echo step 1/1 go; exec sleep 600'`,
  );
  const cancelled = await buildImage(dataDir, {
    recipe: file,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  expect(cancelled).toMatchObject({ ok: false, fault: { code: "cancelled" } });
  expect(readdirSync(images)).toEqual([]);
  // Gone as soon as the system has taken note of its end.
  const pid = readFileSync(pidFile, "utf8").trim();
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 20));
});

test("what is missing is named with what to install, and a full disk as such", async () => {
  const missing = await buildImage(dataDir, {
    recipe: recipe("echo 'missing packages: mmdebstrap qemu-utils' >&2", "exit 3"),
  });
  expect(missing).toMatchObject({
    ok: false,
    fault: {
      code: "missing",
      message: expect.stringContaining("mmdebstrap qemu-utils"),
      fix: expect.stringContaining("apt-get install --no-install-recommends mmdebstrap qemu-utils"),
    },
  });
  const cannot = await buildImage(dataDir, { recipe: recipe("echo 'this system has no apt-get' >&2", "exit 4") });
  expect(cannot).toMatchObject({
    ok: false,
    fault: { code: "missing", fix: expect.stringContaining("docs/targets.md") },
  });
  const full = await buildImage(dataDir, {
    recipe: recipe("echo 'tar: root.raw: Cannot write: No space left on device' >&2", "exit 1"),
  });
  expect(full).toMatchObject({ ok: false, fault: { code: "storage", message: expect.stringContaining("full") } });
});

test("an image that lost a part is no image", async () => {
  const file = recipe(BUILDS);
  await buildImage(dataDir, { recipe: file });
  const image = await readImage(images, file);
  rmSync(image?.initrd ?? "");
  expect(await readImage(images, file)).toBeUndefined();
});

test("nothing but images is removed from a folder that has other things in it", async () => {
  mkdirSync(join(images, "letters"), { recursive: true });
  const file = recipe(BUILDS);
  await buildImage(dataDir, { recipe: file });
  await buildImage(dataDir, { recipe: file, rebuild: true });
  expect(readdirSync(images)).toHaveLength(3);
  await removeImages(images);
  expect(readdirSync(images)).toEqual(["letters"]);
});
