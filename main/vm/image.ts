/**
 * The image of the built-in VM: built once by scripts/vm/recipe out of Debian's packages, kept until the recipe
 * changes. Each build lies in a folder of its own, and one file says which is the good one, so that a build that is cut
 * off at any point leaves the old image as it was.
 */

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as z from "zod";
import type { Progress } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { withLock } from "./lock.ts";
import type { VmImage } from "./machine.ts";
import { RECIPE, vmPlaces } from "./places.ts";
import { storageFault } from "./storage-fault.ts";
import { readStored, store } from "./stored.ts";

const imageSchema = z.object({
  /** Its folder beside this file; another one for each build. */
  id: z.string().regex(/^[0-9a-z-]+$/),
  recipe: z.string(),
  kernel: z.string(),
  builtAt: z.number(),
  bytes: z.number(),
});

/** A built image: what is told about it, and its files. */
export interface Image extends VmImage {
  id: string;
  kernelFile: string;
  initrd: string;
  disk: string;
}

export interface BuildOptions {
  /** Builds though the image is there and current. */
  rebuild?: boolean;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
  /** Another recipe than Hoplab's own. */
  recipe?: string;
}

/** A folder's name: the day and a random part. */
const BUILD = /^\d{4}-\d\d-\d\d-[0-9a-f]{8}$/;
const PARTS = ["kernel", "initrd", "root.qcow2"] as const;

/** Undefined where there is none that is whole. */
export async function readImage(images: string, recipe: string = RECIPE): Promise<Image | undefined> {
  const stored = await readStored(join(images, "image.json"), imageSchema);
  if (!stored) return undefined;
  const { id, kernel, builtAt, bytes } = stored;
  const folder = join(images, id);
  const [kernelFile, initrd, disk] = [join(folder, "kernel"), join(folder, "initrd"), join(folder, "root.qcow2")];
  if ((await sizeOf(folder)) !== bytes) return undefined;
  const current = (await hashOf(recipe)) === stored.recipe;
  return { id, kernel, builtAt, bytes, current, kernelFile, initrd, disk };
}

/**
 * Builds the image where there is none, where the recipe changed, or where asked to. Faults: `missing` (what to
 * install), `storage`, `cancelled`, `command-failed` with the end of the recipe's output.
 */
export async function buildImage(dataDir: string, options: BuildOptions = {}): Promise<Result<VmImage>> {
  const { rebuild = false, onProgress = () => {}, signal, recipe = RECIPE } = options;
  const { images } = vmPlaces(dataDir);
  const onWait = (pid: number) => onProgress({ done: 0, total: 1, why: `waiting for process ${pid}, which builds it` });
  return withLock(join(images, "lock"), { signal, onWait }, async () => {
    const found = await readImage(images, recipe);
    if (found?.current && !rebuild) {
      onProgress({ done: 1, total: 1, why: "the image is there, and the recipe has not changed since" });
      return ok(toldOf(found));
    }
    const hash = await hashOf(recipe);
    if (hash === undefined) return fail("missing", `the recipe of the VM's image is not there: ${recipe}`);
    const id = `${new Date().toISOString().slice(0, 10)}-${randomBytes(4).toString("hex")}`;
    const folder = join(images, id);
    try {
      // Old images that are still in use by a running VM stay readable for it until it ends.
      await removeOthers(images, found?.id);
      await mkdir(folder, { recursive: true, mode: 0o755 });
      const built = await runRecipe(recipe, folder, onProgress, signal);
      if (!built.ok) return built;
      const kernel = (await readFile(join(folder, "kernel-version"), "utf8")).trim();
      const bytes = (await sizeOf(folder)) ?? 0;
      await store(join(images, "image.json"), { id, recipe: hash, kernel, builtAt: Date.now(), bytes });
      await removeOthers(images, id);
    } catch (error) {
      return storageFault("keep the VM's image", error);
    } finally {
      const kept = await readStored(join(images, "image.json"), imageSchema);
      if (kept?.id !== id) await rm(folder, { recursive: true, force: true });
    }
    const image = await readImage(images, recipe);
    return image
      ? ok(toldOf(image))
      : fail("storage", `the VM's image was built and can't be read back from ${folder}`);
  });
}

