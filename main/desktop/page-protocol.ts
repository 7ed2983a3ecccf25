/** Serves the built page to the window under a scheme of its own, so that no file and no network is in its reach. */

import { readFile } from "node:fs/promises";
import type { Protocol } from "electron";
import { PAGE_HEADERS, type Page } from "../rpc/page.ts";

export const PAGE_SCHEME = "app";
export const PAGE_URL = `${PAGE_SCHEME}://hoplab/`;

/** Whether a URL belongs to the page. Another host of the scheme does not. */
export function isPageUrl(url: string): boolean {
  return url.startsWith(PAGE_URL);
}

export function servePage(protocol: Protocol, page: Page): void {
  protocol.handle(PAGE_SCHEME, async ({ url, method }) => await answer(page, url, method));
}

export async function answer(page: Page, url: string, method: string): Promise<Response> {
  const path = isPageUrl(url) ? url.slice(PAGE_URL.length - 1).replace(/[?#].*$/s, "") : "";
  const file = method === "GET" ? page.get(path) : undefined;
  if (!file) return new Response("There is no such file.\n", { status: 404, headers: PAGE_HEADERS });
  const body = new Uint8Array(await readFile(file.path));
  return new Response(body, { headers: { ...PAGE_HEADERS, "Content-Type": file.contentType } });
}
