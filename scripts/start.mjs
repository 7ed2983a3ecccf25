/**
 * Opens the product on any system: the window where there is a display and an Electron, else the page on 127.0.0.1.
 * With a lab it also brings that lab up, sends its traffic and prints the journey. Ctrl-C ends what it started.
 *
 * Usage: npm start -- [--browser] [LAB]
 */

import { spawn, spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { electronSwitches, obtainElectron } from "./electron.mjs";
import { CLI, PrepareError, prepare, ROOT, runPrepared, say } from "./prepare.mjs";

function readArguments() {
  const given = process.argv.slice(2);
  const names = given.filter((argument) => !argument.startsWith("-"));
  const unknown = given.filter((argument) => argument.startsWith("-") && argument !== "--browser");
  if (names.length > 1 || unknown.length > 0) {
    throw new PrepareError("Usage: scripts/start [--browser] [LAB]");
  }
  return { lab: names[0], browser: given.includes("--browser") };
}

function hasDisplay() {
  if (process.platform !== "linux") return true;
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/** The server runs in this process, so that a signal reaches it however it is sent. */
async function serve(lab) {
  process.argv = [process.execPath, CLI, "serve", ...(lab ? ["--open-lab", lab] : [])];
  await import(pathToFileURL(CLI).href);
}

/** The process that runs now, and whether an end was asked for. */
let running = null;
let ending = false;

/**
 * A terminal sends Ctrl-C to all of these processes at once. The window may be asked twice, in two ways; the command line
 * takes a second signal as "now", and would not undo what it has begun.
 */
function endOn(signal) {
  process.on(signal, () => {
    ending = true;
    if (signal !== "SIGINT" || running?.spawnfile !== process.execPath) running?.kill("SIGTERM");
  });
}

/** The exit code. `onText` gets what it prints on stdout, which is shown otherwise. */
function run(command, args, onText) {
  // Set by some editors for their own use; the window would run as a plain node with it.
  const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env;
  return new Promise((resolve, reject) => {
    running = spawn(command, args, { cwd: ROOT, stdio: ["inherit", onText ? "pipe" : "inherit", "inherit"], env });
    if (onText) running.stdout.setEncoding("utf8").on("data", onText);
    running.on("error", reject);
    running.on("close", (code) => {
      running = null;
      resolve(code ?? 1);
    });
  });
}

async function openWindow(electron, lab) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) endOn(signal);

  const own = lab ? await showLab(lab) : null;
  let code = 0;
  if (!ending) {
    say(
      `Opening the window (Electron ${electron.version}, ${electron.official ? "official" : "the runtime from npm"}).`,
    );
    const switches = electronSwitches();
    if (switches.length > 0) say("Running as root: the window runs without Chromium's own sandbox.");
    code = await run(electron.path, [...switches, ROOT, ...(lab ? ["--lab", lab] : [])]);
    if (code !== 0 && !ending) {
      say(`The window ended with exit code ${code}. The same page in a browser: scripts/start --browser ${lab ?? ""}`);
      process.exitCode = 1;
    }
  }
  await endLab(own);
}

/**
 * Brings the lab up where it is not, sends its traffic and prints the journey. A failure is shown and the window opens.
 * Answers with the name of the sandbox that was made here; null where there is none, or it was up before.
 */
async function showLab(lab) {
  let printed = "";
  const code = await run(process.execPath, [CLI, "up", lab, "--json"], (text) => {
    printed += text;
  });
  const answer = printed ? JSON.parse(printed) : {};
  if (code === 0) say(`${answer.name} is up.`);
  else if (answer.fault?.code !== "exists") {
    say(`hoplab: ${answer.fault?.message ?? `${lab} could not be brought up`}. ${answer.fault?.fix ?? ""}`);
    return null;
  }
  const own = code === 0 ? answer.name : null;
  if (!ending) await run(process.execPath, [CLI, "send", own ?? lab]);
  return own;
}

/** Takes down the sandbox that was made here, and says what else is still up. */
async function endLab(own) {
  if (own !== null) await run(process.execPath, [CLI, "down", own], () => {});
  const left = sandboxes().map(({ name }) => name);
  say(`Ended: the window${own === null ? "" : ` and the lab ${own}`}.`);
  if (left.length > 0) say(`Still up: ${left.join(", ")} (scripts/hoplab down --all removes them).`);
}

/** The labs that are up on this machine; none where it cannot hold any. */
function sandboxes() {
  const listed = spawnSync(process.execPath, [CLI, "ps", "--json"], { encoding: "utf8" });
  return listed.status === 0 ? JSON.parse(listed.stdout) : [];
}

await runPrepared(async () => {
  const { lab, browser } = readArguments();
  prepare();
  const electron = !browser && hasDisplay() ? obtainElectron(say) : null;
  if (electron) {
    await openWindow(electron, lab);
    return;
  }
  if (!browser) {
    say(
      hasDisplay()
        ? "There is no Electron here: serving the page instead."
        : "There is no display here: serving the page instead.",
    );
  }
  await serve(lab);
});
