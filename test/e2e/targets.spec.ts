/** What a person does with targets: add one, test it step by step, run a lab there, remove it; and answer its questions. */

import type { Page } from "@playwright/test";
import { expect, hoplab, test } from "./app.ts";

/** Runs its arguments, and passes on stdin and stdout: all that a command target asks for. */
const COMMAND = `sh -c '"$@"' sh`;
const NAME = "e2e-env";

test("a command becomes a target, is tested step by step, hosts a lab and is removed", async ({
  page,
  dataDir,
  keepScreenshot,
}) => {
  const current = page.locator(".target-button");
  await expect(current).toContainText("local");

  // The menu, by keyboard alone.
  await page.keyboard.press("m");
  const menu = page.getByRole("menu");
  await expect(menu.getByRole("menuitemradio", { name: /^local/ })).toHaveAttribute("aria-checked", "true");
  await expect(menu.getByRole("menuitemradio", { name: /^vm/ })).toBeVisible();
  await keepScreenshot("targets-menu");
  await expect(menu.getByRole("menuitemradio", { name: /^local/ })).toBeFocused();
  await page.keyboard.press("End");
  await expect(menu.getByRole("menuitem", { name: "Targets …" })).toBeFocused();
  await page.keyboard.press("Enter");

  // The form: what is wrong is said, a test goes through every step before anything is added.
  const dialog = page.getByRole("dialog", { name: "Targets" });
  await dialog.getByRole("tab", { name: "Add a command" }).click();
  await dialog.getByLabel("Name", { exact: true }).fill("E2E");
  await dialog.getByLabel("Command", { exact: true }).fill(COMMAND);
  await dialog.getByRole("button", { name: "Test", exact: true }).click();
  await expect(dialog.getByLabel("Name", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Name", { exact: true }).fill(NAME);
  await expect(dialog.locator(".argv .badge")).toHaveText(["sh", "-c", '"$@"', "sh"]);
  await dialog.getByRole("button", { name: "Test", exact: true }).click();
  const steps = dialog.getByRole("list", { name: "Steps" });
  for (const step of ["shell", "privileges", "programs", "kernel"]) {
    await expect(steps.locator(`[data-step="${step}"]`)).toHaveAttribute("data-state", /^(ok|warning)$/);
  }
  await expect(steps.locator('[data-step="programs"]')).toContainText("tcpdump");
  expect(await targetNames(dataDir)).not.toContain(NAME);
  await keepScreenshot("targets-test");

  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByRole("button", { name: `Use ${NAME}` }).click();
  await expect(dialog.getByText("Labs run here.")).toBeVisible();
  expect(await targetNames(dataDir)).toContain(NAME);
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(current).toContainText(NAME);

  // A lab there: up, a ping through it, down.
  await page.getByRole("button", { name: /^ARP on a bridge/ }).click();
  await page.getByRole("button", { name: "Bring up" }).click();
  await expect(page.getByRole("button", { name: "Take down" })).toBeVisible();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByText(/1 sent, 1 answered/)).toBeVisible();
  await expect(
    page
      .getByRole("grid", { name: "Packets" })
      .getByRole("row", { name: /ICMP echo request/ })
      .first(),
  ).toBeVisible();
  await keepScreenshot("targets-lab");

  await page.getByRole("button", { name: "Take down" }).click();
  await expect(page.getByRole("button", { name: "Bring up" })).toBeVisible();

  // Removing asks first; what was current is then the server's default again.
  await openTargets(page);
  await dialog.getByRole("button", { name: "Remove …" }).click();
  await expect(dialog.getByRole("button", { name: "Keep" })).toBeFocused();
  await dialog.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(dialog.getByRole("tab", { name: new RegExp(`^${NAME}`) })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(current).toContainText("local");
  expect(await targetNames(dataDir)).not.toContain(NAME);
});

test("a command that can't be run says at which step and what to do", async ({ page, keepScreenshot }) => {
  await openTargets(page);
  const dialog = page.getByRole("dialog", { name: "Targets" });
  await dialog.getByRole("tab", { name: "Add a command" }).click();
  await dialog.getByLabel("Name", { exact: true }).fill("e2e-nowhere");
  await dialog.getByLabel("Command", { exact: true }).fill("/nonexistent/hoplab-e2e --");
  await dialog.getByRole("button", { name: "Test", exact: true }).click();
  const shell = dialog.locator('[data-step="shell"]');
  await expect(shell).toHaveAttribute("data-state", "failed");
  await expect(shell.locator(".step-fix")).not.toBeEmpty();
  await expect(dialog.locator('[data-step="kernel"]')).toHaveAttribute("data-state", "skipped");
  await keepScreenshot("targets-test-failed");
});

test("a target that asks for a sudo password is asked about in the page; cancelling is an answer too", async ({
  page,
  keepScreenshot,
}) => {
  // Whoever sudo does not know is asked for a password all the same, before it is told so.
  test.skip(process.getuid?.() !== 0, "only root can run a command as a user that sudo does not know");
  await openTargets(page);
  const dialog = page.getByRole("dialog", { name: "Targets" });
  await dialog.getByRole("tab", { name: "Add a command" }).click();
  await dialog.getByLabel("Name", { exact: true }).fill("e2e-sudo");
  const asNobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
  await dialog.getByLabel("Command", { exact: true }).fill(asNobody);
  await dialog.getByLabel("Privileges", { exact: true }).selectOption("sudo");
  await dialog.getByRole("button", { name: "Test", exact: true }).click();

  const question = page.getByRole("dialog", { name: "sudo password on e2e-sudo" });
  const password = question.locator("input");
  await expect(password).toBeFocused();
  await expect(password).toHaveAttribute("type", "password");
  await expect(password).toHaveAttribute("autocomplete", "off");
  await keepScreenshot("targets-question");
  await page.keyboard.press("Escape");
  await expect(question).toHaveCount(0);
  // Only the question was cancelled: the dialog behind it stays, and the step says what came of it.
  await expect(dialog.locator('[data-step="privileges"]')).toHaveAttribute("data-state", "failed");
});

async function targetNames(dataDir: string): Promise<string[]> {
  const listed: { name: string }[] = JSON.parse(await hoplab(dataDir, "target", "list", "--json"));
  return listed.map(({ name }) => name);
}

async function openTargets(page: Page): Promise<void> {
  // A key that is pressed before the page is there goes nowhere.
  await expect(page.locator(".target-button")).toContainText(/\w/);
  await page.keyboard.press("m");
  await page.getByRole("menuitem", { name: "Targets …" }).click();
}
