/** Brings a lab up and down once within this process and prints how long each took, in milliseconds, as JSON. */

import { createBackend } from "../../../main/rpc/lab-backend.ts";

const [lab = "", name = "", dataDir = ""] = process.argv.slice(2);
await using backend = await createBackend({ labsDir: dataDir, dataDir });
const context = { signal: new AbortController().signal, progress: () => {} };

const began = performance.now();
const up = await backend.handlers["lab.up"]({ lab, name }, context);
const built = performance.now();
if (!up.ok) throw new Error(up.fault.message);
const down = await backend.handlers["lab.down"]({ sandbox: name }, context);
const ended = performance.now();
if (!down.ok) throw new Error(down.fault.message);
console.log(JSON.stringify({ up: built - began, down: ended - built }));
