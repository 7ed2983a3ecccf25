/** What Electron itself must refuse; in a browser that is the browser's business. */

import { once } from "node:events";
import { expect, launchElectron, test } from "./app.ts";

test("the window's page cannot leave, open windows, embed webviews or get permissions", async ({ page, problems }) => {
  const home = page.url();
  expect(await page.evaluate(() => window.open("https://192.0.2.1/") === null)).toBe(true);
  await page.evaluate(() => {
    window.location.href = "https://192.0.2.1/";
  });
  await page.evaluate(() => {
    window.location.href = "app://other/";
  });
  const permission = await page.evaluate(
    async () => (await navigator.permissions.query({ name: "geolocation" })).state,
  );
  expect(permission).toBe("denied");
  expect(page.url()).toBe(home);
  problems.length = 0;
});

test("a window that is closed while it loads ends without a word", async ({ dataDir }) => {
  const app = await launchElectron(dataDir);
  const said: string[] = [];
  app.process().stderr?.on("data", (data: Buffer) => said.push(data.toString()));
  const ended = once(app.process(), "exit");
  const closing = app.evaluate(({ app, BrowserWindow }) => {
    const closeAll = () => {
      for (const window of BrowserWindow.getAllWindows()) window.close();
    };
    app.on("browser-window-created", () => setImmediate(closeAll));
    closeAll();
    // Electron loses a close that comes while the renderer is just starting: a person would click again.
    setInterval(closeAll, 250);
  });
  // The process may end before it has answered.
  await closing.catch(() => {});
  expect((await ended)[0]).toBe(0);
  expect(said.join("")).not.toContain("could not start");
});
