/** Which namespace owns an address: from the topology, else from who was first seen sending from it. */

import type { Topology } from "../../preload/contract/topology.ts";
import { hashIpv6 } from "./identity.ts";
import type { Wiring } from "./wiring.ts";

/** Inferred owners that are kept; a flood of made-up sources must not fill the memory. */
const MOST_INFERRED = 65_536;

export class Owners {
  /** Address number to namespaces; two namespaces may own one address (a service's, or by mistake). */
  readonly #known = new Map<number, Set<number>>();
  readonly #inferred = new Map<number, number>();

  constructor(wiring: Wiring, topology?: Topology) {
    if (topology) this.learn(wiring, topology);
  }

  /** Who owns what, in place of what was known before. */
  learn(wiring: Wiring, topology: Topology): void {
    this.#known.clear();
    for (const namespace of topology.namespaces) {
      const index = wiring.namespaceNumber(namespace.name);
      for (const address of namespace.interfaces.flatMap((each) => each.addresses)) {
        const number = addressNumber(address.split("/")[0]!);
        if (number !== undefined) this.#known.set(number, (this.#known.get(number) ?? new Set()).add(index));
      }
    }
  }

  isOwner(address: number, namespace: number): boolean {
    const known = this.#known.get(address);
    return known ? known.has(namespace) : this.#inferred.get(address) === namespace;
  }

  /** The namespace was first to send from the address. */
  infer(address: number, namespace: number): void {
    if (this.#known.has(address) || this.#inferred.has(address) || this.#inferred.size >= MOST_INFERRED) return;
    this.#inferred.set(address, namespace);
  }
}

/** As in `Identity.destination`; undefined for what is no address. */
export function addressNumber(address: string): number | undefined {
  const parts = address.split(".");
  if (parts.length === 4 && !address.includes(":")) {
    const numbers = parts.map(Number);
    if (numbers.some((each) => !Number.isInteger(each) || each < 0 || each > 255)) return undefined;
    return numbers.reduce((whole, each) => whole * 256 + each, 0);
  }
  const bytes = ipv6Bytes(address);
  return bytes && hashIpv6(bytes, 0);
}

function ipv6Bytes(address: string): Uint8Array | undefined {
  const halves = address.split("::");
  if (halves.length > 2 || !address.includes(":")) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const gap = halves.length === 2 ? 8 - head.length - tail.length : 0;
  const groups = [...head, ...Array<string>(Math.max(0, gap)).fill("0"), ...tail];
  if (groups.length !== 8 || groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}
