/** SHA-1 (RFC 3174, section 6.1), which real systems make names from. No secret depends on it. */

/** The digest of a text in UTF-8, as 40 hexadecimal digits. */
export function sha1Hex(text: string): string {
  const message = utf8(text);
  const padded = new Uint8Array((message.length + 9 + 63) & ~63);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, message.length * 8);

  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const words = new Int32Array(80);
  for (let block = 0; block < padded.length; block += 64) {
    for (let t = 0; t < 16; t++) words[t] = view.getInt32(block + t * 4);
    for (let t = 16; t < 80; t++) {
      words[t] = rotate(words[t - 3]! ^ words[t - 8]! ^ words[t - 14]! ^ words[t - 16]!, 1);
    }
    let [a, b, c, d, e] = state as [number, number, number, number, number];
    for (let t = 0; t < 80; t++) {
      const [mixed, constant] = round(t, b, c, d);
      const next = (rotate(a, 5) + mixed + e + words[t]! + constant) | 0;
      e = d;
      d = c;
      c = rotate(b, 30);
      b = a;
      a = next;
    }
    [a, b, c, d, e].forEach((value, index) => {
      state[index] = (state[index]! + value) | 0;
    });
  }
  return state.map((value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The function and the constant of step `t`. */
function round(t: number, b: number, c: number, d: number): [number, number] {
  if (t < 20) return [(b & c) | (~b & d), 0x5a827999];
  if (t < 40) return [b ^ c ^ d, 0x6ed9eba1];
  if (t < 60) return [(b & c) | (b & d) | (c & d), 0x8f1bbcdc];
  return [b ^ c ^ d, 0xca62c1d6];
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function utf8(text: string): number[] {
  return Array.from(encodeURIComponent(text).matchAll(/%(..)|./g), ([character, hex]) =>
    hex ? Number.parseInt(hex, 16) : character.charCodeAt(0),
  );
}
