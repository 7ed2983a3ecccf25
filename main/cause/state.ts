/** The kernel state of a lab as text, line by line as `ip` and `bridge` print it, and how to find a line in it. */

import { netnsFile } from "../../preload/contract/topology.ts";
import { addressNumber } from "../journey/owners.ts";

export interface KernelState {
  /** When it was read: milliseconds since 1970 by the clock of who captures, which may be another than this machine's. */
  at: number;
  /** By namespace name: `node/node1`. */
  namespaces: Record<string, NamespaceState>;
}

/** Each a list of lines exactly as printed. */
export interface NamespaceState {
  /** `ip -d -o link` */
  links: string[];
  /** `ip -o addr` */
  addresses: string[];
  /** `ip route show table all` */
  routes: string[];
  /** `ip neigh` */
  neighbours: string[];
  /** `bridge fdb` */
  fdb: string[];
  /** `sysctl` of what routing and ARP depend on. This and the following are not in captures that were made before they were read. */
  sysctls?: string[];
  /** `socket PATH`, then `birdc show protocols all` and `show route all`; empty where no BIRD runs. Not in older captures. */
  bird?: string[];
  /** `ss -Hlunp`, where a process carries packets. Not in captures that were made before it was read. */
  sockets?: string[];
  /** `iptables-save -c`, comments left out. */
  rules?: string[];
  /** `nft -s list ruleset`, indented as printed. The tables of iptables-nft are among it. */
  nftables?: string[];
  /** `ipset save` */
  sets?: string[];
  /** The connections of `/proc/net/nf_conntrack`, or of `conntrack -L` where that is empty. */
  conntrack?: string[];
  /** `bridge vlan show`, indented as printed. */
  vlans?: string[];
  /** `nstat -asz`, of what counts packets that were dropped without a word. */
  counters?: string[];
}

/** The name in a line of `ip -d -o link`; empty in any other line. */
export function linkName(line: string): string {
  return /^\d+: ([^:@]+)[:@]/.exec(line)?.[1] ?? "";
}

/** The line of `ip -d -o link` about the interface. */
function linkLine(state: NamespaceState, dev: string): string | undefined {
  return state.links.find((line) => linkName(line) === dev);
}

/** The bridge that the interface is a port of. */
export function masterOf(state: NamespaceState, dev: string): string | undefined {
  return wordAfter(linkLine(state, dev)?.split("\\")[0] ?? "", "master");
}

/**
 * The part of the interface's line that says how it does its kind of work: `vxlan id 1 local …`, `ipip any remote …`, `bridge_slave
 * state …`.
 */
export function linkDetail(state: NamespaceState, dev: string, kind: DetailKind): string | undefined {
  return detailIn(linkLine(state, dev) ?? "", kind);
}

type DetailKind = "vxlan" | "ipip" | "tun" | "vlan" | "bridge" | "bridge_slave";

/** `linkDetail` of the interface whose line it is. */
export function detailIn(line: string, kind: DetailKind): string | undefined {
  const parts = line.split("\\");
  const part = parts.map((each) => each.trim()).find((each) => each.startsWith(`${kind} `));
  // What follows is the same on every interface, or says nothing about where a frame goes.
  return part?.split(/ addrgenmode | guard /)[0]?.trim();
}

/** The UDP ports of all VXLAN devices. */
export function vxlanPortsIn({ namespaces }: KernelState): number[] {
  const ports = Object.values(namespaces).flatMap(({ links }) =>
    links.flatMap((line) => (line.includes("vxlan id ") ? Number(wordAfter(line, "dstport")) : [])),
  );
  return [...new Set(ports)].filter((port) => port > 0);
}

/** The VXLAN device of that number. */
export function vxlanDevice(state: NamespaceState, vni: string): string | undefined {
  for (const line of state.links) {
    const dev = linkName(line);
    if (dev && wordAfter(detailIn(line, "vxlan") ?? "", "id") === vni) return dev;
  }
  return undefined;
}

/** The device for that VLAN of the interface. */
export function vlanDevice(state: NamespaceState, parent: string, vid: string): string | undefined {
  for (const line of state.links) {
    const [, dev, below] = /^\d+: ([^:@]+)@([^:]+):/.exec(line) ?? [];
    if (dev && below === parent && wordAfter(detailIn(line, "vlan") ?? "", "id") === vid) return dev;
  }
  return undefined;
}

/** Whether the bridge keeps VLANs apart. */
export function filtersVlans(state: NamespaceState, bridge: string): boolean {
  return wordAfter(linkDetail(state, bridge, "bridge") ?? "", "vlan_filtering") === "1";
}

