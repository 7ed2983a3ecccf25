/** That a forbidden import between folders is caught, in whatever way it is written. */

import { expect, test } from "vitest";
import { findForbidden, readImports } from "../../scripts/imports.ts";

function forbidden(path: string, text: string): string[] {
  return findForbidden([{ path, text }]);
}

test("only the desktop shell and the preload may import Electron", () => {
  const text = 'import { app } from "electron";\n';
  for (const path of ["main/desktop/index.ts", "preload/index.ts"]) expect(forbidden(path, text)).toEqual([]);
  for (const path of ["main/web/server.ts", "main/rpc/serve.ts", "main/cli/index.ts", "renderer/main.tsx"]) {
    expect(forbidden(path, text)).toHaveLength(1);
  }
});

test("the page reaches the server by the contract only", () => {
  expect(
    forbidden("renderer/labs/LabList.tsx", 'import type { Sandbox } from "../../preload/contract/lab.ts";\n'),
  ).toEqual([]);
  expect(forbidden("renderer/labs/LabList.tsx", 'import { run } from "../../main/target/run.ts";\n')).toEqual([
    "renderer/labs/LabList.tsx imports ../../main/target/run.ts, which renderer may not",
  ]);
  expect(forbidden("renderer/main.tsx", 'import { join } from "node:path";\n')).toHaveLength(1);
  expect(forbidden("renderer/main.tsx", 'import { openPortLine } from "../preload/port-line.ts";\n')).toHaveLength(1);
});

test("the pure folders import nothing of node and no folder that does", () => {
  for (const folder of ["decode", "journey", "layout", "plan", "cause"]) {
    expect(forbidden(`main/${folder}/a.ts`, 'import { readFileSync } from "node:fs";\n')).toHaveLength(1);
    expect(forbidden(`main/${folder}/a.ts`, 'import { LocalTarget } from "../target/local-target.ts";\n')).toHaveLength(
      1,
    );
  }
  expect(forbidden("main/layout/a.ts", 'import type { Lab } from "../lab/schema.ts";\n')).toEqual([]);
  expect(forbidden("main/layout/a.ts", 'import { readLab } from "../lab/read.ts";\n')).toHaveLength(1);
  expect(forbidden("main/lab/schema.ts", 'import { parse } from "yaml";\n')).toHaveLength(1);
});

test("a lower folder does not import a higher one", () => {
  expect(forbidden("main/target/a.ts", 'import { up } from "../sandbox/start.ts";\n')).toHaveLength(1);
  expect(forbidden("main/capture/a.ts", 'import { serve } from "../rpc/serve.ts";\n')).toHaveLength(1);
  expect(forbidden("main/cli/a.ts", 'import { openWindow } from "../desktop/window.ts";\n')).toHaveLength(1);
});

test("a package that the table does not name is refused", () => {
  expect(forbidden("main/target/a.ts", 'import left from "left-pad";\n')).toHaveLength(1);
  expect(forbidden("renderer/a.tsx", 'import { createRoot } from "react-dom/client";\n')).toEqual([]);
  expect(forbidden("renderer/a.tsx", 'import x from "react-dominator";\n')).toHaveLength(1);
});

test("an import is found however it is written", () => {
  const ways = [
    'import "./a.ts";',
    'import a from "./a.ts";',
    'import type { A } from "./a.ts";',
    'import * as a from "./a.ts";',
    "import a from './a.ts';",
    'import {\n  a,\n  type B,\n} from "./a.ts";',
    'export { a } from "./a.ts";',
    'export * from "./a.ts";',
    'export type { A } from "./a.ts";',
    'const a = await import("./a.ts");',
    'let a: import("./a.ts").A;',
    'const a = require("./a.ts");',
    'import manifest from "./a.ts" with { type: "json" };',
  ];
  for (const way of ways) expect({ way, found: readImports(`${way}\n`) }).toEqual({ way, found: ["./a.ts"] });
  expect(readImports('const text = "hello from me";\nexport const from = "./a.ts";\n')).toEqual([]);
});

test("a folder that the table does not know is told, so that each new one is thought about", () => {
  expect(forbidden("main/elsewhere/a.ts", "")).toEqual([
    "main/elsewhere/a.ts is in no folder of the table in scripts/imports.ts",
  ]);
});
