/** The page opens, and nothing but the page is in its reach. */

import { expect, test } from "./app.ts";

test("the page opens and lists the labs that come with Hoplab", async ({ page, keepScreenshot }) => {
  await expect(page).toHaveTitle(/Hoplab/);
  await expect(page.getByText("flannel-vxlan").or(page.getByText("Flannel VXLAN")).first()).toBeVisible();
  await keepScreenshot("start");
});

test("the page has no node, runs no inline script and reaches no other host", async ({ page, problems }) => {
  expect(
    await page.evaluate(() => [typeof Reflect.get(window, "require"), typeof Reflect.get(window, "process")]),
  ).toEqual(["undefined", "undefined"]);
  const inline = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ranInline = true";
    document.head.append(script);
    return Reflect.get(window, "ranInline");
  });
  expect(inline).toBeUndefined();
  const fetched = await page.evaluate(async () => {
    try {
      await fetch("http://192.0.2.1/");
      return "answered";
    } catch {
      return "refused";
    }
  });
  expect(fetched).toBe("refused");
  // Both attempts are told in the console; that is what was asked for.
  expect(problems.join("\n")).toContain("Content Security Policy");
  problems.length = 0;
});