/** One VLAN of a port, and what its line of `bridge vlan show` says of it. */
interface PortVlan {
  vid: number;
  isPvid: boolean;
  line: string;
}

/** Of `bridge vlan show`: the port's name at the start of its first line, the others indented. */
export function portVlans({ vlans = [] }: NamespaceState, port: string): PortVlan[] {
  const found: PortVlan[] = [];
  let name = "";
  for (const line of vlans) {
    if (/^\S/.test(line)) name = line.split(/\s+/)[0] ?? "";
    const [, range = "", flags = ""] = /^(?:\S+)?\s+(\d+(?:-\d+)?)(.*)$/.exec(line) ?? [];
    if (name !== port || range === "") continue;
    const [first = 0, last = first] = range.split("-").map(Number);
    for (let vid = first; vid <= last; vid++) {
      found.push({ vid, isPvid: flags.includes("PVID"), line: `${range}${flags.replaceAll(/\s+/g, " ").trimEnd()}` });
    }
  }
  return found;
}

/** The IP-in-IP device for packets between these two nodes: one of its own, else the one for all. */
export function ipipDevice(state: NamespaceState, own: string, other: string): string | undefined {
  let forAll: string | undefined;
  for (const line of state.links) {
    const dev = linkName(line);
    const detail = dev && detailIn(line, "ipip");
    if (!detail || !/^\d+: [^<]*<[^>]*\bUP\b/.test(line)) continue;
    const remote = wordAfter(detail, "remote");
    const local = wordAfter(detail, "local");
    if (remote === other && (local === own || local === "any")) return dev;
    if (remote === "any" && (local === own || local === "any")) forAll ??= dev;
  }
  return forAll;
}

/** The setting that makes the kernel answer ARP on the interface for what it has a route to, if it is on. */
export function proxyArpLine(state: NamespaceState, dev: string): { text: string; name: string } | undefined {
  const name = `net.ipv4.conf.${dev.replaceAll(".", "/")}.proxy_arp`;
  const text = state.sysctls?.find((line) => line === `${name} = 1`);
  return text === undefined ? undefined : { text, name };
}

/**
 * The most specific route of the main table to the IPv4 address. `type` is set where it drops what it matches. Nothing where
 * other tables of the namespace may decide.
 */
export function mainRoute(state: NamespaceState, address: string): { line: string; type?: string } | undefined {
  const number = addressNumber(address);
  if (number === undefined || address.includes(":")) return undefined;
  let best: { line: string; type: string | undefined; length: number; metric: number } | undefined;
  for (const line of state.routes) {
    const [, type, to = ""] = /^(?:(blackhole|unreachable|prohibit|throw) )?(\S+)/.exec(line.trim()) ?? [];
    const [base = "", prefix = "32"] = to === "default" ? ["0.0.0.0", "0"] : to.split("/");
    const network = base.includes(":") ? undefined : addressNumber(base);
    const size = 2 ** (32 - Number(prefix));
    if (network === undefined || /\btable\b/.test(line) || Math.floor(number / size) * size !== network) continue;
    const length = Number(prefix);
    const metric = Number(wordAfter(line, "metric") ?? 0);
    if (!best || length > best.length || (length === best.length && metric < best.metric)) {
      best = { line: line.trim(), type, length, metric };
    }
  }
  return best && { line: best.line, ...(best.type === undefined ? {} : { type: best.type }) };
}

/** `net.ipv4.ip_forward = 0`; undefined where it was not read. */
export function sysctlLine(state: NamespaceState, name: string): string | undefined {
  return state.sysctls?.find((line) => line.startsWith(`${name} = `));
}

export function linkMac(state: NamespaceState, dev: string): string | undefined {
  return wordAfter(linkLine(state, dev) ?? "", "link/ether");
}

export function linkMtu(state: NamespaceState, dev: string): number | undefined {
  const mtu = wordAfter(linkLine(state, dev) ?? "", "mtu");
  return mtu === undefined ? undefined : Number(mtu);
}

/** `eth0 mtu 1450`, `eth0 state DOWN`: one of what `ip link` says of the interface. */
export function linkText(state: NamespaceState, dev: string, name: "mtu" | "state"): string | undefined {
  const value = wordAfter(linkLine(state, dev) ?? "", name);
  return value && `${dev} ${name} ${value}`;
}

