import { defineConfig } from "vitest/config";

/** The SSH transport against a real sshd on loopback, which the tests start themselves. */
export default defineConfig({
  // Nothing is written beside the sources: the rootless run may not be allowed to.
  cacheDir: process.env.HOPLAB_TEST_CACHE ?? "node_modules/.vite",
  test: {
    include: ["test/ssh/**/*.test.ts"],
    fileParallelism: false,
    // A shared machine under load: what passes at the second try only is named in the sum of scripts/test.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
