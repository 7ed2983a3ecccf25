import { homedir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Read by the set-up too, which runs in vitest's own process.
process.env.HOPLAB_VM_CACHE ??= join(homedir(), ".cache", "hoplab", "vm");

/** Labs in the embedded VM, over SSH: the layouts on Debian's own kernel, which has all that any of them needs. */
export default defineConfig({
  cacheDir: process.env.HOPLAB_TEST_CACHE ?? "node_modules/.vite",
  test: {
    // Those that need what many kernels lack, and those that go through all labs: here for the labs that the machine around
    // the VM can't host. `layout-flannel` and `layout-free-form` pass there too, in ten minutes more.
    include: [
      "test/vm-labs/**/*.test.ts",
      "test/netns/*-calico.test.ts",
      "test/netns/journey-flannel.test.ts",
      "test/netns/journey-basics.test.ts",
      "test/netns/facts.test.ts",
      "test/netns/checks.test.ts",
      "test/netns/faults.test.ts",
      "test/netns/joins.test.ts",
      "test/netns/guides.test.ts",
    ],
    globalSetup: ["test/vm/in-vm.ts"],
    fileParallelism: false,
    // A shared machine under load: what passes at the second try only is named in the sum of scripts/test.
    retry: process.env.CI ? 1 : 0,
    // Without KVM everything takes ten times as long; nothing here asserts how long.
    testTimeout: 600_000,
    hookTimeout: 1_200_000,
  },
});
