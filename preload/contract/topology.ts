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
  /** Files that a process in this namespace sees, all under /run. */
  files: NamespaceFile[];
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
  why: string;
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
}

export interface VxlanInterface extends EthernetInterface {
  kind: "vxlan";
  vni: number;
  /** Outer source address. */
  local: string;
  /** The interface that carries the outer packets. */
  dev: string;
  /** Outer UDP destination port. */
  port: number;
  learning: boolean;
}

/**
 * An IP-in-IP device with any local and any remote address: the route's next hop becomes the outer destination. What
 * passes it begins with the IP header; it has no MAC address.
 */
export interface IpipInterface extends InterfaceBase {
  kind: "ipip";
  /** The interface that the outer packets leave by. The device itself is bound to none. */
  dev: string;
}

export type Interface = VethInterface | BridgeInterface | VxlanInterface | IpipInterface;

export interface InterfaceRef {
  netns: string;
  interface: string;
}

export interface Route {
  /** `default` or a CIDR. */
  to: string;
  /** A blackhole has neither gateway nor device: what it matches is dropped without a word. */
  type?: "blackhole";
  via?: string;
  dev?: string;
  /** Who wrote it, as `ip route` names it: `bird`, `80`. `boot` unless given. */
  proto?: string;
  /** `link`: the destination itself is on the wire. */
  scope?: "link";
  onlink?: boolean;
  why: string;
}

/** A permanent neighbour entry. */
export interface Neighbour {
  address: string;
  mac: string;
  dev: string;
  why: string;
}

/** A permanent FDB entry. With `dst` it is a VXLAN entry (`self`), else a bridge entry (`master`). */
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
  /** Chains to create, in order. Built-in chains are not named. */
  chains: string[];
  rules: { rule: string; why: string }[];
}

export interface NamespaceFile {
  path: string;
  content: string;
  why: string;
}

/** `netns/interface`, the way an interface is named in captures, on the command line and on the page. */
export function interfaceName(ref: InterfaceRef): string {
  return `${ref.netns}/${ref.interface}`;
}

/** The namespace's file in the sandbox's /run/netns, which is also the name that `ip -n` takes: `node.node1`. */
export function netnsFile(netns: string): string {
  return netns.replaceAll("/", ".");
}

/** The UDP ports that the topology's VXLAN devices send to: what decoders must be told, since a port can be anything. */
export function vxlanPorts(topology: Topology): number[] {
  const interfaces = topology.namespaces.flatMap((namespace) => namespace.interfaces);
  return [...new Set(interfaces.flatMap((item) => (item.kind === "vxlan" ? [item.port] : [])))];
}
