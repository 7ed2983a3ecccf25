import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Unit tests: pure or in-process, no kernel, no browser. Those live in test/netns, test/ssh, test/vm, test/vm-labs and test/e2e. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
    exclude: ["test/netns/**", "test/ssh/**", "test/vm/**", "test/vm-labs/**", "test/e2e/**", "node_modules/**"],
    // Vitest would leave a core free: all of it, where there are two.
    maxWorkers: availableParallelism(),
    // The files of a worker share their modules: to load zod, yaml and the layouts anew for each took a third of the time.
    isolate: false,
    // What takes a second on a quiet machine takes ten on a busy one; nothing here asserts how long.
    testTimeout: 60_000,
  },
});
