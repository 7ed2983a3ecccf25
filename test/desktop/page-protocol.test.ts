/** What the window can load by its own scheme, and what it cannot. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answer, isPageUrl } from "../../main/desktop/page-protocol.ts";
import { type Page, readPage } from "../../main/rpc/page.ts";

let dir = "";
let page: Page;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "hoplab-desktop-"));
  await mkdir(join(dir, "page", "assets"), { recursive: true });
  await writeFile(join(dir, "page", "index.html"), "<!doctype html>");
  await writeFile(join(dir, "page", "assets", "a.js"), "export {};");
  await writeFile(join(dir, "secret.txt"), "outside of the page");
  const read = await readPage(join(dir, "page"));
  if (!read.ok) throw new Error(read.fault.message);
  page = read.value;
});
afterAll(async () => await rm(dir, { recursive: true }));

test("the page and its files come with their types and the headers that fence them in", async () => {
  const index = await answer(page, "app://hoplab/?a#b", "GET");
  expect(index.status).toBe(200);
  expect(index.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(index.headers.get("content-security-policy")).toContain("default-src 'none'");
  const script = await answer(page, "app://hoplab/assets/a.js", "GET");
  expect(await script.text()).toBe("export {};");
  expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
});

test("no URL leads out of the page's folder or to another host", async () => {
  const urls = [
    "app://hoplab/../secret.txt",
    "app://hoplab/%2e%2e/secret.txt",
    "app://hoplab/assets/..%2f..%2fsecret.txt",
    `app://hoplab/${dir}/secret.txt`,
    "app://other/index.html",
    "app://hoplab.evil/index.html",
    "file:///etc/hostname",
  ];
  for (const url of urls) {
    const { status } = await answer(page, url, "GET");
    expect({ url, status }).toEqual({ url, status: 404 });
  }
  expect((await answer(page, "app://hoplab/", "POST")).status).toBe(404);
});

test("only the page's own scheme and host count as the page", () => {
  expect(isPageUrl("app://hoplab/index.html")).toBe(true);
  for (const url of ["app://hoplab.evil/", "app://hoplab@evil/", "https://hoplab/", "about:blank", ""]) {
    expect({ url, own: isPageUrl(url) }).toEqual({ url, own: false });
  }
});
