/** Reads the state of a whole lab back from the kernel, and says what of it is of interest. */

import * as z from "zod";

/** A shell script that prints the state of every namespace, for `parseState`. Without what changes by itself. */
export const READ_STATE = `
say() { printf '\\n=== %s %s\\n' "$1" "$2"; }
for file in /run/netns/*; do
  netns=\${file##*/}
  say "$netns" inode; stat -L -c %i "$file"
  say "$netns" link; ip -n "$netns" -j -d link
  say "$netns" address; ip -n "$netns" -j address
  say "$netns" route; ip -n "$netns" -j route
  say "$netns" local; ip -n "$netns" route show table local
  say "$netns" neighbour; ip -n "$netns" -j neighbour show nud permanent
  say "$netns" fdb; bridge -n "$netns" -j fdb
  say "$netns" port; bridge -n "$netns" -j -d link
  say "$netns" rules; nsenter --net="$file" iptables-save | sed -e '/^#/d' -e 's/\\[[0-9:]*\\]$//'
  say "$netns" nft; nsenter --net="$file" nft list tables 2>/dev/null | grep -vE ' (raw|mangle|nat|filter)$' | sort | while read -r _ table; do
    nsenter --net="$file" nft -s list table $table
  done
  say "$netns" ipset; nsenter --net="$file" ipset save -sorted 2>/dev/null | sed 's/ hashsize .*//'
  say "$netns" sysctl; nsenter --net="$file" sh -c 'cd /proc/sys
    grep -s "" net/ipv4/ip_forward net/ipv4/conf/*/rp_filter net/ipv4/conf/*/forwarding net/ipv4/conf/*/proxy_arp \\
      net/ipv4/conf/*/route_localnet net/ipv4/neigh/cali*/proxy_delay net/netfilter/nf_conntrack_acct \\
      net/bridge/bridge-nf-call-iptables net/ipv6/conf/*/accept_ra net/ipv6/conf/*/disable_ipv6' | sed 's/:/=/'
  say "$netns" files; [ ! -d "/run/hoplab/files/$netns" ] || (cd "/run/hoplab/files/$netns" && find . -type f ! -name '*.pid' | sort | while read -r path; do echo "$path"; cat "$path"; done)
done
say . end
`;

const linkSchema = z.object({
  ifname: z.string(),
  /** A TUN device has none. */
  address: z.string().default(""),
  mtu: z.number(),
  operstate: z.string(),
  flags: z.array(z.string()),
  master: z.string().optional(),
  linkinfo: z
    .object({ info_kind: z.string().optional(), info_data: z.record(z.string(), z.unknown()).optional() })
    .optional(),
});
const addressSchema = z.object({
  ifname: z.string(),
  addr_info: z.array(
    z.object({
      family: z.string(),
      local: z.string(),
      prefixlen: z.number(),
      broadcast: z.string().optional(),
      scope: z.string(),
    }),
  ),
});
const routeSchema = z.object({
  type: z.string().optional(),
  dst: z.string(),
  gateway: z.string().optional(),
  dev: z.string().optional(),
  flags: z.array(z.string()),
  scope: z.string().optional(),
  protocol: z.string().optional(),
  prefsrc: z.string().optional(),
});
const neighbourSchema = z.object({ dst: z.string(), dev: z.string(), lladdr: z.string(), state: z.array(z.string()) });
const fdbSchema = z.object({
  mac: z.string(),
  ifname: z.string(),
  dst: z.string().optional(),
  flags: z.array(z.string()),
  state: z.string(),
});
const portSchema = z.object({ ifname: z.string(), master: z.string().optional(), hairpin: z.boolean().optional() });

export type Link = z.infer<typeof linkSchema>;

export class NetnsState {
  readonly #parts: ReadonlyMap<string, string>;

  constructor(parts: ReadonlyMap<string, string>) {
    this.#parts = parts;
  }

  text(part: string): string {
    const text = this.#parts.get(part);
    if (text === undefined) throw new Error(`the state has no part ${part}`);
    return text;
  }

  /** Without what the kernel's tunnel modules put into every namespace, as long as nobody switched it on. */
  get links(): Link[] {
    const links = this.#json("link", linkSchema);
    return links.filter(({ ifname, flags }) => flags.includes("UP") || !/^(tunl|sit|gre|gretap|erspan)0$/.test(ifname));
  }

  link(name: string): Link | undefined {
    return this.links.find((link) => link.ifname === name);
  }

  /** `10.244.0.1/24 brd 10.244.0.255 scope global`, of one interface; IPv6 addresses too. */
  addresses(name: string): string[] {
    const item = this.#json("address", addressSchema).find(({ ifname }) => ifname === name);
    return (item?.addr_info ?? []).map(({ local, prefixlen, broadcast, scope }) =>
      [`${local}/${prefixlen}`, ...(broadcast ? [`brd ${broadcast}`] : []), `scope ${scope}`].join(" "),
    );
  }

