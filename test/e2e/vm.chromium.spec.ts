/** A lab that this machine's kernel can't host: the page says so, starts the built-in VM, and the lab runs there. */

import { expect, hoplab, test } from "./app.ts";

// Everything in a VM without hardware support takes its time.
const SLOW = { timeout: 300_000 };

test("a lab that needs what this kernel lacks is offered the built-in VM, and is followed through tunl0 there", async ({
  page,
  dataDir,
  keepScreenshot,
}) => {
  test.setTimeout(1_500_000);
  const doctor = await hoplab(dataDir, "doctor", "--json").catch((error: { stdout: string }) => error.stdout);
  const { labs }: { labs: { id: string; lacks: string[] }[] } = JSON.parse(doctor);
  test.skip(!labs.some(({ id, lacks }) => id === "calico-ipip" && lacks.length > 0), "this kernel has ipip itself");
  try {
    await page
      .getByRole("button", { name: /^Calico IPIP/ })
      .first()
      .click();
    await expect(page.getByText("This lab can’t run on local.")).toBeVisible();
    await keepScreenshot("vm-offered");
    await page.getByRole("button", { name: "Start the built-in VM" }).click();
    await expect(page.locator(".target-button")).toContainText("vm", SLOW);
    await page.getByRole("button", { name: "Bring up" }).click(SLOW);
    await expect(page.getByRole("button", { name: "Take down" })).toBeVisible(SLOW);
    const traffic = page.getByRole("region", { name: "Send traffic" });
    await traffic.getByRole("button", { name: "Send", exact: true }).click();
    await expect(page.getByText("1 sent, 1 answered")).toBeVisible(SLOW);
    await page
      .getByRole("grid", { name: "Packets" })
      .getByRole("row", { name: /ICMP echo request/ })
      .click();
    const journey = page.getByRole("listbox", { name: "Journey" });
    await expect(journey.getByRole("option")).toHaveCount(10, SLOW);
    await expect(journey.getByRole("option", { name: /routed.*dev tunl0 proto 80 onlink/ })).toHaveCount(1);
    const playback = page.getByRole("group", { name: "Playback of the journey" });
    await expect(playback.getByRole("status")).toHaveText("10 / 10", { timeout: 60_000 });
    await journey.getByRole("option", { name: /^wrapped/ }).click();
    await keepScreenshot("vm-journey");
    await page.getByRole("button", { name: "Take down" }).click();
    await expect(page.getByRole("button", { name: "Bring up" })).toBeVisible(SLOW);
  } finally {
    await hoplab(dataDir, "vm", "down");
  }
});