function toldOf({ builtAt, bytes, kernel, current }: Image): VmImage {
  return { builtAt, bytes, kernel, current };
}

/** The folders that builds have made, and nothing else: whoever names a cache folder may have other things in it. */
async function removeOthers(images: string, keep: string | undefined): Promise<void> {
  const names = await readdir(images).catch(() => []);
  for (const name of names) {
    if (BUILD.test(name) && name !== keep) await rm(join(images, name), { recursive: true, force: true });
  }
}

/** Removes the image and what builds that were cut off left. Throws where a file can't be removed. */
export async function removeImages(images: string): Promise<void> {
  await rm(join(images, "image.json"), { force: true });
  await removeOthers(images, undefined);
}

/** Of all parts together; undefined where one is missing. */
async function sizeOf(folder: string): Promise<number | undefined> {
  try {
    const sizes = await Promise.all(PARTS.map(async (part) => (await stat(join(folder, part))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch {
    return undefined;
  }
}

async function hashOf(file: string): Promise<string | undefined> {
  const text = await readFile(file).catch(() => undefined);
  return text && createHash("sha256").update(text).digest("hex");
}

const SEE_DOCS = "docs/targets.md shows other ways to a Linux VM: Lima, Multipass, WSL2, VirtualBox, a cloud VM.";

/** Runs the recipe in a process group of its own, so that cancelling ends all of it. */
async function runRecipe(
  recipe: string,
  folder: string,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal | undefined,
): Promise<Result<null>> {
  if (signal?.aborted) return fail("cancelled", "the VM's image was not built: cancelled");
  if (process.platform !== "linux") {
    return fail("missing", "the VM's image is built from Debian's packages, which needs a Linux with apt", {
      fix: SEE_DOCS,
    });
  }
  const child = spawn("/bin/sh", [recipe, folder], { stdio: ["ignore", "pipe", "pipe"], detached: true, cwd: "/" });
  const tail: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    tail.push(line);
    if (tail.length > 40) tail.shift();
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [, done, total, why] = /^step (\d+)\/(\d+) (.+)$/.exec(line) ?? [];
    if (why) onProgress({ done: Number(done) - 1, total: Number(total), why });
  });
  const end = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // The whole group has ended.
    }
  };
  let harder: NodeJS.Timeout | undefined;
  const abort = () => {
    end("SIGTERM");
    harder = setTimeout(() => end("SIGKILL"), 10_000);
  };
  signal?.addEventListener("abort", abort, { once: true });
  const exitCode = await new Promise<number | null>((resolve) => {
    child.on("error", () => resolve(null));
    child.on("close", resolve);
  });
  signal?.removeEventListener("abort", abort);
  clearTimeout(harder);
  if (signal?.aborted) return fail("cancelled", "building the VM's image was cancelled; nothing of it is left");
  const last = tail.filter((line) => line.trim() !== "");
  const reason = last.at(-1) ?? "it said nothing";
  if (exitCode === 0) return ok(null);
  if (exitCode === 3) {
    const packages = reason.replace(/^missing packages: */, "");
    return fail("missing", `programs that build the VM's image are missing: ${packages}`, {
      fix: `Install them: apt-get install --no-install-recommends ${packages}\n${SEE_DOCS}`,
    });
  }
  if (exitCode === 4) return fail("missing", `this machine can't build the VM's image: ${reason}`, { fix: SEE_DOCS });
  const full = last.some((line) => line.includes("No space left on device"));
  return fail(
    full ? "storage" : "command-failed",
    `the VM's image could not be built: ${full ? "the disk is full" : reason}`,
    {
      fix: full
        ? `Make room: a build needs about 2 GB in the folder for temporary files and 200 MB in ${folder}.`
        : `Check that apt-get update works on this machine, then try again. ${SEE_DOCS}`,
      command: { argv: ["sh", recipe, folder], exitCode, stderr: last.join("\n") },
    },
  );
}
