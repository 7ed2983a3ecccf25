/** What a learner changes in a lab that is up: a fault is injected, found and reverted; a node joins and leaves. */

import { expect, hoplab, test } from "./app.ts";

test("a fault is injected, the packet is lost and the page says why, and reverted it arrives again", async ({
  page,
  keepScreenshot,
}) => {
  await page.getByRole("button", { name: /^Flannel VXLAN (down|up)/ }).click();
  await page.getByRole("button", { name: "Bring up" }).click();
  await expect(page.getByRole("button", { name: "Take down" })).toBeVisible();
  await page.getByRole("tab", { name: "Change" }).click();
  const fault = page
    .getByRole("region", { name: "Faults" })
    .getByRole("listitem")
    .filter({ hasText: "IP forwarding is off on node1" });
  // What is to be found out is not told before it is asked for.
  await expect(fault.getByText("the packet is last seen as it enters node1")).toBeHidden();
  await fault.getByText("What you will see").click();
  await expect(fault.getByText("the packet is last seen as it enters node1")).toBeVisible();

  await fault.getByRole("button", { name: "Inject" }).click();
  await expect(fault.getByRole("button", { name: "Revert" })).toBeVisible();
  await expect(page.getByRole("button", { name: "1 fault injected" })).toBeVisible();
  await keepScreenshot("fault");
  await fault.getByRole("button", { name: /^Send/ }).click();
  await expect(page.getByText("1 sent, 0 answered")).toBeVisible();
  // The packet is selected by itself; its last hop tells the kernel state that ended it.
  const packets = page.getByRole("grid", { name: "Packets" });
  await packets.getByRole("row", { name: /ICMP echo request/ }).click();
  const journey = page.getByRole("listbox", { name: "Journey" });
  await journey.getByRole("option").last().click();
  await expect(page.getByRole("tabpanel")).toContainText("net.ipv4.ip_forward = 0");
  await expect(page.getByText("last seen at node/node1/cni0")).toBeVisible();
  await keepScreenshot("fault-lost");

  // The badge leads back to the fault.
  await page.getByRole("button", { name: "1 fault injected" }).click();
  await fault.getByRole("button", { name: "Revert" }).click();
  await expect(page.getByRole("button", { name: "1 fault injected" })).toBeHidden();
  await fault.getByRole("button", { name: /^Send/ }).click();
  await expect(page.getByText("1 sent, 1 answered")).toBeVisible();
  await page.getByRole("button", { name: "Take down" }).click();
  await expect(page.getByRole("button", { name: "Bring up" })).toBeVisible();
});

test("a node joins with its pod, is sent to, and leaves", async ({ page, dataDir, keepScreenshot }) => {
  await hoplab(dataDir, "up", "flannel-vxlan");
  await page.getByRole("button", { name: /^Flannel VXLAN (down|up)/ }).click();
  await expect(page.getByRole("button", { name: "Take down" })).toBeVisible();
  await page.getByRole("tab", { name: "Change" }).click();

  const form = page.getByRole("form", { name: "Add a node" });
  await expect(form.getByRole("textbox", { name: "Name" })).toHaveValue("node4");
  await form.getByRole("textbox", { name: "Pods" }).fill("z");
  await form.getByRole("button", { name: "Add" }).click();
  const nodes = page.getByRole("region", { name: "Nodes" }).getByRole("listitem");
  await expect(nodes).toHaveCount(4);
  const tree = page.getByRole("tree", { name: "Namespaces and interfaces" });
  await expect(tree.getByRole("treeitem", { name: /node4/ }).first()).toBeAttached();
  await keepScreenshot("node-added");

  await page.locator("#traffic select").nth(1).selectOption("pod/z");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByText("1 sent, 1 answered")).toBeVisible();

  // The same name again is refused in its own place.
  await page.getByRole("tab", { name: "Change" }).click();
  await form.getByRole("textbox", { name: "Name" }).fill("node4");
  await form.getByRole("button", { name: "Add" }).click();
  await expect(form.getByRole("alert")).toContainText("node4");
  await form.getByRole("button", { name: "Dismiss" }).click();

  const added = nodes.filter({ hasText: "node4" });
  await added.getByRole("button", { name: "Remove …" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Remove" }).click();
  await expect(nodes).toHaveCount(3);
  await expect(tree.getByRole("treeitem", { name: /node4/ })).toHaveCount(0);

  await page.getByRole("button", { name: "Take down" }).click();
  await expect(page.getByRole("button", { name: "Bring up" })).toBeVisible();
});
