/** The window is killed in the middle of a capture: the lab stays whole, and nothing of the window is left. */

import { execFileSync } from "node:child_process";
import { expect, hoplab, launchElectron, test } from "./app.ts";

/** The pids of all tcpdumps on this machine. */
function tcpdumps(): string[] {
  const lines = execFileSync("ps", ["-eo", "pid=,comm="], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => line.trim().endsWith(" tcpdump")).map((line) => line.trim().split(" ")[0] ?? "");
}

test("a window that is killed while it captures leaves its lab whole and no tcpdump", async ({ dataDir }) => {
  const before = tcpdumps();
  const app = await launchElectron(dataDir);
  const page = await app.firstWindow();
  await page.getByRole("button", { name: /^ARP on a bridge/ }).click();
  await page.getByRole("button", { name: "Bring up" }).click();
  await page.getByRole("button", { name: "Start capture" }).click();
  await expect(page.getByRole("button", { name: "Stop capture" })).toBeVisible();
  expect(tcpdumps().length - before.length).toBe(14);
  app.process().kill("SIGKILL");
  await expect.poll(() => tcpdumps().filter((pid) => !before.includes(pid))).toEqual([]);
  const listed: { name: string }[] = JSON.parse(await hoplab(dataDir, "ps", "--json"));
  expect(listed.map(({ name }) => name)).toContain("bridge-arp");
  const sent = JSON.parse(await hoplab(dataDir, "send", "bridge-arp", "--json"));
  expect(sent).toMatchObject({ sent: 1, received: 1 });
  await hoplab(dataDir, "down", "bridge-arp");
});
