/** Builds main/, preload/ and renderer/ into out/. The page is the same in Electron and in a browser. */

import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "electron-vite";

/** `scripts/prepare.mjs` builds beside out/ and then swaps the two, so that nobody runs half a build. */
const out = process.env.HOPLAB_OUT ?? "out";

/**
 * ssh2's optional native parts are left out: they would be built for one Node or one Electron only, and without them it
 * ciphers with Node's own OpenSSL, which is as fast. Its `require` of them stands in a `try`.
 */
const withoutNativeParts = {
  name: "without-native-parts",
  resolveId: (id: string) => (id === "cpu-features" || id.endsWith(".node") ? "\0native-part" : undefined),
  load: (id: string) => (id === "\0native-part" ? "throw new Error('left out of the bundle');" : undefined),
};

export default defineConfig({
  main: {
    plugins: [withoutNativeParts],
    build: {
      outDir: resolve(out, "main"),
      target: "node20",
      // All in one place starts faster than hundreds of files in node_modules.
      externalizeDeps: false,
      rolldownOptions: {
        input: {
          desktop: "main/desktop/index.ts",
          cli: "main/cli/index.ts",
          "capture-worker": "main/capture/worker.ts",
        },
        // Chunks lie beside the entries, so that `./capture-worker.js` is right from any of them.
        output: { format: "es", entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
      },
    },
  },
  preload: {
    build: {
      outDir: resolve(out, "preload"),
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: "preload/index.ts" },
        // A sandboxed preload must be CommonJS.
        output: { format: "cjs", entryFileNames: "[name].cjs" },
      },
    },
  },
  renderer: {
    root: "renderer",
    plugins: [react()],
    build: {
      outDir: resolve(out, "renderer"),
      minify: true,
      rolldownOptions: { input: { index: "renderer/index.html" } },
    },
  },
});
