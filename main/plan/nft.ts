/** nftables tables, as `nft -f` reads them. */

import type { NftTable } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

/** All chains before any rule, since rules jump to chains. */
export function planNftTable({ family, name, chains, why }: NftTable): Step[] {
  const table = `${family} ${name}`;
  return [
    { command: `add table ${table}`, why },
    ...chains.map((chain) => ({
      command: `add chain ${table} ${chain.name}${chain.hook ? ` { ${chain.hook} }` : ""}`,
      why: chain.why,
    })),
    ...chains.flatMap((chain) =>
      chain.rules.map(({ rule, why: reason }) => ({
        command: `add rule ${table} ${chain.name} ${rule}`,
        why: reason,
      })),
    ),
  ];
}
