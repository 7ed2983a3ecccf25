/**
 * Checks iptables rules: lines as iptables-save prints them. A lab file is data, so a line may add one rule and nothing
 * else: no other command, no way to name a program or a file.
 */

import { type Finding, findTwice, list } from "./finding.ts";
import { show } from "./issue.ts";
import type { Path } from "./locate.ts";
import type { LabNamespace, LabTable } from "./schema.ts";

/** The chains that the kernel has. */
const BUILT_IN: Record<"raw" | "mangle" | "nat" | "filter", string[]> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

/** A word without quotes, or a text in quotes that begins like none of iptables' options; neither has what escapes. */
const TOKEN = /^(?:[^"'\\]+|"[^"\\-][^"\\]*")$/;
/** The short options of a rule; each takes its value as the next word. `-M` would name a program. */
const SHORT = new Set(["-s", "-d", "-i", "-o", "-p", "-m", "-j", "-g", "-f"]);
/** Names of extensions, which iptables looks for as files. */
const NAME = /^[A-Za-z0-9_]+$/;

export function checkIptables(netns: LabNamespace, path: Path): Finding[] {
  return (["raw", "mangle", "nat", "filter"] as const).flatMap((name) => {
    const table = netns.iptables[name];
    return table ? checkTable(table, BUILT_IN[name], [...path, name], name) : [];
  });
}

function checkTable(table: LabTable, builtIn: readonly string[], path: Path, name: string): Finding[] {
  const known = [...builtIn, ...table.chains];
  return [
    ...findTwice(table.chains, String, (index) => [...path, "chains", index]),
    ...table.chains.flatMap((chain, index): Finding[] =>
      builtIn.includes(chain)
        ? [{ path: [...path, "chains", index], message: `${chain} is there already; allowed is a name of its own` }]
        : [],
    ),
    ...Object.keys(table.policies ?? {}).flatMap((chain): Finding[] =>
      builtIn.includes(chain)
        ? []
        : [{ path: [...path, "policies", chain], message: `found ${show(chain)}; allowed are ${list(builtIn)}` }],
    ),
    ...table.rules.flatMap((rule, index): Finding[] => {
      const message = problemWith(rule, known, name);
      return message ? [{ path: [...path, "rules", index], message }] : [];
    }),
  ];
}

function problemWith(rule: string, chains: readonly string[], table: string): string | undefined {
  if (/[^ -~]/.test(rule)) return "a rule is one line of printable ASCII; write one rule per list item";
  const tokens = rule.match(/"[^"]*"|[^ ]+/g) ?? [];
  const [command, chain, ...rest] = tokens;
  if (command !== "-A" || chain === undefined) {
    return `found ${show(rule)}; allowed is a rule that begins with -A and a chain, such as -A ${chains[0]} -j ACCEPT`;
  }
  if (!chains.includes(chain)) return `the table ${table} has no chain ${show(chain)}; allowed are ${list(chains)}`;
  for (const [index, token] of rest.entries()) {
    if (!TOKEN.test(token)) {
      return `found ${token}; allowed are words, and texts in double quotes that do not begin with a hyphen`;
    }
    if (token.startsWith("-") && !isOption(token)) {
      return `found ${show(token)}; allowed is what iptables-save prints behind a chain: ${[...SHORT].join(" ")} and --long options`;
    }
    const value = rest[index + 1] ?? "";
    if (/^-[mjgp]$/.test(token) && !NAME.test(value) && !(/^-[jg]$/.test(token) && chains.includes(value))) {
      return `${token} needs a name behind it; found ${show(value)}`;
    }
  }
  return undefined;
}

function isOption(token: string): boolean {
  if (SHORT.has(token)) return true;
  const name = token.split("=")[0]!;
  // Long options can be shortened: --modp is --modprobe, which names a program.
  return /^--[a-z0-9][a-z0-9-]+$/.test(name) && !"--modprobe".startsWith(name) && !"--table".startsWith(name);
}
