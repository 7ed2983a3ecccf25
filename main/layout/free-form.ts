/**
 * Namespaces that the lab file describes itself: bridges, interfaces, addresses, routes, rules and the links
 * between them.
 *
 *   h1             switch                     h2
 *   +------+       +------------------+       +------+
 *   | eth0 +-------+ p1     br0    p2 +-------+ eth0 |      a link is a cable, of which each end is an interface
 *   +------+       |   \   /   \      |       +------+
 *                  |   br0.5  vxlan7  |                     a VLAN of br0; a VXLAN device as a port of it,
 *                  |             |    |                     which is carried by eth0
 *                  |            eth0 -+--
 *                  +------------------+
 */

import type { InterfaceRef, Namespace, PortVlan, Route, RuleTable } from "../../preload/contract/topology.ts";
import type { Lab, LabBridge, LabInterface, LabNamespace, LabTable } from "../lab/schema.ts";
import { addBird, prefixesOf } from "./bird.ts";
import { announcedBlocks } from "./calico/bgp.ts";
import type { Identities } from "./identity.ts";
import { addListeners } from "./listener.ts";
import { emptyNamespace, joinVeths, routingSysctls, type Veth } from "./namespace.ts";
import { UNDERLAY_BRIDGE } from "./underlay.ts";

const DEFAULT_MTU = 1500;
/** Outer IPv4, UDP and VXLAN headers and the inner Ethernet header (RFC 7348). */
const VXLAN_OVERHEAD = 50;
/** The entry of a VXLAN device for every MAC address that has none of its own. */
const ANY_MAC = "00:00:00:00:00:00";

/** `h1/eth0`, or `net/lan/port1` for a new port of an underlay network; undefined for anything else. */
export function parseLinkEnd(text: string): InterfaceRef | undefined {
  const parts = text.split("/");
  if (parts.some((part) => part === "")) return undefined;
  const [first, second, third] = parts;
  if (parts.length === 2) return { netns: first!, interface: second! };
  if (parts.length === 3 && first === "net") return { netns: `net/${second}`, interface: third! };
  return undefined;
}

/** Makes the namespaces and their links, which may end at the underlay networks. */
export function layOutFreeForm(lab: Lab, networks: Namespace[], identities: Identities): Namespace[] {
  const namespaces = lab.namespaces.map((described) => layOutNamespace(described, identities));
  const found = (end: InterfaceRef) => [...networks, ...namespaces].find((netns) => netns.name === end.netns)!;
  for (const [left, right] of lab.links) {
    const [a, b] = [parseLinkEnd(left)!, parseLinkEnd(right)!];
    joinVeths(
      { netns: found(a), end: layOutEnd(lab, found(a), a, b, identities) },
      { netns: found(b), end: layOutEnd(lab, found(b), b, a, identities) },
    );
  }
  for (const [index, netns] of namespaces.entries()) {
    const described = lab.namespaces[index]!;
    finishNamespace(netns, described, identities);
    if (!described.bird) continue;
    addBird(
      netns,
      described.bird,
      prefixesOf(lab, described.bird, (address) => announcedBlocks(lab, address)),
    );
  }
  return namespaces;
}

function layOutNamespace(described: LabNamespace, identities: Identities): Namespace {
  const netns = emptyNamespace("host", described.name, described.name, `${described.name}, a machine of its own.`);
  for (const bridge of described.bridges) {
    netns.interfaces.push({
      kind: "bridge",
      name: bridge.name,
      mac: bridge.mac?.toLowerCase() ?? identities.mac(`${described.name}/${bridge.name}`),
      mtu: mtuOf(described, bridge.name),
      addresses: bridge.addresses,
      ...(bridge.vlanFiltering ? { vlanFiltering: true } : {}),
      ...portVlans(bridge),
      why: whyBridge(described, bridge),
    });
  }
  return netns;
}

