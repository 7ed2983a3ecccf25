/**
 * The table of which folder may import what, and the check of the sources against it. It is what keeps Electron out of
 * the server, node out of the page, and the pure folders pure.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

interface Rule {
  /** Files in it, and below it where no other rule says more. */
  folder: string;
  /** Folders or files of this repository, beside its own. */
  from: readonly string[];
  /** npm packages. */
  packages?: readonly string[];
  /** Whether node's own modules may be imported. */
  node?: boolean;
}

const CONTRACT = "preload/contract";
/** What is pure of the lab files' folder. */
const LAB = ["main/lab/schema.ts", "main/lab/suggest.ts", "main/lab/validate.ts"];

export const RULES: readonly Rule[] = [
  { folder: CONTRACT, from: [], packages: ["zod"] },
  { folder: "preload", from: [CONTRACT], packages: ["electron"] },
  {
    folder: "renderer",
    from: [CONTRACT],
    packages: [
      "@tanstack/react-virtual",
      "cytoscape",
      "radix-ui",
      "react",
      "react-dom",
      "react-resizable-panels",
      "zustand",
    ],
  },

  // Pure: bytes and data in, data out.
  { folder: "main/lab/schema.ts", from: [CONTRACT], packages: ["zod"] },
  { folder: "main/layout", from: [CONTRACT, "main/lab/schema.ts"] },
  { folder: "main/fault", from: [CONTRACT, ...LAB, "main/layout", "main/live/live.ts"] },
  { folder: "main/live", from: [CONTRACT, ...LAB, "main/layout", "main/fault"] },
  { folder: "main/plan", from: [CONTRACT] },
  { folder: "main/decode", from: [CONTRACT] },
  { folder: "main/journey", from: [CONTRACT, "main/decode"] },
  { folder: "main/cause", from: [CONTRACT, "main/decode", "main/journey"] },

  // A lab file is checked with the same arithmetic that lays it out.
  { folder: "main/lab", from: [CONTRACT, "main/layout"], packages: ["yaml", "zod"], node: true },
  { folder: "main/check", from: [CONTRACT, "main/lab/reference.ts", "main/lab/schema.ts"] },
  { folder: "main/target", from: [CONTRACT], packages: ["zod"], node: true },
  { folder: "main/target/ssh", from: [CONTRACT, "main/target/target.ts"], packages: ["ssh2"], node: true },
  { folder: "main/vm", from: [CONTRACT, "main/target"], packages: ["zod"], node: true },
  {
    folder: "main/sandbox",
    from: [CONTRACT, "main/target", "main/plan", "main/cause", "main/live", "main/lab/schema.ts"],
    packages: ["zod"],
    node: true,
  },
  {
    folder: "main/capture",
    from: [CONTRACT, "main/target", "main/sandbox", "main/decode", "main/journey", "main/plan", "main/cause"],
    packages: ["zod"],
    node: true,
  },
  {
    folder: "main/rpc",
    from: [
      CONTRACT,
      "main/lab",
      "main/layout",
      "main/live",
      "main/fault",
      "main/plan",
      "main/target",
      "main/sandbox",
      "main/capture",
      "main/check",
      "main/decode",
      "main/journey",
      "main/cause",
      "main/vm",
      "package.json",
    ],
    packages: ["zod"],
    node: true,
  },

  // Three thin shells over one contract.
  { folder: "main/web", from: [CONTRACT, "main/rpc"], packages: ["ws", "zod"], node: true },
  { folder: "main/desktop", from: [CONTRACT, "main/rpc"], packages: ["electron"], node: true },
  {
    folder: "main/cli",
    from: [
      CONTRACT,
      "main/lab",
      "main/layout",
      "main/plan",
      "main/target",
      "main/sandbox",
      "main/capture",
      "main/decode",
      "main/journey",
      "main/cause",
      "main/rpc",
      "main/web",
    ],
    packages: ["commander"],
    node: true,
  },
];

/** Where the rules hold. Tests and scripts may import anything. */
const RULED = ["main", "preload", "renderer"];

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  path: string;
  text: string;
}

/** One sentence for each import that no rule allows, and for each file that no rule is about. */
export function findForbidden(files: readonly SourceFile[], rules: readonly Rule[] = RULES): string[] {
  return files.flatMap(({ path, text }) => {
    const rule = ruleFor(path, rules);
    if (!rule) return [`${path} is in no folder of the table in scripts/imports.ts`];
    return readImports(text)
      .filter((imported) => !isAllowed(imported, path, rule))
      .map((imported) => `${path} imports ${imported}, which ${rule.folder} may not`);
  });
}

/** The most specific rule: that of the longest folder. */
function ruleFor(path: string, rules: readonly Rule[]): Rule | undefined {
  return rules.filter(({ folder }) => isIn(path, folder)).toSorted((a, b) => b.folder.length - a.folder.length)[0];
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function isAllowed(imported: string, path: string, { folder, from, packages = [], node = false }: Rule): boolean {
  if (imported.startsWith("node:")) return node;
  if (imported.startsWith(".")) {
    const target = posix.join(posix.dirname(path), imported);
    return [folder, ...from].some((allowed) => isIn(target, allowed));
  }
  return packages.some((name) => imported === name || imported.startsWith(`${name}/`));
}

/** What a file imports, types included: static, re-exported, for its effect, and dynamic. */
export function readImports(text: string): string[] {
  const patterns = [
    /^\s*(?:import|export)\s[^"';]*?\sfrom\s+["']([^"']+)["']/gm,
    /^\s*import\s+["']([^"']+)["']/gm,
    /\b(?:import|require)\(\s*["']([^"']+)["']/g,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ""));
}

function readSources(root: string): SourceFile[] {
  return RULED.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|tsx|mts|js|mjs)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => ({
        path: relative(root, path).split(sep).join("/"),
        text: readFileSync(path, "utf8"),
      })),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const forbidden = findForbidden(readSources(dirname(dirname(fileURLToPath(import.meta.url)))));
  for (const sentence of forbidden) console.error(sentence);
  process.exitCode = forbidden.length > 0 ? 1 : 0;
}
