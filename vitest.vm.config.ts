import { homedir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Tests of the built-in VM: a real QEMU. The image is built by the first run and kept for the next. */
export default defineConfig({
  cacheDir: process.env.HOPLAB_TEST_CACHE ?? "node_modules/.vite",
  test: {
    include: ["test/vm/**/*.test.ts"],
    fileParallelism: false,
    // Without KVM and with other work on the machine a cold start can take minutes; nothing here asserts how long.
    testTimeout: 300_000,
    hookTimeout: 1_200_000,
    env: { HOPLAB_VM_CACHE: process.env.HOPLAB_VM_CACHE ?? join(homedir(), ".cache", "hoplab", "vm") },
  },
});
