/** IPv4 arithmetic. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatAddress,
  formatSubnet,
  holdsAddress,
  lastAddress,
  parseAddress,
  parsePrefixed,
  parseSubnet,
  subnetOf,
  subnetsOverlap,
} from "../../main/layout/address.ts";

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const length = fc.integer({ min: 0, max: 32 });

describe("an IPv4 address", () => {
  it("is the same after it was written and read", () => {
    fc.assert(fc.property(address, (number) => parseAddress(formatAddress(number)) === number));
  });

  it("is four decimal octets, nothing else", () => {
    expect(parseAddress("255.255.255.255")).toBe(2 ** 32 - 1);
    for (const text of [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "01.2.3.4",
      "1.2.3.4 ",
      "1.2.3.-4",
      "a.b.c.d",
      "1.2.3.0x4",
      "::1",
    ]) {
      expect(parseAddress(text), text).toBeUndefined();
    }
  });
});

describe("a subnet", () => {
  it("holds its first and last address, and the one before and behind is outside", () => {
    fc.assert(
      fc.property(address, length, (number, bits) => {
        const subnet = subnetOf(number, bits);
        expect(holdsAddress(subnet, number)).toBe(true);
        expect(holdsAddress(subnet, subnet.base)).toBe(true);
        expect(holdsAddress(subnet, lastAddress(subnet))).toBe(true);
        expect(holdsAddress(subnet, subnet.base - 1)).toBe(false);
        expect(holdsAddress(subnet, lastAddress(subnet) + 1)).toBe(false);
        expect(parseSubnet(formatSubnet(subnet))).toEqual(subnet);
      }),
    );
  });

  it("overlaps another exactly if one holds the other's first address", () => {
    fc.assert(
      fc.property(address, length, address, length, (a, aBits, b, bBits) => {
        const [one, two] = [subnetOf(a, aBits), subnetOf(b, bBits)];
        expect(subnetsOverlap(one, two)).toBe(holdsAddress(one, two.base) || holdsAddress(two, one.base));
      }),
    );
  });

  it("has no host bits, but an address with prefix length may", () => {
    expect(parseSubnet("10.244.1.1/24")).toBeUndefined();
    expect(parsePrefixed("10.244.1.1/24")).toEqual({
      address: parseAddress("10.244.1.1"),
      subnet: parseSubnet("10.244.1.0/24"),
    });
    for (const text of ["10.0.0.0/33", "10.0.0.0", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/-1"]) {
      expect(parsePrefixed(text), text).toBeUndefined();
    }
  });
});
