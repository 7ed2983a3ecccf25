/** How namespaces are named on the command line and in lab files. */

import { expect, it } from "vitest";
import { findReferenced, splitInterface } from "../../main/lab/reference.ts";

const NAMESPACES = ["net/lan", "node/a", "pod/a", "pod/b", "client"].map((name) => ({
  name,
  label: name.split("/").at(-1)!,
}));
const found = (reference: string) => findReferenced(reference, NAMESPACES).map(({ name }) => name);

it("a bare name finds pods, nodes and free-form namespaces, and tells when it may mean two", () => {
  expect(found("b")).toEqual(["pod/b"]);
  expect(found("client")).toEqual(["client"]);
  expect(found("a")).toEqual(["node/a", "pod/a"]);
  expect(found("node/a")).toEqual(["node/a"]);
  expect(found("pod/c")).toEqual([]);
});

it("an underlay network is only meant by its full name", () => {
  expect(found("lan")).toEqual([]);
  expect(found("net/lan")).toEqual(["net/lan"]);
});

it("an interface is what comes behind the last slash", () => {
  expect(splitInterface("node1/flannel.1")).toEqual({ reference: "node1", interface: "flannel.1" });
  expect(splitInterface("node/node1/eth0")).toEqual({ reference: "node/node1", interface: "eth0" });
  expect(splitInterface("eth0")).toBeUndefined();
  expect(splitInterface("/eth0")).toBeUndefined();
  expect(splitInterface("node1/")).toBeUndefined();
});
