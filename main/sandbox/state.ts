/** Reads kernel state inside a sandbox, as `ip` and `bridge` print it. */

import type { InterfaceState } from "../../preload/contract/lab.ts";
import { ok, type Result } from "../../preload/contract/result.ts";
import { type Interface, netnsFile } from "../../preload/contract/topology.ts";
import { lookupKey, type RouteLookup } from "../cause/lookup.ts";
import type { KernelState, NamespaceState } from "../cause/state.ts";
import type { OpenSandbox } from "./open-sandbox.ts";

/** What is read of each namespace: the part's name, the program with its options, and what it is to show. */
const PARTS = [
  ["links", "ip -d -o", "link show"],
  ["addresses", "ip -o", "addr show"],
  ["routes", "ip", "route show table all"],
  ["neighbours", "ip", "neigh show"],
  ["fdb", "bridge", "fdb show"],
] as const;

/** One process prints the setting of all interfaces. A pod answers for nobody. */
function readsProxyArp(name: string): string {
  if (name.startsWith("pod/")) return "";
  const show = "cd /proc/sys && grep -H . net/ipv4/conf/*/proxy_arp";
  return `; echo hoplab:part sysctls; nsenter --net=/run/netns/${netnsFile(name)} sh -c '${show}'`;
}

/** `net/ipv4/conf/eth0.5/proxy_arp:1` as sysctl prints it: `net.ipv4.conf.eth0/5.proxy_arp = 1`. */
function asSysctl(line: string): string {
  const colon = line.lastIndexOf(":");
  const name = line.slice(0, colon).replace(/[./]/g, (mark) => (mark === "/" ? "." : "/"));
  return `${name} = ${line.slice(colon + 1)}`;
}

/** The state of the named namespaces, all read in one round trip. */
export async function readKernelState(sandbox: OpenSandbox, netns: readonly string[]): Promise<Result<KernelState>> {
  const script = netns
    .map((name) => {
      const file = netnsFile(name);
      const reads = PARTS.map(([part, program, what]) => `echo hoplab:part ${part}; ${program} -n ${file} ${what}`);
      return `echo hoplab:netns ${name}; ${reads.join("; ")}${readsProxyArp(name)}`;
    })
    .join("\n");
  const at = Date.now();
  const output = await sandbox.run(["sh"], { input: `${script}\nexit 0\n` });
  if (!output.ok) return output;
  const namespaces: Record<string, NamespaceState> = {};
  let state = emptyState();
  let part: keyof NamespaceState = "links";
  for (const line of output.value.stdout.split("\n")) {
    if (line.startsWith("hoplab:netns ")) {
      state = emptyState();
      namespaces[line.slice("hoplab:netns ".length)] = state;
    } else if (line.startsWith("hoplab:part ")) {
      part = PARTS.find(([name]) => line.endsWith(` ${name}`))?.[0] ?? "sysctls";
    } else if (line.trim() !== "") {
      state[part].push(part === "sysctls" ? asSysctl(line.trim()) : line.trim());
    }
  }
  return ok({ at, namespaces });
}

function emptyState(): Required<NamespaceState> {
  return { links: [], addresses: [], routes: [], neighbours: [], fdb: [], sysctls: [] };
}

/** Asks the kernel for the route of each lookup. Those that have none are left out. Keys are `lookupKey`s. */
export async function lookUpRoutes(
  sandbox: OpenSandbox,
  lookups: readonly RouteLookup[],
): Promise<Result<Map<string, string>>> {
  const found = new Map<string, string>();
  if (lookups.length === 0) return ok(found);
  const script = lookups.map((lookup, index) => `echo hoplab:lookup ${index}; ${lookupKey(lookup)} 2>/dev/null`);
  const output = await sandbox.run(["sh"], { input: `${script.join("\n")}\nexit 0\n` });
  if (!output.ok) return output;
  let current: RouteLookup | undefined;
  for (const line of output.value.stdout.split("\n")) {
    if (line.startsWith("hoplab:lookup ")) current = lookups[Number(line.slice("hoplab:lookup ".length))];
    else if (current && line.trim() !== "" && !found.has(lookupKey(current)))
      found.set(lookupKey(current), line.trim());
  }
  return ok(found);
}

/** The live state of one interface, each part as its command prints it. */
export async function readInterfaceState(
  sandbox: OpenSandbox,
  netns: string,
  item: Interface,
): Promise<Result<InterfaceState>> {
  const file = netnsFile(netns);
  const fdb = item.kind === "bridge" ? `br ${item.name}` : `dev ${item.name}`;
  const commands: { name: InterfaceState["parts"][number]["name"]; command: string }[] = [
    { name: "link", command: `ip -n ${file} -d link show dev ${item.name}` },
    { name: "addresses", command: `ip -n ${file} addr show dev ${item.name}` },
    { name: "routes", command: `ip -n ${file} route show dev ${item.name}` },
    { name: "neighbours", command: `ip -n ${file} neigh show dev ${item.name}` },
    { name: "fdb", command: `bridge -n ${file} fdb show ${fdb}` },
  ];
  const script = commands.map(({ name, command }) => `echo hoplab:part ${name}; ${command} 2>&1`).join("\n");
  const output = await sandbox.run(["sh"], { input: `${script}\nexit 0\n` });
  if (!output.ok) return output;
  const texts = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of output.value.stdout.split("\n")) {
    if (line.startsWith("hoplab:part ")) {
      lines = [];
      texts.set(line.slice("hoplab:part ".length), lines);
    } else lines.push(line);
  }
  const parts = commands.map((part) => ({ ...part, text: (texts.get(part.name) ?? []).join("\n").trimEnd() }));
  return ok({ netns, interface: item.name, parts });
}
