/**
 * Gives each spec the page of a freshly started Hoplab: in Chromium from `hoplab serve`, or in Electron, by project.
 * Each start has its own data folder. A spec that leaves a lab up fails.
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import {
  test as base,
  type ConsoleMessage,
  chromium,
  type ElectronApplication,
  _electron as electron,
  expect,
  type Page,
} from "@playwright/test";
import { electronSwitches, findElectron } from "../../scripts/electron.mjs";
import { startSshd } from "../ssh/sshd.ts";

export { expect };

export interface AppOptions {
  shell: "chromium" | "electron";
}

export interface WorkerOptions {
  /** Where the specs' labs run: on this machine, or on it over SSH, as the target `box`. */
  over: "local" | "ssh";
}

interface WorkerFixtures {
  /** The list of targets that each data folder starts with. */
  targets: string;
}

interface AppFixtures {
  dataDir: string;
  /** What the page wrote to its console as an error, or threw. Empty at the end of each spec. */
  problems: string[];
  page: Page;
  /** Saves what the page shows as `NAME-chromium.png`, `NAME-electron.png` or `NAME-ssh.png` among the test results. */
  keepScreenshot(name: string): Promise<void>;
}

const ROOT = join(import.meta.dirname, "..", "..");
const CLI = join(ROOT, "out", "main", "cli.js");
const VIEWPORT = { width: 1280, height: 800 };
const run = promisify(execFile);

/** The `hoplab` command of the build, with the spec's own data folder. Rejects where it ends with another code than 0. */
export async function hoplab(dataDir: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [CLI, ...args], { env: { ...process.env, HOPLAB_DATA: dataDir } });
  return stdout;
}

export const test = base.extend<AppFixtures & AppOptions, WorkerOptions & WorkerFixtures>({
  shell: ["chromium", { option: true }],
  over: ["local", { option: true, scope: "worker" }],

  targets: [
    async ({ over }, use) => {
      if (over === "local") return use('{"targets":[]}');
      await using sshd = await startSshd();
      const home = join(sshd.folder, "home");
      await mkdir(join(home, ".ssh"), { recursive: true });
      await writeFile(join(home, ".ssh", "known_hosts"), sshd.knownHosts());
      // Of this worker, and of all that it starts.
      Object.assign(process.env, { HOME: home, HOPLAB_TARGET: "box" });
      const address = `ssh://${sshd.user}@127.0.0.1:${sshd.port}`;
      const box = { kind: "ssh", name: "box", address, identity: sshd.userKey, privilege: "auto" };
      await use(JSON.stringify({ targets: [box] }));
    },
    { scope: "worker" },
  ],

  dataDir: async ({ targets }, use) => {
    const dir = await mkdtemp(join(tmpdir(), "hoplab-e2e-"));
    await writeFile(join(dir, "targets.json"), targets);
    const before = await namesUp(dir);
    await use(dir);
    const left = (await namesUp(dir)).filter((name) => !before.includes(name));
    // On a developer's machine it might be the developer's own.
    if (process.env.CI) for (const name of left) await hoplab(dir, "down", name);
    await rm(dir, { recursive: true });
    expect(left, "labs that the spec left up").toEqual([]);
  },

  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are used from the pattern.
  problems: async ({}, use) => {
    const problems: string[] = [];
    await use(problems);
    expect(problems, "errors in the page's console").toEqual([]);
  },

  page: async ({ shell, dataDir, problems }, use) => {
    if (shell === "electron") await withElectron(dataDir, problems, use);
    else await withChromium(dataDir, problems, use);
  },

  keepScreenshot: async ({ page, shell, over }, use) => {
    const kind = over === "local" ? shell : over;
    await use(async (name) => {
      await page.screenshot({ path: join(ROOT, "test-results", "screenshots", `${name}-${kind}.png`) });
    });
  },
});

async function namesUp(dataDir: string): Promise<string[]> {
  const listed: { name: string }[] = JSON.parse(await hoplab(dataDir, "ps", "--json"));
  return listed.map(({ name }) => name);
}

/** A window without waiting for its page. */
export async function launchElectron(dataDir: string): Promise<ElectronApplication> {
  const found = findElectron();
  if (!found) throw new Error("there is no Electron on this machine; run: scripts/electron-runtime");
  // Not by `executablePath`: only where Playwright asks the electron package for the path does it hold the app back until
  // it is attached. Otherwise it sometimes misses the window and waits for ever.
  if (!found.official) process.env.ELECTRON_OVERRIDE_DIST_PATH = dirname(found.path);
  return await electron.launch({
    args: [...electronSwitches(), "--disable-gpu", `--user-data-dir=${join(dataDir, "electron")}`, ROOT],
    cwd: ROOT,
    env: { ...environment(), HOPLAB_DATA: dataDir },
  });
}

async function withElectron(dataDir: string, problems: string[], use: (page: Page) => Promise<void>): Promise<void> {
  const app = await launchElectron(dataDir);
  try {
    const page = await app.firstWindow();
    watch(page, problems);
    await app.evaluate(({ BrowserWindow }, { width, height }) => {
      BrowserWindow.getAllWindows()[0]?.setContentSize(width, height);
    }, VIEWPORT);
    await use(page);
  } finally {
    await app.close();
  }
}

async function withChromium(dataDir: string, problems: string[], use: (page: Page) => Promise<void>): Promise<void> {
  const server = spawn(process.execPath, [CLI, "serve", "--port", "0"], {
    cwd: ROOT,
    env: { ...environment(), HOPLAB_DATA: dataDir },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const url = await printedUrl(server);
    const browser = await chromium.launch({
      executablePath: process.env.HOPLAB_CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu"],
    });
    try {
      const page = await browser.newPage({ viewport: VIEWPORT });
      watch(page, problems);
      await page.goto(url);
      await use(page);
    } finally {
      await browser.close();
    }
  } finally {
    if (server.exitCode === null) {
      server.kill("SIGINT");
      await once(server, "exit");
    }
  }
}

/** The address with the token, from the server's stdout. */
async function printedUrl(server: ChildProcess): Promise<string> {
  if (!server.stdout) throw new Error("the server has no stdout");
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /http:\/\/\S+\?token=\S+/.exec(line)?.[0];
    if (url) return url;
  }
  throw new Error("the server ended without printing its address");
}

function watch(page: Page, problems: string[]): void {
  page.on("console", (message: ConsoleMessage) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
