/** The Electron preload: gives the page one way to open a line to the main process, and nothing else. */

import { contextBridge, ipcRenderer } from "electron";
import type { Bridge } from "./contract/bridge.ts";
import { openPortLine } from "./port-line.ts";

const bridge: Bridge = {
  electron: process.versions.electron ?? "",
  connect(listener) {
    const { port1, port2 } = new MessageChannel();
    ipcRenderer.postMessage("hoplab:connect", null, [port2]);
    return openPortLine(port1, listener);
  },
};

contextBridge.exposeInMainWorld("hoplab", bridge);