function whyBridge(described: LabNamespace, bridge: LabBridge): string {
  const learns = "it learns behind which port each MAC address lives";
  const filters = bridge.vlanFiltering
    ? " Each port belongs to VLANs, and a frame only leaves by ports of its own."
    : "";
  return bridge.addresses.length > 0
    ? `A bridge: ${learns}. ${described.name} itself takes part with the bridge's own address.${filters}`
    : `A bridge without an address, that is a plain switch: ${learns}.${filters}`;
}

/** The VLANs of a port, or of a bridge itself, as the kernel keeps them. */
function portVlans({ access, trunk = [], native }: Pick<LabBridge, "access" | "trunk" | "native">): {
  vlans?: PortVlan[];
} {
  const untagged = access ?? native;
  const vlans: PortVlan[] = [
    ...(untagged === undefined ? [] : [{ vid: untagged, pvid: true, untagged: true }]),
    ...trunk.map((vid) => ({ vid })),
  ];
  return vlans.length > 0 ? { vlans } : {};
}

/** One end of a link. */
function layOutEnd(lab: Lab, netns: Namespace, end: InterfaceRef, other: InterfaceRef, identities: Identities): Veth {
  const described = lab.namespaces.find((candidate) => candidate.name === end.netns);
  const item = described?.interfaces.find((candidate) => candidate.name === end.interface);
  const port = described ? portOf(described, end.interface) : { master: UNDERLAY_BRIDGE };
  return {
    name: end.interface,
    mac: item?.mac?.toLowerCase() ?? identities.mac(`${end.netns}/${end.interface}`),
    mtu: described ? mtuOf(described, end.interface) : netns.interfaces[0]!.mtu,
    addresses: item?.addresses ?? [],
    ...port,
    why: port.master
      ? `A port of the bridge ${port.master}; the cable leads to ${other.interface} of ${other.netns}.`
      : `A network card; the cable leads to ${other.interface} of ${other.netns}.`,
  };
}

/** The bridge that the interface is a port of, and its VLANs there. */
function portOf(described: LabNamespace, name: string): { master?: string; vlans?: PortVlan[] } {
  for (const bridge of described.bridges) {
    const port = bridge.ports.find((candidate) => candidate.name === name);
    if (port) return { master: bridge.name, ...portVlans(port) };
  }
  return { master: undefined };
}

/** The one given; else that of what carries it, less what is wrapped around. */
function mtuOf(described: LabNamespace, name: string): number {
  const bridge = described.bridges.find((item) => item.name === name);
  if (bridge) return bridge.mtu ?? Math.min(DEFAULT_MTU, ...bridge.ports.map((port) => mtuOf(described, port.name)));
  const item = described.interfaces.find((candidate) => candidate.name === name);
  if (item?.mtu !== undefined) return item.mtu;
  if (item?.vlan) return mtuOf(described, item.vlan.parent);
  return item?.vxlan ? mtuOf(described, item.vxlan.dev) - VXLAN_OVERHEAD : DEFAULT_MTU;
}

/** Puts what the lab file says after what every namespace has; where both set a sysctl, the lab file wins. */
function finishNamespace(netns: Namespace, described: LabNamespace, identities: Identities): void {
  for (const item of described.interfaces) layOutDevice(netns, described, item, identities);
  netns.routes.push(...described.routes.map((route) => ({ ...route, why: whyRoute(route) })));
  netns.neighbours.push(
    ...described.neighbours.map(({ address, mac, dev }) => ({
      address,
      mac: mac.toLowerCase(),
      dev,
      why: `The MAC address of ${address} is told, so nobody has to be asked for it.`,
    })),
  );
  netns.fdb.push(
    ...described.fdb.map(({ mac, dev, dst }) => ({
      mac: mac.toLowerCase(),
      dev,
      dst,
      why: dst
        ? `Frames for ${mac.toLowerCase()} go through the tunnel to ${dst}.`
        : `${mac.toLowerCase()} lives behind ${dev}, whatever the bridge may learn.`,
    })),
  );
  for (const table of ["raw", "mangle", "nat", "filter"] as const) {
    const rules = described.iptables[table];
    if (rules) netns.rules.push(layOutTable(table, rules));
  }
  addListeners(netns, described.listeners);
  const own = Object.entries(described.sysctls).map(([key, value]) => ({
    key: sysctlKey(key),
    value: String(value),
    why: "The lab file asks for it.",
  }));
  const usual = routingSysctls(
    false,
    "A machine is no router unless it is told to be one.",
    netns.interfaces.filter((item) => item.kind === "veth" && !item.master).map((item) => item.name),
  );
  if (described.bridges.length > 0) {
    usual.push({
      key: "net/bridge/bridge-nf-call-iptables",
      value: "0",
      why: "Frames that cross the bridge meet no iptables rule and no connection tracking, as in a real switch.",
    });
  }
  netns.sysctls = [...netns.sysctls, ...usual]
    .filter((sysctl) => !own.some(({ key }) => key === sysctl.key))
    .concat(own);
}

