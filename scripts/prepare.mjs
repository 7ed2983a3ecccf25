/**
 * Makes a checkout ready to run: a Node that is new enough, the npm packages of the lock file, and a build newer than
 * the sources. Quick when all is there. Plain JavaScript, since it runs before anything is installed; says what it does
 * on stderr, so that a command's stdout stays clean.
 */

import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const CLI = join(ROOT, "out", "main", "cli.js");

/** Its time is when the last good build began. scripts/hoplab looks at it too. */
const STAMP_NAME = ".built";
const SOURCES = ["main", "preload", "renderer", "package.json", "electron.vite.config.ts"];
/** The first that knows import.meta.dirname. */
const OLDEST_NODE = [20, 11];

export class PrepareError extends Error {}

export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Throws a PrepareError that says what failed and what to do. */
export function prepare() {
  checkNode();
  installPackages();
  if (isStale()) build();
}

export function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new PrepareError(
    `Hoplab needs Node.js ${OLDEST_NODE.join(".")} or newer; this is ${process.version} (${process.execPath}). Install a newer one and try again.`,
  );
}

/** Runs `npm ci` where the packages are missing or older than the lock file. */
export function installPackages() {
  // npm writes the inner file last, whenever it has installed.
  const installed = timeOf(join(ROOT, "node_modules", ".package-lock.json"));
  if (installed >= timeOf(join(ROOT, "package-lock.json"))) return;
  // npm ci would empty the folder that the link leads to, which is another checkout's.
  if (lstatSync(join(ROOT, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) {
    say("node_modules is a link and is left as it is, though the lock file is newer.");
    return;
  }
  say("Installing npm packages (npm ci) ...");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const ran = spawnSync(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (ran.status !== 0) {
    throw new PrepareError(ran.error ? `npm could not be started: ${ran.error.message}` : "npm ci failed, see above.");
  }
}

/** Whether anything was changed, added or removed in the sources since the last build. */
function isStale() {
  const built = existsSync(CLI) ? timeOf(join(ROOT, "out", STAMP_NAME)) : 0;
  return SOURCES.some((source) => newestTime(join(ROOT, source)) > built);
}

/** Builds beside out/ and swaps the two when all is well: whatever runs meanwhile sees the old build or the new one. */
export function build() {
  const began = new Date();
  const out = join(ROOT, "out");
  const fresh = `${out}.new-${process.pid}`;
  const old = `${out}.old-${process.pid}`;
  say("Building ...");
  const vite = join(ROOT, "node_modules", "electron-vite", "bin", "electron-vite.js");
  const ran = spawnSync(process.execPath, [vite, "build", "--logLevel", "warn"], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, HOPLAB_OUT: fresh },
  });
  if (ran.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    say(`${ran.stdout ?? ""}${ran.stderr ?? ""}`);
    throw new PrepareError("The build failed, see above.");
  }
  const stamp = join(fresh, STAMP_NAME);
  writeFileSync(stamp, "");
  utimesSync(stamp, began, began);
  if (existsSync(out)) renameSync(out, old);
  renameSync(fresh, out);
  rmSync(old, { recursive: true, force: true });
}

/** Milliseconds since 1970; 0 where there is no such file. */
function timeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Of a file, or of a folder and all in it: a folder's own time changes when a file in it comes or goes. */
function newestTime(path) {
  const own = statSync(path, { throwIfNoEntry: false });
  if (!own?.isDirectory()) return own?.mtimeMs ?? 0;
  return Math.max(own.mtimeMs, ...readdirSync(path).map((name) => newestTime(join(path, name))));
}

/** Runs `main`; a PrepareError ends the process with its message and 1. */
export async function runPrepared(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error;
    say(`hoplab: ${error.message}`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runPrepared(() => {
    if (!process.argv.includes("--build")) return prepare();
    checkNode();
    installPackages();
    build();
  });
}
