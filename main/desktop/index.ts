/**
 * The Electron main process: one window with the page, served over a message port. Closing the window ends the
 * captures; labs live on, for they belong to the target.
 */

import { join } from "node:path";
import { app, type BrowserWindow, dialog, ipcMain, Menu, protocol, session } from "electron";
import { messageOf } from "../../preload/contract/result.ts";
import { userDataDir } from "../rpc/data-dir.ts";
import { createBackend } from "../rpc/lab-backend.ts";
import { readPage } from "../rpc/page.ts";
import { serve } from "../rpc/serve.ts";
import { readArguments } from "./arguments.ts";
import { isPageUrl, PAGE_SCHEME, PAGE_URL, servePage } from "./page-protocol.ts";
import { portChannel } from "./port.ts";
import { fenceContents, fenceSession, menu, openWindow, preloadPath } from "./window.ts";

const mainDir = import.meta.dirname;
const rootDir = join(mainDir, "..", "..");

protocol.registerSchemesAsPrivileged([{ scheme: PAGE_SCHEME, privileges: { standard: true, secure: true } }]);
app.on("web-contents-created", (_event, contents) => fenceContents(contents));
app.on("window-all-closed", () => app.quit());

async function start(): Promise<void> {
  const { lab } = readArguments(process.argv);
  const page = await readPage(join(mainDir, "..", "renderer"));
  if (!page.ok) throw new Error(`${page.fault.message}; ${page.fault.fix}`);

  const backend = await createBackend({
    labsDir: join(rootDir, "labs"),
    dataDir: userDataDir(),
    ...(lab !== undefined && { open: lab }),
  });
  endBeforeQuit(async () => await backend[Symbol.asyncDispose]());

  await app.whenReady();
  fenceSession(session.defaultSession);
  servePage(protocol, page.value);
  Menu.setApplicationMenu(menu(process.platform));

  const window = openWindow(preloadPath(mainDir));
  ipcMain.on("hoplab:connect", ({ senderFrame, ports: [port] }) => {
    if (!port) return;
    if (!isMainPage(window, senderFrame)) {
      port.close();
      return;
    }
    serve(portChannel(port), backend);
    port.start();
  });
  window.webContents.on("render-process-gone", (_event, { reason }) => {
    if (reason === "clean-exit") return;
    console.error(`hoplab: the page ended (${reason}). Labs that are up live on; start hoplab again to see them.`);
    app.quit();
  });
  let closing = false;
  window.on("close", () => {
    closing = true;
  });
  try {
    await window.loadURL(PAGE_URL);
  } catch (error) {
    // A window that is closed while it loads was no failure to start.
    if (!closing) throw error;
  }
}

function isMainPage(window: BrowserWindow, frame: Electron.WebFrameMain | null): boolean {
  return !window.isDestroyed() && frame === window.webContents.mainFrame && isPageUrl(frame.url);
}

/** Holds the quit back until `end` is done. */
function endBeforeQuit(end: () => Promise<void>): void {
  let ending = false;
  app.on("will-quit", (event) => {
    event.preventDefault();
    if (ending) return;
    ending = true;
    end()
      .catch((error: unknown) => console.error("hoplab: the end was not clean", error))
      .finally(() => app.exit());
  });
}

start().catch((error: unknown) => {
  console.error("hoplab: could not start", error);
  dialog.showErrorBox("Hoplab could not start", messageOf(error));
  app.exit(1);
});
