/**
 * Everything that will exist in a lab, as plain data: namespaces with their interfaces, addresses,
 * routes, neighbours, FDB entries, sysctls, rules and files. A layout makes it, the plan builds it,
 * journeys are ordered by it and the page draws it.
 *
 * Every object carries a `why` in prose: the plan prints it as a comment and the page shows it.
 */

export interface Topology {
  lab: string;
  namespaces: Namespace[];
}

/** `node` and `pod` come from a cluster, `net` is an underlay network (a bridge), `host` is free-form. */
export type NamespaceKind = "node" | "pod" | "net" | "host";

export interface Namespace {
  /** `node/node1`, `pod/a`, `net/lan`, or a free-form name. Unique in the lab. */
  name: string;
  kind: NamespaceKind;
  /** The name as the lab file has it: `node1`. */
  label: string;
  /** For a pod: the namespace name of its node, e.g. `node/node1`. */
  node?: string;
  why: string;
  interfaces: Interface[];
  routes: Route[];
  neighbours: Neighbour[];
  fdb: FdbEntry[];
  sysctls: Sysctl[];
  ipSets: IpSet[];
  rules: RuleTable[];
  nftables: NftTable[];
  /** Files that a process in this namespace sees, all under /run. */
  files: NamespaceFile[];
  daemons: Daemon[];
}

interface InterfaceBase {
  /** At most 15 bytes, unique in its namespace. */
  name: string;
  mtu: number;
  /** With prefix length: `10.244.1.0/32`. */
  addresses: string[];
  /** The bridge in the same namespace that this interface is a port of. */
  master?: string;
  /** Bridge port flag: may send a frame back out of the port it came in by. */
  hairpin?: boolean;
  /** The VLANs of a port of a bridge that filters by VLAN, or of such a bridge itself. */
  vlans?: PortVlan[];
  why: string;
}

export interface PortVlan {
  /** 1 to 4094. */
  vid: number;
  /** What comes in without a tag belongs to this VLAN. */
  pvid?: boolean;
  /** What goes out of this VLAN loses its tag. */
  untagged?: boolean;
}

/** What sends and receives frames with an Ethernet header. */
interface EthernetInterface extends InterfaceBase {
  mac: string;
}

export interface VethInterface extends EthernetInterface {
  kind: "veth";
  peer: InterfaceRef;
}

export interface BridgeInterface extends EthernetInterface {
  kind: "bridge";
  /** Looks at 802.1Q tags; its ports then belong to VLANs. */
  vlanFiltering?: boolean;
}

/** One VLAN of an interface of the same namespace: frames go out of that interface with the tag. */
export interface VlanInterface extends EthernetInterface {
  kind: "vlan";
  parent: string;
  vid: number;
}

export interface VxlanInterface extends EthernetInterface {
  kind: "vxlan";
  vni: number;
  /** Outer source address. */
  local: string;
  /** The interface that carries the outer packets. */
  dev: string;
  /** The multicast group that gets what has no FDB entry. */
  group?: string;
  /** Outer UDP destination port. */
  port: number;
  /** Writes an FDB entry for each source that comes in. */
  learning: boolean;
  /** Answers ARP itself where it has a neighbour entry, so that the question is not flooded. */
  proxy?: boolean;
}

/**
 * An IP-in-IP device with any local and any remote address: the route's next hop becomes the outer destination. What
 * passes it begins with the IP header; it has no MAC address.
 */
export interface IpipInterface extends InterfaceBase {
  kind: "ipip";
  /** The interface that the outer packets leave by. The device itself is bound to none. */
  dev: string;
  /** Outer source address. Without one the device has none and takes that of the route. */
  local?: string;
}

/** A device whose other end is a process: what is routed into it, the process reads. Begins with the IP header. */
export interface TunInterface extends InterfaceBase {
  kind: "tun";
  /** The interface that the process sends its packets out of. */
  dev: string;
  /** The UDP port that the process sends whole IP packets to, with nothing between the UDP header and theirs. */
  port?: number;
}

export type Interface = VethInterface | BridgeInterface | VlanInterface | VxlanInterface | IpipInterface | TunInterface;

export interface InterfaceRef {
  netns: string;
  interface: string;
}

