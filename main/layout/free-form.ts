/**
 * Namespaces that the lab file describes itself: bridges, interfaces, addresses, routes and the links
 * between them.
 *
 *   h1             switch                 h2
 *   +------+       +--------------+       +------+
 *   | eth0 +-------+ p1 (br0)  p2 +-------+ eth0 |
 *   +------+       +--------------+       +------+
 */

import type { InterfaceRef, Namespace } from "../../preload/contract/topology.ts";
import type { Lab, LabNamespace } from "../lab/schema.ts";
import { addBird, prefixesOf } from "./bird.ts";
import { announcedBlocks } from "./calico/bgp.ts";
import type { Identities } from "./identity.ts";
import { emptyNamespace, joinVeths, routingSysctls, type Veth } from "./namespace.ts";
import { UNDERLAY_BRIDGE } from "./underlay.ts";

const DEFAULT_MTU = 1500;

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
    finishNamespace(netns, described);
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
      mtu: Math.min(DEFAULT_MTU, ...bridge.ports.map((port) => describedMtu(described, port))),
      addresses: bridge.addresses,
      why:
        bridge.addresses.length > 0
          ? `A bridge: it learns behind which port each MAC address lives. ${described.name} itself takes part with the bridge's own address.`
          : "A bridge without an address, that is a plain switch: it learns behind which port each MAC address lives.",
    });
  }
  return netns;
}

/** One end of a link. */
function layOutEnd(lab: Lab, netns: Namespace, end: InterfaceRef, other: InterfaceRef, identities: Identities): Veth {
  const described = lab.namespaces.find((candidate) => candidate.name === end.netns);
  const item = described?.interfaces.find((candidate) => candidate.name === end.interface);
  const bridge = described
    ? described.bridges.find((candidate) => candidate.ports.includes(end.interface))?.name
    : UNDERLAY_BRIDGE;
  return {
    name: end.interface,
    mac: item?.mac?.toLowerCase() ?? identities.mac(`${end.netns}/${end.interface}`),
    mtu: described ? describedMtu(described, end.interface) : netns.interfaces[0]!.mtu,
    addresses: item?.addresses ?? [],
    master: bridge,
    why: bridge
      ? `A port of the bridge ${bridge}; the cable leads to ${other.interface} of ${other.netns}.`
      : `A network card; the cable leads to ${other.interface} of ${other.netns}.`,
  };
}

function describedMtu(described: LabNamespace, name: string): number {
  return described.interfaces.find((item) => item.name === name)?.mtu ?? DEFAULT_MTU;
}

/** Puts what the lab file says after what every namespace has; where both set a sysctl, the lab file wins. */
function finishNamespace(netns: Namespace, described: LabNamespace): void {
  netns.routes.push(
    ...described.routes.map((route) => ({
      ...route,
      why: `${route.to === "default" ? "Everything else" : route.to} is reached ${route.via ? `through ${route.via}` : `directly on ${route.dev}`}.`,
    })),
  );
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

/** `net.ipv4.ip_forward` with slashes; a key that has slashes already may have dots inside interface names. */
function sysctlKey(key: string): string {
  return key.includes("/") ? key : key.replaceAll(".", "/");
}
