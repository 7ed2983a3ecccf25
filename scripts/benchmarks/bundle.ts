/**
 * Bundles the measured programs the way the product is bundled. From source, under tsx, every function is wrapped to
 * keep its name, which makes the hot path ten times slower than what users run.
 */

import { join } from "node:path";
import { build } from "vite";

export async function bundle(program: string, folder: string): Promise<string> {
  const outDir = join(folder, "bundle", program);
  await build({
    configFile: false,
    logLevel: "error",
    ssr: { noExternal: true },
    build: {
      outDir,
      target: "node20",
      ssr: join(import.meta.dirname, "measured", `${program}.ts`),
      rolldownOptions: { output: { entryFileNames: "program.mjs" } },
    },
  });
  return join(outDir, "program.mjs");
}