/** The other end of a veth: `2: eth0@if3: … link-netns node.node1`. */
export function linkPeer(
  kernel: KernelState,
  netns: string,
  state: NamespaceState,
  dev: string,
): { netns: string; dev: string; state: NamespaceState; line: string } | undefined {
  const line = linkLine(state, dev) ?? "";
  const index = /^\d+: [^:@]+@if(\d+):/.exec(line)?.[1];
  const inside = /^\d+: [^:@]+@([^:]+):/.exec(line)?.[1];
  const file = wordAfter(line, "link-netns");
  const other = file === undefined ? netns : Object.keys(kernel.namespaces).find((name) => netnsFile(name) === file);
  const peerState = other === undefined ? undefined : kernel.namespaces[other];
  const peer = peerState?.links.find((each) =>
    file === undefined ? each.includes(`: ${inside}@`) : each.startsWith(`${index}: `),
  );
  const name = linkName(peer ?? "");
  return other && peerState && peer && name ? { netns: other, dev: name, state: peerState, line: peer } : undefined;
}

/** Who in the lab has the address. */
export function ownerOf(kernel: KernelState, address: string): { netns: string; dev: string } | undefined {
  for (const [netns, state] of Object.entries(kernel.namespaces)) {
    const found = addressLine(state, address);
    if (found) return { netns, dev: found.dev };
  }
  return undefined;
}

/** The neighbour entry, if it still has that MAC; whichever it has, where none is named. */
export function neighbourLine(state: NamespaceState, address: string, dev: string, mac?: string): string | undefined {
  return state.neighbours
    .find((line) => {
      const known = line.startsWith(`${address} dev ${dev} `) ? wordAfter(line, "lladdr") : undefined;
      return known !== undefined && (mac === undefined || known === mac);
    })
    ?.trim();
}

/** The entry of a neighbour that did not answer, or has not yet. */
export function silentNeighbourLine(state: NamespaceState, address: string, dev: string): string | undefined {
  return state.neighbours
    .find((line) => line.startsWith(`${address} dev ${dev} `) && /\b(FAILED|INCOMPLETE)\b/.test(line))
    ?.trim();
}

/** The entry of a bridge for a MAC, in a VLAN where it keeps them apart; of one of its ports, or of itself, where named. */
export function bridgeFdbLine(
  state: NamespaceState,
  bridge: string,
  wanted: { mac: string; dev?: string; vid?: string },
): string | undefined {
  return state.fdb
    .find(
      (line) =>
        line.startsWith(wanted.dev === undefined ? `${wanted.mac} ` : `${wanted.mac} dev ${wanted.dev} `) &&
        wordAfter(line, "master") === bridge &&
        (wanted.vid === undefined || wordAfter(line, "vlan") === wanted.vid),
    )
    ?.trim();
}

/**
 * The entry of a VXLAN device that sends a MAC to that node; else the one for every MAC that it does not know. Where copies
 * went to several nodes, it was that one, whatever was learned later.
 */
export function vxlanFdbLine(
  state: NamespaceState,
  mac: string,
  dev: string,
  remote: string,
  isCopy: boolean,
): string | undefined {
  const entry = (address: string) =>
    state.fdb.find((line) => line.startsWith(`${address} dev ${dev} `) && wordAfter(line, "dst") === remote)?.trim();
  const forAny = entry("00:00:00:00:00:00");
  const isGroup = /^2(2[4-9]|3\d)\./.test(remote);
  if (isCopy || isGroup) return forAny;
  const isKnown = state.fdb.some(
    (line) => line.startsWith(`${mac} dev ${dev} `) && wordAfter(line, "dst") !== undefined,
  );
  return entry(mac) ?? (isKnown ? undefined : forAny);
}

/** The line that gives the namespace its own address, without how long it lives. */
export function addressLine(state: NamespaceState, address: string): { text: string; dev: string } | undefined {
  for (const line of state.addresses) {
    const found = /^\d+: (\S+)\s+inet6? ([^\s/]+)/.exec(line);
    if (found?.[2] === address) return { text: line.split("\\")[0]!.trim(), dev: found[1]! };
  }
  return undefined;
}

/** `eth0` for `dev` in `default via 10.0.0.1 dev eth0`. */
export function wordAfter(line: string, word: string): string | undefined {
  const words = line.trim().split(/\s+/);
  const at = words.indexOf(word);
  return at < 0 ? undefined : words[at + 1];
}

/** The socket that listens on that UDP port of that address, with the process that holds it. */
export function socketLine(state: NamespaceState, address: string, port: string): string | undefined {
  for (const line of state.sockets ?? []) {
    const text = line.trim().replace(/\s+/g, " ");
    const local = text.split(" ")[3];
    if (local === `${address}:${port}` || local === `0.0.0.0:${port}` || local === `*:${port}`) return text;
  }
  return undefined;
}
