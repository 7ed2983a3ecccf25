/** Reads kernel state inside a sandbox, as `ip` and `bridge` print it. */

import type { InterfaceState } from "../../preload/contract/lab.ts";
import { ok, type Result } from "../../preload/contract/result.ts";
import { type Interface, netnsFile } from "../../preload/contract/topology.ts";
import { lookupKey, type RouteLookup } from "../cause/lookup.ts";
import type { KernelState, NamespaceState } from "../cause/state.ts";
import { FILES_FOLDER } from "../plan/file.ts";
import type { OpenSandbox } from "./open-sandbox.ts";

/** What is read of each namespace: the part's name, the program with its options, and what it is to show. */
const PARTS = [
  ["links", "ip -d -o", "link show"],
  ["addresses", "ip -o", "addr show"],
  ["routes", "ip", "route show table all"],
  ["neighbours", "ip", "neigh show"],
  ["fdb", "bridge", "fdb show"],
] as const;

/** Settings that routing and ARP depend on. */
const SYSCTLS = [
  "net/ipv4/ip_forward",
  "net/bridge/bridge-nf-call-iptables",
  "net/ipv4/conf/*/forwarding",
  "net/ipv4/conf/*/rp_filter",
  "net/ipv4/conf/*/proxy_arp",
].join(" ");
/** Of a connection table of millions, what explains a packet is hardly worth reading more than this. */
const MOST_CONNECTIONS = 2000;

/**
 * What is read inside the namespace, by one shell there; each part begins with the mark. A program that the target
 * lacks leaves its part empty.
 */
const INSIDE = [
  ["sysctls", `cd /proc/sys && grep -Hs . ${SYSCTLS}`],
  ["rules", 'rules=$(iptables-save -c | grep -v "^#"); echo "$rules"'],
  ["nftables", "nft -s list ruleset"],
  // Each program takes its time on a slow target: sets are read where a rule asks for one.
  ["sets", 'case "$rules" in *match-set*) ipset save;; esac'],
  ["conntrack", `head -n ${MOST_CONNECTIONS} /proc/net/nf_conntrack`],
  ["vlans", "bridge vlan show"],
  ["counters", "nstat -asz TcpExtIPReversePathFilter | grep -v ^#"],
] as const;

interface Read {
  part: keyof NamespaceState;
  command: string;
}

/** All that matters of a namespace that only switches frames, which meet its rules where br_netfilter is on. */
const OF_SWITCH: ReadonlySet<string> = new Set(["sysctls", "rules", "sets", "vlans"]);

/** One shell reads all that needs one. A pod answers for nobody and translates nothing: its rules are not read. */
function readsOf(sandbox: OpenSandbox, name: string): Read[] {
  const file = netnsFile(name);
  const reads = PARTS.map(([part, program, what]): Read => ({ part, command: `${program} -n ${file} ${what}` }));
  const items = sandbox.topology.namespaces.find((netns) => netns.name === name)?.interfaces ?? [];
  if (!name.startsWith("pod/")) {
    const hasBridge = items.some(({ kind }) => kind === "bridge");
    const inside = INSIDE.filter(
      ([part]) => (part !== "vlans" || hasBridge) && (!name.startsWith("net/") || OF_SWITCH.has(part)),
    );
    const script = inside.map(([, command]) => `{ ${command}; } 2>/dev/null`).join(`; echo ${MARK}; `);
    const [first, ...others] = inside.map(([part]): Read => ({ part, command: "" }));
    // The marks of the others are printed inside.
    reads.push({ part: first!.part, command: `nsenter --net=/run/netns/${file} sh -c '${script}'` }, ...others);
    const sockets = `${FILES_FOLDER}/${file}/run/*/bird.ctl`;
    const ask = `echo "socket $ctl"; for what in protocols route; do timeout 5 birdc -s "$ctl" show $what all; done`;
    reads.push({ part: "bird", command: `for ctl in ${sockets}; do [ ! -S "$ctl" ] || { ${ask}; }; done` });
  }
  // Only a process that carries packets is part of the way that they take.
  if (items.some(({ kind }) => kind === "tun")) {
    reads.push({ part: "sockets", command: `nsenter --net=/run/netns/${file} ss -Hlunp` });
  }
  return reads;
}

