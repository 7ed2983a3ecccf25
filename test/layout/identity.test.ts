/** Derived MAC addresses and veth names. */

import { expect, it } from "vitest";
import { Identities } from "../../main/layout/identity.ts";

const owners = Array.from({ length: 20_000 }, (_, index) => `pod/p${index}`);

it("MAC addresses are unicast, locally administered and unique in a lab", () => {
  const identities = new Identities("lab");
  const macs = owners.map((owner) => identities.mac(owner));
  for (const mac of macs) expect(mac).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  expect(new Set(macs).size).toBe(macs.length);
});

it("veth names are what the CNI plugin would draw, and unique in a lab", () => {
  const identities = new Identities("lab");
  const names = owners.map((owner) => identities.veth(owner));
  for (const name of names) expect(name).toMatch(/^veth[0-9a-f]{8}$/);
  expect(new Set(names).size).toBe(names.length);
});

it("the same lab gets the same addresses, another lab others", () => {
  expect(new Identities("lab").mac("pod/a")).toBe(new Identities("lab").mac("pod/a"));
  expect(new Identities("lab").mac("pod/a")).not.toBe(new Identities("lab2").mac("pod/a"));
});

it("an address that the lab file gives away is drawn again", () => {
  const first = new Identities("lab").mac("pod/a");
  const second = new Identities("lab", [first]).mac("pod/a");
  expect(second).not.toBe(first);
  expect(new Identities("lab", [first, second]).mac("pod/a")).not.toBe(second);
});
