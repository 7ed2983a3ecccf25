/**
 * The built page as its two servers hand it out: which files there are, their types, and the headers that fence it in.
 * Only files found when the folder was listed can be asked for, so no path leads out of it.
 */

import { readdir } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { fail, ok, type Result } from "../../preload/contract/result.ts";

export interface PageFile {
  /** Absolute path. */
  path: string;
  contentType: string;
  /** The name carries a hash of the content, so that it may be kept for ever. */
  immutable: boolean;
}

/** By the path of the URL, as `/assets/index-1a2b3c4d.js`; `/` is the page itself. */
export type Page = ReadonlyMap<string, PageFile>;

const CONTENT_TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
};

/** Lists the files of the built page in `dir`. Fault: `not-found` where it was not built. */
export async function readPage(dir: string): Promise<Result<Page>> {
  const page = new Map<string, PageFile>();
  try {
    for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const url = path.slice(join(dir, sep).length).split(sep).join("/");
      page.set(`/${url}`, {
        path,
        contentType: CONTENT_TYPES[extname(path)] ?? "application/octet-stream",
        immutable: url.startsWith("assets/"),
      });
    }
  } catch {
    // Answered below: a folder that cannot be read has no page in it.
  }
  const index = page.get("/index.html");
  if (!index) return fail("not-found", `there is no built page in ${dir}`, { fix: "run: npm run build" });
  page.set("/", index);
  return ok(page);
}

/**
 * Headers for every answer. Scripts only from the page's own files and never inline. Styles may be inline because
 * Cytoscape and Radix add style elements; a style runs no code.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};
