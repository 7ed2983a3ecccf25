/** A page whose server goes away says so, and finds the next one by itself. Only a browser has a server of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, hoplab, test } from "./app.ts";

const CLI = join(import.meta.dirname, "..", "..", "out", "main", "cli.js");

async function serve(dataDir: string): Promise<{ server: ChildProcess; url: string }> {
  const server = spawn(process.execPath, [CLI, "serve"], {
    env: { ...process.env, HOPLAB_DATA: dataDir },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (!server.stdout) throw new Error("the server has no stdout");
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /http:\/\/\S+\?token=\S+/.exec(line)?.[0];
    if (url) return { server, url };
  }
  throw new Error("the server ended without printing its address");
}

test("a page whose server is killed says so, keeps what it shows, and reconnects to the next", async ({
  page,
  dataDir,
  problems,
  keepScreenshot,
}) => {
  const first = await serve(dataDir);
  await page.goto(first.url);
  await expect(page.getByRole("button", { name: /^Flannel VXLAN (down|up|unknown)/ })).toBeVisible();
  first.server.kill("SIGKILL");
  await once(first.server, "exit");
  await expect(page.getByText(/connection/i).first()).toBeVisible();
  await expect(page.getByRole("button", { name: /^Flannel VXLAN (down|up|unknown)/ })).toBeVisible();
  await keepScreenshot("lost");

  // Meanwhile a lab came up: after the reconnect the page knows.
  await hoplab(dataDir, "up", "bridge-arp");
  const second = await serve(dataDir);
  expect(second.url).toBe(first.url);
  await expect(page.getByText(/connection/i)).toHaveCount(0);
  await expect(page.getByRole("button", { name: /^ARP on a bridge up/ })).toBeVisible();
  await hoplab(dataDir, "down", "bridge-arp");
  await page.close();
  second.server.kill("SIGINT");
  await once(second.server, "exit");
  problems.length = 0; // the browser writes each refused connection to its console; that is what was asked for
});
