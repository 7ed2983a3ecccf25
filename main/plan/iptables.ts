/** iptables tables, as iptables-restore reads them. */

import type { RuleTable } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planRuleTable(table: RuleTable): Step[] {
  return [
    { command: `*${table.table}`, why: "" },
    ...Object.entries(table.policies ?? {}).map(([chain, policy]) => ({
      command: `:${chain} ${policy} [0:0]`,
      why: `What no rule of ${chain} decides.`,
    })),
    ...table.chains.map((chain) => ({ command: `:${chain} - [0:0]`, why: "" })),
    ...table.rules.map(({ rule, why }) => ({ command: rule, why })),
    { command: "COMMIT", why: "" },
  ];
}
