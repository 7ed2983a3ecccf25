import { describe, expect, test } from "vitest";
import { readDnsName } from "../../main/decode/dns-name.ts";
import { ascii, concat, dnsName, hex, u8 } from "./build-frame.ts";

function read(bytes: Uint8Array, start = 0) {
  return readDnsName(bytes, 0, start, bytes.length);
}

describe("readDnsName", () => {
  test("reads labels up to the root", () => {
    expect(read(dnsName("www.example.com"))).toEqual({ text: "www.example.com", end: 17 });
    expect(read(u8(0))).toEqual({ text: ".", end: 1 });
  });

  test("follows a pointer back, and ends after the pointer", () => {
    const bytes = concat(dnsName("example.com"), hex("03777777c000"));
    expect(read(bytes, 13)).toEqual({ text: "www.example.com", end: 19 });
  });

  test("follows pointers to pointers, each further back", () => {
    const bytes = concat(dnsName("b"), hex("0161c000"), hex("0178c003"));
    expect(read(bytes, 7)).toEqual({ text: "x.a.b", end: 11 });
  });

  test.each([
    ["points at itself", "c000", 0],
    ["points forward", "c00203777777 00", 0],
    ["points back to its own label", "0161c000", 0],
    ["points to a pointer that points back at it", "c002c000", 2],
    ["has a label longer than the message", "3f6162", 0],
    ["has a label of a reserved kind", "8061", 0],
    ["ends without the root", "0161", 0],
    ["ends in the middle of a pointer", "0161c0", 0],
  ])("a name that %s is broken", (_what, bytes, start) => {
    expect(read(hex(bytes), start)).toBeUndefined();
  });

  test("a name of more than 255 bytes is broken", () => {
    const long = dnsName(Array.from({ length: 9 }, () => "a".repeat(30)).join("."));
    expect(read(long)).toBeUndefined();
  });

  test("a name behind hundreds of pointers is broken", () => {
    const chain = concat(
      u8(0),
      u8(0),
      ...Array.from({ length: 200 }, (_, i) => Uint8Array.of(0xc0 | ((i * 2) >> 8), i * 2)),
    );
    expect(read(chain, 2 * 100)).toEqual({ text: ".", end: 2 * 100 + 2 });
    expect(read(chain, 2 * 200)).toBeUndefined();
  });

  test("a dot inside a label can't be mistaken for one between labels", () => {
    expect(read(concat(u8(3), ascii("a.b"), u8(0)))?.text).toBe("a\\x2eb");
  });
});
