/**
 * What `electron DIR` runs in the test runtime, whose own default app was taken out: loads DIR's main with its name and
 * path set, after the modules given with -r. Awaited at the top level, so that Electron is not ready before DIR's main ran.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { app } from "electron";

const preloaded = [];
let dir;
for (let index = 1; index < process.argv.length && dir === undefined; index++) {
  const argument = process.argv[index];
  if (argument === "-r" || argument === "--require") preloaded.push(process.argv[++index]);
  else if (!argument.startsWith("-")) dir = resolve(argument);
}
if (dir === undefined) {
  console.error("Usage: electron [-r MODULE] DIR [ARGUMENT…]");
  process.exit(2);
}

const require = createRequire(import.meta.url);
for (const module of preloaded) require(resolve(module));

const {
  name,
  productName,
  version,
  main = "index.js",
} = JSON.parse(readFileSync(resolve(dir, "package.json"), "utf8"));
app.setAppPath(dir);
app.setName(productName ?? name);
app.setVersion(version);
await import(pathToFileURL(resolve(dir, main)).href);