/** A device that is no end of a link. */
function layOutDevice(netns: Namespace, described: LabNamespace, item: LabInterface, identities: Identities): void {
  const { name, vlan, vxlan } = item;
  const base = { name, mtu: mtuOf(described, name), addresses: item.addresses, ...portOf(described, name) };
  const given = item.mac?.toLowerCase();
  if (vlan) {
    const parent = netns.interfaces.find((candidate) => candidate.name === vlan.parent);
    const inherited = parent && "mac" in parent ? parent.mac : identities.mac(`${netns.name}/${name}`);
    const why = `VLAN ${vlan.vid} on ${vlan.parent}: what leaves by ${name} gets the tag, what comes in with the tag arrives here without it.`;
    netns.interfaces.push({ kind: "vlan", ...base, mac: given ?? inherited, parent: vlan.parent, vid: vlan.vid, why });
  }
  if (vxlan) {
    const { remotes = [], proxy, ...device } = vxlan;
    netns.interfaces.push({
      kind: "vxlan",
      ...base,
      mac: given ?? identities.mac(`${netns.name}/${name}`),
      ...device,
      ...(proxy ? { proxy } : {}),
      why: `A tunnel of Ethernet frames in UDP, network ${vxlan.vni}. ${whyUnknown(vxlan)}${vxlan.learning ? " It learns behind which address each MAC address lives." : ""}${proxy ? " It answers ARP from its own neighbour entries." : ""}`,
    });
    netns.fdb.push(
      ...remotes.map((dst) => ({
        mac: ANY_MAC,
        dev: name,
        dst,
        why: `What has no entry of its own, and every broadcast, goes to ${dst} too.`,
      })),
    );
  }
}

function whyUnknown({ group, remotes }: NonNullable<LabInterface["vxlan"]>): string {
  if (group) return `What it has no FDB entry for goes to all that listen to the group ${group}.`;
  if (remotes) return `What it has no FDB entry for goes to each of ${remotes.join(", ")}.`;
  return "What it has no FDB entry for goes nowhere.";
}

function whyRoute({ to, via, dev, type }: Route | LabNamespace["routes"][number]): string {
  const what = to === "default" ? "Everything else" : to;
  if (type === "blackhole") return `What is for ${to} is dropped without a word.`;
  if (type === "unreachable") return `What is for ${to} is refused with an ICMP message.`;
  return `${what} is reached ${via ? `through ${via}` : `directly on ${dev}`}.`;
}

function layOutTable(table: RuleTable["table"], { policies, chains, rules }: LabTable): RuleTable {
  return {
    family: "ipv4",
    table,
    ...(policies ? { policies } : {}),
    chains,
    rules: rules.map((rule) => ({ rule, why: "A rule of the lab file." })),
  };
}

/** `net.ipv4.ip_forward` with slashes; a key that has slashes already may have dots inside interface names. */
function sysctlKey(key: string): string {
  return key.includes("/") ? key : key.replaceAll(".", "/");
}
