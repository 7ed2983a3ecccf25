import { defineConfig } from "@playwright/test";
import type { AppOptions, WorkerOptions } from "./test/e2e/app.ts";

/** The same specs in a browser and in Electron. Labs are the machine's, so one spec runs at a time. */
export default defineConfig<AppOptions, WorkerOptions>({
  testDir: "test/e2e",
  testMatch: "**/*.spec.ts",
  outputDir: "test-results/e2e",
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  projects: [
    { name: "chromium", testIgnore: "**/*.electron.spec.ts", use: { shell: "chromium" } },
    { name: "ssh", testMatch: "**/lab.spec.ts", use: { shell: "chromium", over: "ssh" } },
    { name: "electron", testIgnore: "**/*.chromium.spec.ts", use: { shell: "electron" } },
  ],
});
