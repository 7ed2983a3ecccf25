import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha224 } from "../../main/layout/sha224.ts";

function hex(message: ArrayLike<number>): string {
  return Buffer.from(sha224(message)).toString("hex");
}

describe("SHA-224", () => {
  it("gives the digests of RFC 3874", () => {
    expect(hex(Buffer.from("abc"))).toBe("23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
    expect(hex(Buffer.from("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))).toBe(
      "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525",
    );
  });

  it("agrees with node's for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(hex(bytes)).toBe(createHash("sha224").update(bytes).digest("hex"));
      }),
    );
  });
});