  /** As \`ip route\` prints them. */
  get routes(): string[] {
    return this.#json("route", routeSchema).map(({ type, dst, gateway, dev, flags, protocol, scope, prefsrc }) =>
      [
        ...(type ? [type] : []),
        dst,
        ...(gateway ? [`via ${gateway}`] : []),
        ...(dev ? [`dev ${dev}`] : []),
        ...(protocol && protocol !== "boot" ? [`proto ${protocol}`] : []),
        ...(scope ? [`scope ${scope}`] : []),
        ...(prefsrc ? [`src ${prefsrc}`] : []),
        ...flags,
      ].join(" "),
    );
  }

  /** Permanent ones: \`10.244.1.0 lladdr MAC dev flannel.1\`. */
  get neighbours(): string[] {
    return this.#json("neighbour", neighbourSchema).map(({ dst, lladdr, dev }) => `${dst} lladdr ${lladdr} dev ${dev}`);
  }

  /** Of one interface: \`MAC dst 192.168.32.128 self permanent\`. */
  fdb(name: string): string[] {
    return this.#json("fdb", fdbSchema)
      .filter(({ ifname }) => ifname === name)
      .map(({ mac, dst, flags, state }) => [mac, ...(dst ? [`dst ${dst}`] : []), ...flags, state].join(" "));
  }

  /** The names of the ports of a bridge, and whether they are hairpin ports. */
  ports(bridge: string): { name: string; hairpin: boolean }[] {
    return this.#json("port", portSchema)
      .filter(({ master, ifname }) => master === bridge && ifname !== bridge)
      .map(({ ifname, hairpin }) => ({ name: ifname, hairpin: hairpin ?? false }));
  }

  /** The rules and chains of iptables-save, without built-in chains. */
  get rules(): string[] {
    return this.text("rules")
      .split("\n")
      .filter((line) => line.startsWith("-A") || /^:\S+ -/.test(line))
      .map((line) => line.trim());
  }

  /** As ipset saves them, members behind their sets: `create NAME hash:net family inet`, `add NAME 10.0.0.0/8`. */
  get ipSets(): string[] {
    return this.text("ipset").trim().split("\n");
  }

  sysctl(key: string): string | undefined {
    return this.text("sysctl")
      .split("\n")
      .find((line) => line.startsWith(`${key}=`))
      ?.slice(key.length + 1);
  }

  #json<T>(part: string, schema: z.ZodType<T>): T[] {
    // Some commands print nothing where there is nothing, and `ip` an empty object for what it leaves out.
    const data: unknown = JSON.parse(this.text(part).trim() || "[]");
    const items = z.array(z.looseObject({})).parse(data);
    return z.array(schema).parse(items.filter((item) => Object.keys(item).length > 0));
  }
}

export interface LabState {
  /** By the name of the file in /run/netns: \`node.node1\`. */
  namespaces: ReadonlyMap<string, NetnsState>;
  inodes: ReadonlySet<string>;
  /** What came behind the state on stdout. */
  rest: string;
}

export function parseState(stdout: string): LabState {
  const namespaces = new Map<string, Map<string, string>>();
  let rest = "";
  for (const block of stdout.split("\n=== ").slice(1)) {
    const end = block.indexOf("\n");
    const [netns = "", part = ""] = block.slice(0, end).split(" ");
    if (part === "end") rest = block.slice(end + 1);
    else namespaces.set(netns, (namespaces.get(netns) ?? new Map()).set(part, block.slice(end + 1)));
  }
  return {
    namespaces: new Map([...namespaces].map(([name, parts]) => [name, new NetnsState(parts)])),
    inodes: new Set([...namespaces.values()].map((parts) => parts.get("inode")?.trim() ?? "")),
    rest,
  };
}

/**
 * Without what two builds of the same lab cannot have in common: inode and index numbers, running timers, order in hash
 * tables, and what bridges have learned.
 */
export function comparable(stdout: string): string[] {
  return stdout
    .replace(/(=== \S+ inode)\n\d+/g, "$1")
    .replace(/"(\w+_timer|ifindex|link_index|link_netnsid|designated_port)":[\d.]+/g, '"$1":0')
    .replace(/"(no|id)":"0x[0-9a-f]+"/g, '"$1":0')
    .split("\n")
    .map((line) =>
      line.startsWith("[{")
        ? JSON.stringify(
            z
              .array(z.looseObject({}))
              .parse(JSON.parse(line))
              .filter((item) => item.mac === undefined || item.state !== "")
              .map((item) => JSON.stringify(item))
              .sort(),
          )
        : line,
    );
}
