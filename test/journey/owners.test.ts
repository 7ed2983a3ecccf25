import { describe, expect, test } from "vitest";
import { hashIpv6 } from "../../main/journey/identity.ts";
import { addressNumber } from "../../main/journey/owners.ts";

describe("an address as a number", () => {
  test("is the IPv4 address itself", () => {
    expect(addressNumber("10.244.1.2")).toBe(0x0af40102);
    expect(addressNumber("255.255.255.255")).toBe(0xffffffff);
  });

  test("is the same for an IPv6 address written short, written out, and in a packet", () => {
    const bytes = Uint8Array.from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0x01]);
    expect(addressNumber("fd00::a01")).toBe(hashIpv6(bytes, 0));
    expect(addressNumber("fd00:0:0:0:0:0:0:a01")).toBe(hashIpv6(bytes, 0));
    expect(addressNumber("fd00::a02")).not.toBe(hashIpv6(bytes, 0));
  });

  test("is none for what is no address", () => {
    for (const text of ["", "10.0.0", "10.0.0.256", "a.b.c.d", "fd00", "fd00::1::2", "1:2:3:4:5:6:7:8:9", ":::"]) {
      expect(addressNumber(text)).toBeUndefined();
    }
  });
});
