/** What a learner does with a comparison: bring both labs up, send in both, read the rows, and compare by hand. */

import { expect, hoplab, test } from "./app.ts";

test("a ping is sent in two clusters at once, and its two journeys stand row by row", async ({
  page,
  dataDir,
  keepScreenshot,
}) => {
  await page.getByRole("button", { name: /^Flannel, VXLAN against host-gw/ }).click();
  await expect(page.getByText("Nothing was sent yet.")).toBeVisible();
  await expect(page.getByRole("region", { name: "Topology" })).toHaveCount(2);
  await page.getByRole("combobox", { name: "Suggested by the lab" }).selectOption("a → c icmp");
  await page.getByRole("button", { name: "Bring both up and send" }).click();

  const rows = page.getByRole("listbox", { name: "Both journeys, hop by hop" });
  await expect(rows.getByRole("option")).toHaveCount(12);
  await expect(rows.getByRole("option", { name: "only in flannel-vxlan" })).toHaveCount(2);
  await expect(rows.getByRole("option", { name: /not alike: layers/ })).toHaveCount(4);
  await expect(page.getByText("6 alike, 4 not, 2 only left")).toBeVisible();

  // Both play on one clock, and the keyboard goes from row to row.
  const playback = page.getByRole("group", { name: "Playback of the journey" });
  await expect(playback.getByRole("status")).toHaveText("12 / 12", { timeout: 60_000 });
  await rows.focus();
  await page.keyboard.press("Home");
  await expect(playback.getByRole("status")).toHaveText("1 / 12");
  for (let key = 0; key < 4; key++) await page.keyboard.press("ArrowRight");
  const panel = page.getByRole("tabpanel");
  await expect(panel.getByRole("row", { name: /≠ layers Eth \| IP \| UDP \| VXLAN/ })).toBeVisible();
  await expect(panel.getByRole("region", { name: "flannel-host-gw" })).toContainText("via 192.168.32.128 dev eth0");
  await expect(rows.getByRole("option", { selected: true })).toBeInViewport({ ratio: 0.9 });
  await keepScreenshot("compare");

  // On one node nothing differs.
  await page.getByRole("combobox", { name: "Suggested by the lab" }).selectOption("a → b icmp");
  await page.getByRole("button", { name: "Send in both" }).click();
  await expect(page.getByText("4 alike", { exact: true })).toBeVisible();

  await hoplab(dataDir, "down", "flannel-compare");
  await expect(page.getByRole("button", { name: "Bring both up and send" })).toBeVisible();
});

test("a lab that is up is compared with another one that is chosen, and the list is filtered", async ({
  page,
  dataDir,
}) => {
  await page.getByRole("searchbox", { name: "Find a lab" }).fill("arp");
  await expect(page.getByRole("button", { name: /^Flannel VXLAN (down|up|unknown)/ })).toBeHidden();
  await page.getByRole("button", { name: /^ARP on a bridge/ }).click();
  await page.getByRole("button", { name: "Bring up" }).click();
  await page.getByRole("combobox", { name: "Compare with …" }).selectOption({ label: "ARP on a bridge" });
  await page.getByRole("button", { name: "Bring both up and send" }).click();
  const rows = page.getByRole("listbox", { name: "Both journeys, hop by hop" });
  await expect(rows.getByRole("option").first()).toBeVisible();
  await page.getByRole("button", { name: "End the comparison" }).click();
  await expect(page.getByRole("button", { name: "Take down" })).toHaveCount(2);
  for (const { name } of JSON.parse(await hoplab(dataDir, "ps", "--json")))
    if (/^bridge-arp(-\d+)?$/.test(name)) await hoplab(dataDir, "down", name);
  await expect(page.getByRole("button", { name: "Bring up" })).toBeVisible();
});
