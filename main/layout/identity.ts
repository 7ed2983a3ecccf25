/**
 * MAC addresses and veth names that real systems draw at random, here derived from the lab's id and the
 * names in it, so that the same lab always looks the same. Unique within a lab.
 */

/** FNV-1a over UTF-16 code units, finished as in MurmurHash3 so that short, similar texts differ in every bit. */
function hash32(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** 16 hexadecimal digits. */
export function hashHex(text: string): string {
  return [0, 0x9e3779b9].map((seed) => hash32(text, seed).toString(16).padStart(8, "0")).join("");
}

export class Identities {
  readonly #lab: string;
  readonly #macs: Set<string>;
  readonly #veths = new Set<string>();

  /** `taken`: MAC addresses that the lab file itself gives. */
  constructor(lab: string, taken: Iterable<string> = []) {
    this.#lab = lab;
    this.#macs = new Set(taken);
  }

  /** A unicast, locally administered address: `02:` and five derived bytes. */
  mac(owner: string): string {
    return this.#unused(this.#macs, `mac ${owner}`, (hash) => `02:${hash.slice(0, 10).match(/../g)!.join(":")}`);
  }

  /** `veth` and eight hexadecimal digits, as the CNI bridge plugin names the host's end. */
  veth(owner: string): string {
    return this.#unused(this.#veths, `veth ${owner}`, (hash) => `veth${hash.slice(0, 8)}`);
  }

  #unused(used: Set<string>, owner: string, make: (hash: string) => string): string {
    for (let attempt = 0; ; attempt++) {
      const identity = make(hashHex(`${this.#lab} ${owner} ${attempt}`));
      if (!used.has(identity)) {
        used.add(identity);
        return identity;
      }
    }
  }
}
