import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha224, sha256 } from "../../main/layout/sha2.ts";

const DIGESTS = { sha224, sha256 };

function hex(digest: Uint8Array): string {
  return Buffer.from(digest).toString("hex");
}

describe("SHA-2", () => {
  it("gives the digests of RFC 3874 and FIPS 180-2", () => {
    expect(hex(sha224(Buffer.from("abc")))).toBe("23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
    expect(hex(sha224(Buffer.from("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")))).toBe(
      "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525",
    );
    expect(hex(sha256(Buffer.from("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it.each(["sha224", "sha256"] as const)("agrees with node's %s for any bytes", (name) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(hex(DIGESTS[name](bytes))).toBe(createHash(name).update(bytes).digest("hex"));
      }),
    );
  });
});
