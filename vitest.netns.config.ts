import { defineConfig } from "vitest/config";

/**
 * Kernel tests: real namespaces, real tcpdump; one file after the other, since they look at what is left on the machine.
 * scripts/test runs several at once, each in a process table of its own (scripts/kernel-file).
 */
export default defineConfig({
  // Nothing is written beside the sources: the rootless run may not be allowed to.
  cacheDir: process.env.HOPLAB_TEST_CACHE ?? "node_modules/.vite",
  test: {
    include: ["test/netns/**/*.test.ts"],
    fileParallelism: false,
    // A shared machine under load: what passes at the second try only is named in the sum of scripts/test.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
