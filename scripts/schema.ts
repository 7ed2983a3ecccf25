/**
 * Writes labs/lab.schema.json from the zod schema, so that editors complete lab files. With --check it only
 * compares, and fails where the file is not current.
 */

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { labSchema } from "../main/lab/schema.ts";

const file = fileURLToPath(new URL("../labs/lab.schema.json", import.meta.url));
const schema = { title: "A Hoplab lab", ...z.toJSONSchema(labSchema, { io: "input", target: "draft-7" }) };
const text = `${JSON.stringify(schema, null, 2)}\n`;

if (!process.argv.includes("--check")) {
  await writeFile(file, text);
} else if ((await readFile(file, "utf8").catch(() => "")) !== text) {
  console.error("labs/lab.schema.json is not current: run npx tsx scripts/schema.ts");
  process.exitCode = 1;
}
