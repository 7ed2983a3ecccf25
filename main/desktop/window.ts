/** The one window, fenced in: no node, no navigation, no new windows, no webviews, no permissions, no downloads. */

import { join } from "node:path";
import { BrowserWindow, Menu, type MenuItemConstructorOptions, type Session, type WebContents } from "electron";
import { isPageUrl } from "./page-protocol.ts";

export function openWindow(preload: string): BrowserWindow {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    minWidth: 1280,
    minHeight: 800,
    show: false,
    autoHideMenuBar: true,
    title: "Hoplab",
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      // The spell checker would download dictionaries.
      spellcheck: false,
    },
  });
  window.once("ready-to-show", () => window.show());
  return window;
}

export function preloadPath(mainDir: string): string {
  return join(mainDir, "..", "preload", "index.cjs");
}

/** To be called for every web contents that the app makes. */
export function fenceContents(contents: WebContents): void {
  contents.on("will-frame-navigate", (event) => {
    if (!event.isMainFrame || !isPageUrl(event.url)) event.preventDefault();
  });
  contents.on("will-redirect", (event) => event.preventDefault());
  contents.on("will-attach-webview", (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: "deny" }));
}

export function fenceSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.on("will-download", (event) => event.preventDefault());
}

/** Electron's default menu without its Help, whose links lead to the network. */
export function menu(platform: NodeJS.Platform): Menu {
  const items: MenuItemConstructorOptions[] = [
    { role: "fileMenu" },
    { role: "editMenu" },
    { role: "viewMenu" },
    { role: "windowMenu" },
  ];
  return Menu.buildFromTemplate(platform === "darwin" ? [{ role: "appMenu" }, ...items] : items);
}
