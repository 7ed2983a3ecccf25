/** What a learner does: bring a lab up, send, select, play, inspect, take it down. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, hoplab, test } from "./app.ts";

test("a ping is sent through Flannel VXLAN, followed, played, opened to its bytes, and the lab taken down", async ({
  page,
  dataDir,
  keepScreenshot,
}) => {
  await page.getByRole("button", { name: /^Flannel VXLAN (down|up|unknown)/ }).click();
  await page.getByRole("button", { name: "Bring up" }).click();
  await expect(page.getByRole("button", { name: "Take down" })).toBeVisible();
  await keepScreenshot("up");

  // Send: the first packet is selected by itself when nothing else was.
  const traffic = page.getByRole("region", { name: "Send traffic" });
  await traffic.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByText("1 sent, 1 answered")).toBeVisible();
  const packets = page.getByRole("grid", { name: "Packets" });
  await packets.getByRole("row", { name: /ICMP echo request/ }).click();

  // The journey: twelve hops, wrapped for the four on the wire, and every one named as `ip` prints it.
  const journey = page.getByRole("listbox", { name: "Journey" });
  await expect(journey.getByRole("option")).toHaveCount(12);
  const places = await journey
    .getByRole("option")
    .evaluateAll((options) => options.map((option) => option.textContent ?? ""));
  const expected = [
    "eth0",
    "veth",
    "cni0",
    "flannel.1",
    "eth0",
    "node1",
    "node2",
    "eth0",
    "flannel.1",
    "cni0",
    "veth",
    "eth0",
  ];
  for (const [index, place] of expected.entries()) expect(places[index]).toContain(place);
  await expect(journey.getByRole("option", { name: /VXLAN/ })).toHaveCount(4);
  await expect(journey.getByRole("option", { name: /^wrapped.*dst 192\.168\.32\.128 self permanent/ })).toHaveCount(1);
  await expect(journey.getByRole("option", { name: /routed.*via 10\.244\.1\.0 dev flannel\.1 onlink/ })).toHaveCount(1);

  // Play: it goes by step, to the end, and can be stepped by hand.
  const playback = page.getByRole("group", { name: "Playback of the journey" });
  await expect(playback.getByRole("status")).toHaveText("12 / 12", { timeout: 60_000 });
  await playback.getByRole("button", { name: "Previous step" }).click();
  await expect(playback.getByRole("status")).toHaveText("11 / 12");

  // Inspect: a wrapped hop's fields and bytes, linked both ways.
  await journey.getByRole("option", { name: /^wrapped/ }).click();
  const fields = page.getByRole("tree", { name: "Fields" });
  await expect(fields.getByRole("treeitem", { name: /VXLAN vni 1/ })).toBeVisible();
  await keepScreenshot("journey");

  // An interface: its live state, as its commands print it, and only its packets.
  const tree = page.getByRole("tree", { name: "Namespaces and interfaces" });
  await tree.focus();
  await tree
    .getByRole("treeitem", { name: /^flannel\.1/ })
    .first()
    .click();
  await page.getByRole("tab", { name: "Interface" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("vxlan id 1 local 192.168.32.127 dev eth0");
  await expect(page.getByRole("tabpanel")).toContainText("10.244.1.0 lladdr");
  await keepScreenshot("interface");

  await page.getByRole("button", { name: "Take down" }).click();
  await expect(page.getByRole("button", { name: "Bring up" })).toBeVisible();
  expect(JSON.parse(await hoplab(dataDir, "ps", "--json"))).toEqual([]);
});

test("packets that others send appear by themselves, and a flood is a tree", async ({
  page,
  dataDir,
  keepScreenshot,
}) => {
  await page.getByRole("button", { name: /^ARP on a bridge/ }).click();
  // The lab comes up behind the page's back, and the page notices.
  await hoplab(dataDir, "up", "bridge-arp");
  await expect(page.getByRole("button", { name: "Take down" })).toBeVisible();
  await page.getByRole("button", { name: "Start capture" }).click();
  await expect(page.getByRole("button", { name: "Stop capture" })).toBeVisible();
  await hoplab(dataDir, "exec", "bridge-arp", "h1", "--", "ping", "-c", "2", "-i", "0.2", "10.0.0.2");
  const packets = page.getByRole("grid", { name: "Packets" });
  await expect(packets.getByRole("row", { name: /ICMP echo request/ })).toHaveCount(2);
  await packets.getByRole("row", { name: /ARP who-has 10\.0\.0\.2/ }).click();
  const journey = page.getByRole("listbox", { name: "Journey" });
  await expect(journey.getByRole("option", { name: /flooded/ }).first()).toBeVisible();
  await keepScreenshot("flood");
  await page.getByRole("button", { name: "Take down" }).click();
  await expect(page.getByRole("button", { name: "Bring up" })).toBeVisible();
});

test("two copies of a lab stand side by side in the page", async ({ page, dataDir, keepScreenshot }) => {
  await hoplab(dataDir, "up", "bridge-arp");
  await page.getByRole("button", { name: /^ARP on a bridge/ }).click();
  await page.getByRole("button", { name: "Another copy" }).click();
  await expect(page.getByRole("button", { name: "Take down" })).toHaveCount(2);
  await keepScreenshot("two-copies");
  for (const { name } of JSON.parse(await hoplab(dataDir, "ps", "--json"))) await hoplab(dataDir, "down", name);
  await expect(page.getByRole("button", { name: "Bring up" })).toBeVisible();
});

test("a lab of one's own, brought up from its file, is listed and shown", async ({ page, dataDir, keepScreenshot }) => {
  const file = join(dataDir, "my 'own' lab.yaml");
  await writeFile(
    file,
    `id: my-own
title: { en: My own cluster }
underlay: { networks: [{ name: wire, subnet: 172.20.0.0/24 }] }
nodes:
  - { name: alpha, address: 172.20.0.10 }
  - { name: beta, address: 172.20.0.11 }
network: { plugin: flannel, network: 10.60.0.0/16, backend: { type: vxlan, vni: 42, port: 4789 } }
pods:
  - { name: web, node: alpha }
  - { name: db, node: beta }
`,
  );
  await expect(page.getByRole("button", { name: /^Flannel VXLAN (down|up|unknown)/ })).toBeVisible();
  await hoplab(dataDir, "up", file);
  await page.getByRole("button", { name: /^My own cluster up/ }).click();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByText("1 sent, 1 answered")).toBeVisible();
  await page
    .getByRole("grid", { name: "Packets" })
    .getByRole("row", { name: /ICMP echo request/ })
    .click();
  await expect(
    page
      .getByRole("listbox", { name: "Journey" })
      .getByRole("option", { name: /flannel\.42/ })
      .first(),
  ).toBeVisible();
  await keepScreenshot("own-lab");
  await page.getByRole("button", { name: "Take down" }).click();
  await expect(page.getByRole("button", { name: "Bring up" })).toBeVisible();
});

test("the page speaks three languages and has two themes", async ({ page, keepScreenshot }) => {
  await page.getByRole("combobox", { name: "Language" }).selectOption("繁體中文");
  await expect(page.locator("html")).toHaveAttribute("lang", /^zh-Hant/);
  await expect(page.getByRole("button", { name: /啟動/ }).first()).toBeVisible();
  await keepScreenshot("zh-hant");
  await page.locator("header select").first().selectOption("简体中文");
  await expect(page.locator("html")).toHaveAttribute("lang", /^zh-Hans/);
  await page.locator("header select").first().selectOption("English");
  await page.getByRole("combobox", { name: "Theme" }).selectOption("Dark");
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const [red = 255] = (background.match(/\d+/g) ?? []).map(Number);
  expect(red).toBeLessThan(64);
  await keepScreenshot("dark");
});
