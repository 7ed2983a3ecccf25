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

/** The chains that the kernel has in each table. */
const BUILT_IN = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
} as const;

/** For a table that is replaced as a whole: every policy is said, so that none is left of what was there before. */
export function planWholeRuleTable(table: RuleTable): Step[] {
  const policies = Object.fromEntries(
    BUILT_IN[table.table].map((chain) => [chain, table.policies?.[chain] ?? "ACCEPT"]),
  );
  return planRuleTable({ ...table, policies });
}
