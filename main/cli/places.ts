/** Where the things lie that come with Hoplab. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout or installation: two folders above this file, from source and built alike. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export const LABS_DIR = join(ROOT, "labs");
export const PAGE_DIR = join(ROOT, "out", "renderer");