/** `net/ipv4/conf/eth0.5/proxy_arp:1` as sysctl prints it: `net.ipv4.conf.eth0/5.proxy_arp = 1`. */
function asSysctl(line: string): string {
  const colon = line.lastIndexOf(":");
  const name = line.slice(0, colon).replace(/[./]/g, (mark) => (mark === "/" ? "." : "/"));
  return `${name} = ${line.slice(colon + 1)}`;
}

/** The state of the named namespaces, all read in one round trip. */
export async function readKernelState(sandbox: OpenSandbox, netns: readonly string[]): Promise<Result<KernelState>> {
  const at = Date.now() + (sandbox.target.link?.clockOffset() ?? 0);
  const reads = netns.flatMap((name) => readsOf(sandbox, name).map((read) => ({ name, ...read })));
  const texts = await readMarked(
    sandbox,
    reads.map(({ command }) => command),
  );
  if (!texts.ok) return texts;
  const namespaces: Record<string, NamespaceState> = {};
  for (const [index, { name, part }] of reads.entries()) {
    namespaces[name] ??= emptyState();
    const read = lines(texts.value[index], part === "nftables" || part === "vlans");
    namespaces[name][part] = part === "sysctls" ? read.map(asSysctl) : read;
  }
  return ok({ at, namespaces });
}

/** Without the empty ones; `indented` where the indentation says what belongs to what. */
function lines(text = "", indented = false): string[] {
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : indented ? line.trimEnd() : line.trim()));
}

/**
 * Runs shell commands one after the other in one round trip; answers with what each printed, also where it failed. An empty
 * command stands for output that the one before it marks itself.
 */
async function readMarked(sandbox: OpenSandbox, commands: readonly string[]): Promise<Result<string[]>> {
  const script = commands.flatMap((command) => (command === "" ? [] : `echo ${MARK}; ${command}`)).join("\n");
  const output = await sandbox.run(["sh"], { input: `${script}\nexit 0\n` });
  return output.ok ? ok(output.value.stdout.split(`${MARK}\n`).slice(1)) : output;
}

const MARK = "hoplab:next";

function emptyState(): NamespaceState {
  return { links: [], addresses: [], routes: [], neighbours: [], fdb: [], bird: [] };
}

/** Asks the kernel for the route of each lookup; an empty text where it has none. Keys are `lookupKey`s. */
export async function lookUpRoutes(
  sandbox: OpenSandbox,
  lookups: readonly RouteLookup[],
): Promise<Result<Map<string, string>>> {
  const found = new Map<string, string>();
  if (lookups.length === 0) return ok(found);
  const texts = await readMarked(
    sandbox,
    lookups.map((lookup) => `${lookupKey(lookup)} 2>/dev/null`),
  );
  if (!texts.ok) return texts;
  for (const [index, lookup] of lookups.entries()) {
    if (texts.value[index] !== undefined) found.set(lookupKey(lookup), lines(texts.value[index]).join("\n"));
  }
  return ok(found);
}

/** What commands print, errors among it, beside each. */
export async function readParts<P extends { command: string }>(
  sandbox: OpenSandbox,
  parts: readonly P[],
): Promise<Result<(P & { text: string })[]>> {
  const texts = await readMarked(
    sandbox,
    parts.map(({ command }) => `${command} 2>&1`),
  );
  return texts.ok ? ok(parts.map((part, index) => ({ ...part, text: (texts.value[index] ?? "").trimEnd() }))) : texts;
}

/** As sysctl writes them, which takes a dot in an interface's name for a slash. */
function settingsOf(dev: string): string {
  const own = ["forwarding", "rp_filter", "proxy_arp"].map((name) => `conf.${dev.replaceAll(".", "/")}.${name}`);
  return ["ip_forward", "conf.all.rp_filter", ...own].map((name) => `net.ipv4.${name}`).join(" ");
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
    { name: "settings", command: `ip netns exec ${file} sysctl ${settingsOf(item.name)}` },
    // Policies, and what is said of this interface, with how often each was met.
    { name: "rules", command: `ip netns exec ${file} iptables-save -c | grep -E '^(:[A-Z]+ |.* -[io] ${item.name} )'` },
  ];
  const parts = await readParts(sandbox, commands);
  return parts.ok ? ok({ netns, interface: item.name, parts: parts.value }) : parts;
}
