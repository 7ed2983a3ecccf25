import { describe, expect, test } from "vitest";
import { formatIpv4, formatIpv6 } from "../../main/decode/ip-address.ts";
import { formatMac } from "../../main/decode/mac-address.ts";
import { hex } from "./build-frame.ts";

describe("addresses are written as ip writes them", () => {
  test("a MAC address has lower case and leading zeros", () => {
    expect(formatMac(hex("ffff 02000a0b0cff"), 2)).toBe("02:00:0a:0b:0c:ff");
  });

  test("an IPv4 address is four numbers", () => {
    expect(formatIpv4(hex("00 0af400ff"), 1)).toBe("10.244.0.255");
  });

  // The examples of RFC 5952, section 4, and its corners.
  test.each([
    ["20010db8000000000000000000000001", "2001:db8::1"],
    ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["20010000000000010000000000000001", "2001:0:0:1::1"],
    ["20010db8aaaa0000bbbb0000cccc0000", "2001:db8:aaaa:0:bbbb:0:cccc:0"],
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000000000001", "::1"],
    ["fe800000000000000000000000000000", "fe80::"],
    ["00000000000000000000ffffc0000201", "::ffff:192.0.2.1"],
    ["00010002000300040005000600070008", "1:2:3:4:5:6:7:8"],
    ["00000000000000010000000000000000", "0:0:0:1::"],
  ])("IPv6 %s is %s", (bytes, text) => {
    expect(formatIpv6(hex(bytes), 0)).toBe(text);
  });
});
