/** What the window reads from its command line. */

import { expect, test } from "vitest";
import { readArguments } from "../../main/desktop/arguments.ts";

test("the lab to open is named by --lab, in either spelling, among Chromium's switches", () => {
  expect(readArguments(["electron", "--no-sandbox", ".", "--lab", "flannel-vxlan"])).toEqual({ lab: "flannel-vxlan" });
  expect(readArguments(["hoplab", "--lab=./my/lab.yaml", "--disable-gpu"])).toEqual({ lab: "./my/lab.yaml" });
});

test("without a name no lab is opened", () => {
  expect(readArguments(["electron", "."])).toEqual({});
  expect(readArguments(["electron", ".", "--lab"])).toEqual({});
  expect(readArguments(["electron", ".", "--lab="])).toEqual({});
});