export interface Route {
  /** `default` or a CIDR. */
  to: string;
  /** Neither has a gateway or a device. What a blackhole matches is dropped without a word. */
  type?: "blackhole" | "unreachable";
  via?: string;
  dev?: string;
  /** Who wrote it, as `ip route` names it: `bird`, `80`. `boot` unless given. */
  proto?: string;
  /** `link`: the destination itself is on the wire. What `ip route add` takes for a route without a gateway, unless given. */
  scope?: "link" | "global";
  onlink?: boolean;
  /** The source address of what this namespace itself sends that way. */
  src?: string;
  metric?: number;
  why: string;
}

/** A permanent neighbour entry. */
export interface Neighbour {
  address: string;
  mac: string;
  dev: string;
  why: string;
}

/**
 * A permanent FDB entry. With `dst` it is a VXLAN entry (`self`), else a bridge entry (`master`). Several with the MAC
 * 00:00:00:00:00:00 on one VXLAN device are the list of all that get what has no entry of its own.
 */
export interface FdbEntry {
  mac: string;
  dev: string;
  dst?: string;
  why: string;
}

/** `key` as sysctl writes it with slashes for dots in names: `net/ipv4/ip_forward`. */
export interface Sysctl {
  key: string;
  value: string;
  why: string;
}

/** A set of addresses or subnets that rules match. */
export interface IpSet {
  name: string;
  type: "hash:net";
  members: string[];
  why: string;
}

/** One iptables table; the rules are as iptables-save prints them, in order. */
export interface RuleTable {
  family: "ipv4";
  table: "raw" | "mangle" | "nat" | "filter";
  /** Policies of built-in chains that are not ACCEPT: `{ FORWARD: "DROP" }`. */
  policies?: Record<string, "ACCEPT" | "DROP">;
  /** Chains to create, in order. Built-in chains are not named. */
  chains: string[];
  rules: { rule: string; why: string }[];
}

/** One nftables table: its chains, with their rules in order. */
export interface NftTable {
  /** `ip`, `inet` … */
  family: string;
  name: string;
  comment?: string;
  chains: NftChain[];
  why: string;
}

export interface NftChain {
  name: string;
  /** Of a base chain: `type nat hook postrouting priority srcnat; policy accept;`. */
  hook?: string;
  comment?: string;
  /** As `nft list` prints them. */
  rules: { rule: string; why: string }[];
  why: string;
}

/** A program that runs in the namespace as long as the lab is up. It sees the namespace's files. */
export interface Daemon {
  /** Unique in the namespace: `bird`. */
  name: string;
  /** Must stay in the foreground. */
  argv: string[];
  why: string;
  /** Building waits until this shell command succeeds in the namespace, which must not take longer than 30 s. */
  ready?: { command: string; why: string };
  /** A shell command, run in the namespace with its files, that makes it read them again. Without one it is restarted. */
  reload?: { command: string; why: string };
}

export interface NamespaceFile {
  path: string;
  content: string;
  why: string;
}

/** Of a device that has none of its own wire: the interface in its namespace that its frames leave by. */
export function carrierOf(item: Interface): string | undefined {
  switch (item.kind) {
    case "vxlan":
    case "ipip":
    case "tun":
      return item.dev;
    case "vlan":
      return item.parent;
    default:
      return undefined;
  }
}

/** What passes the interface begins with the IP header: it has no MAC address. */
export function hasLinkHeader(item: Interface): boolean {
  return item.kind !== "ipip" && item.kind !== "tun";
}

/** `netns/interface`, the way an interface is named in captures, on the command line and on the page. */
export function interfaceName(ref: InterfaceRef): string {
  return `${ref.netns}/${ref.interface}`;
}

/** The namespace's file in the sandbox's /run/netns, which is also the name that `ip -n` takes: `node.node1`. */
export function netnsFile(netns: string): string {
  return netns.replaceAll("/", ".");
}

/** What UDP carries, by its destination port: what decoders must be told, since a port can be anything. */
export interface TunnelPorts {
  /** A VXLAN header. */
  vxlan: readonly number[];
  /** A whole IP packet, with no header of its own before it. */
  ip: readonly number[];
}

export const NO_TUNNEL_PORTS: TunnelPorts = { vxlan: [], ip: [] };

/** The UDP ports that the topology's tunnels send to. */
export function tunnelPorts(topology: Topology): TunnelPorts {
  const interfaces = topology.namespaces.flatMap((namespace) => namespace.interfaces);
  const vxlan = interfaces.flatMap((item) => (item.kind === "vxlan" ? [item.port] : []));
  const ip = interfaces.flatMap((item) => (item.kind === "tun" && item.port !== undefined ? [item.port] : []));
  return { vxlan: [...new Set(vxlan)], ip: [...new Set(ip)] };
}
