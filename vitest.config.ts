import { defineConfig } from "vitest/config";

/** Unit tests: pure or in-process, no kernel, no browser. Those live in test/netns, test/ssh, test/vm, test/vm-labs and test/e2e. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
    exclude: ["test/netns/**", "test/ssh/**", "test/vm/**", "test/vm-labs/**", "test/e2e/**", "node_modules/**"],
  },
});
