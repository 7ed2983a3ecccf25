/** Where captures are kept on each system. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { userDataDir } from "../../main/rpc/data-dir.ts";

test("captures are kept where each system keeps a user's data", () => {
  expect(userDataDir("linux", {}, "/home/ann")).toBe("/home/ann/.local/share/hoplab");
  expect(userDataDir("linux", { XDG_DATA_HOME: "/data" }, "/home/ann")).toBe("/data/hoplab");
  expect(userDataDir("darwin", {}, "/Users/ann")).toBe("/Users/ann/Library/Application Support/Hoplab");
  expect(userDataDir("win32", { APPDATA: "roaming" }, "home")).toBe(join("roaming", "Hoplab"));
});

test("HOPLAB_DATA names another folder on any system", () => {
  for (const platform of ["linux", "darwin", "win32"] as const) {
    expect(userDataDir(platform, { HOPLAB_DATA: "/elsewhere", XDG_DATA_HOME: "/data" }, "/home/ann")).toBe(
      "/elsewhere",
    );
  }
});
