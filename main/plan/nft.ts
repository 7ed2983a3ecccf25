/** nftables tables, as `nft -f` reads them. */

import type { NftTable } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

/** All chains before any rule, since rules jump to chains. */
export function planNftTable({ family, name, comment, chains, why }: NftTable): Step[] {
  const table = `${family} ${name}`;
  return [
    { command: `add table ${table}${block(undefined, comment)}`, why },
    ...chains.map((chain) => ({
      command: `add chain ${table} ${chain.name}${block(chain.hook, chain.comment)}`,
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

/** What stands in braces behind the name: `{ type filter hook forward priority filter; comment "…"; }`. */
function block(hook: string | undefined, comment: string | undefined): string {
  const parts = [...(hook ? [hook] : []), ...(comment ? [`comment "${comment}";`] : [])];
  return parts.length > 0 ? ` { ${parts.join(" ")} }` : "";
}

/** What tells it from the others of its namespace. */
export function nftKey({ family, name }: NftTable): string {
  return `${family} ${name}`;
}

export function planNoNftTable(table: NftTable): Step {
  return { command: `nft delete table ${nftKey(table)}`, why: `The table ${table.name} has to go.` };
}
