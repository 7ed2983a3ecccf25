/**
 * Finds an Electron to run: the official one that package.json pins wherever it can be had, else the runtime that
 * scripts/electron-runtime set up from npm.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const PACKAGE = join(HERE, "..", "node_modules", "electron");

/** `{ path, version, official }`, or null where there is none on this machine. Downloads nothing. */
export function findElectron() {
  const given = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (given) return electronIn(given, executableName(), false);
  const pathFile = join(PACKAGE, "path.txt");
  if (existsSync(pathFile)) {
    const official = electronIn(join(PACKAGE, "dist"), readFileSync(pathFile, "utf8"), true);
    if (official) return official;
  }
  if (process.platform !== "linux") return null;
  const runtime = spawnSync(join(HERE, "electron-runtime"), ["--if-present"], { encoding: "utf8" });
  return runtime.status === 0 ? electronIn(runtime.stdout.trim(), "electron", false) : null;
}

/**
 * Downloads the official Electron, once: where that failed it is not tried again for the same version.
 * Answers what `findElectron` answers. `say` is told before anything is downloaded.
 */
export function obtainElectron(say) {
  const found = findElectron();
  if (found?.official || process.env.ELECTRON_OVERRIDE_DIST_PATH) return found;
  const { version } = createRequire(import.meta.url)(join(PACKAGE, "package.json"));
  const failed = join(HERE, "..", ".cache", `electron-${version}-unreachable`);
  if (existsSync(failed)) return found;

  say(`Downloading Electron ${version} (about 110 MB, once) ...`);
  const ran = spawnSync(process.execPath, [join(PACKAGE, "install.js")], { encoding: "utf8", timeout: 600_000 });
  if (ran.status === 0) return findElectron();
  const reason = ran.stderr?.trim().split("\n")[0] || ran.error?.message || "unknown reason";
  say(`The official Electron could not be had (${reason}). To try again: rm ${failed}`);
  mkdirSync(dirname(failed), { recursive: true });
  writeFileSync(failed, `${reason}\n`);
  return found;
}

function electronIn(dir, executable, official) {
  const path = join(dir, executable);
  if (!existsSync(path)) return null;
  return { path, version: readFileSync(join(dir, "version"), "utf8").trim().replace(/^v/, ""), official };
}

function executableName() {
  if (process.platform === "win32") return "electron.exe";
  return process.platform === "darwin" ? "Electron.app/Contents/MacOS/Electron" : "electron";
}

/** Chromium has no sandbox of its own for root, and refuses to start with it. */
export function electronSwitches() {
  return process.platform === "linux" && process.getuid?.() === 0 ? ["--no-sandbox"] : [];
}
