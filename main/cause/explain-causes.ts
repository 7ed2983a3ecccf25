/**
 * Why each hop went as it did: the lines of kernel state that decided. State that is missing, or that does not fit
 * what was seen (it may have changed since), gives no cause rather than a wrong one.
 */

import type { Layer } from "../../preload/contract/frame.ts";
import type { Cause, Change, Hop, Journey } from "../../preload/contract/journey.ts";
import { netnsFile } from "../../preload/contract/topology.ts";
import { compareStacks, ethernetBelow, innermost, ipLayers, isIp, routedHeaders, textIn } from "../journey/stack.ts";
import { bgpSessionCauses } from "./bgp.ts";
import {
  answeredLookup,
  gatewayOf,
  lookupKey,
  originLookup,
  outerLookup,
  type RouteLookup,
  routedLookups,
  stopOf,
} from "./lookup.ts";
import { lossCauses, refusalCauses } from "./loss.ts";
import { natCauses } from "./nat.ts";
import {
  addressLine,
  bridgeFdbLine,
  filtersVlans,
  ipipDevice,
  type KernelState,
  linkDetail,
  linkMtu,
  linkText,
  masterOf,
  type NamespaceState,
  neighbourLine,
  portVlans,
  proxyArpLine,
  socketLine,
  vlanDevice,
  vxlanDevice,
  vxlanFdbLine,
  wordAfter,
} from "./state.ts";

/** What a hop's causes are found from. */
interface Place {
  hop: Hop;
  from: Hop | undefined;
  before: Layer[];
  after: Layer[];
  state: NamespaceState;
  /** One of several that the same device made of what came before. */
  isCopy: boolean;
}

/**
 * The journey with `cause` and `causes` on its changes, and `causes` on hops that send their own packets
 * or where a packet was lost.
 * `layers` are those of each hop's frame; `lookups` has the output of each of `neededLookups` by its `lookupKey`.
 */
export function explainCauses(
  journey: Journey,
  layers: readonly Layer[][],
  state: KernelState,
  lookups: ReadonlyMap<string, string>,
): Journey {
  const stop = stopOf(journey);
  const layersOf = (hop: Hop): readonly Layer[] => layers[journey.hops.indexOf(hop)] ?? [];
  const hops = journey.hops.map((hop, index): Hop => {
    const namespace = state.namespaces[hop.netns];
    const after = layers[index];
    if (!namespace || !after) return hop;
    const from = hop.parent === undefined ? undefined : journey.hops[hop.parent];
    const before = (hop.parent === undefined ? undefined : layers[hop.parent]) ?? [];
    const isCopy = journey.hops.some(
      (other) => other !== hop && other.parent === hop.parent && placeName(other) === placeName(hop),
    );
    const place: Place = { hop, from, before, after, state: namespace, isCopy };

    const carried = processCauses(place);
    const questions = routedLookups(journey, layers, index, state);
    const headers = routedHeaders(before, after);
    let routed = 0;
    const changes = hop.changes.map((change): Change => {
      let causes: Cause[];
      if (change.kind === "routed" && carried) {
        causes = carried;
      } else if (change.kind === "routed") {
        const header = headers[routed]?.after ?? -1;
        causes = routeCauses(place, questions[routed++], header, lookups);
      } else if (change.kind === "wrapped") {
        causes = [
          ...(carried ?? []),
          ...tagCauses(place),
          ...fdbOfTunnel(place),
          ...wrappingIpip(place),
          ...outerCauses(place, outerLookup(journey, layers, index), lookups),
        ];
      } else if (change.kind === "dnat" || change.kind === "snat") {
        causes = natCauses(change, hop, from, before, after, namespace);
      } else {
        causes = (change.kind === "unwrapped" && carried) || causesOf(change, place);
      }
      return causes.length === 0 ? change : { ...change, cause: causes[0]!.text, causes };
    });
    const own = originLookup(hop, after);
    const causes = own ? routeCauses(place, own, ipLayers(after)[0]!, lookups) : [];
    if (journey.end !== "lost") {
      causes.push(...proxyArpCauses(place, answeredLookup(journey, hop, after, namespace), lookups));
    }
    causes.push(...vxlanProxyCauses(place, journey));
    if (hop === stop) {
      const loss = { journey, hop, layersOf, kernel: state, lookups };
      causes.push(...(journey.end === "lost" ? lossCauses(loss) : refusalCauses(loss)));
    }
    return causes.length === 0 ? { ...hop, changes } : { ...hop, changes, causes };
  });
  return { ...journey, hops };
}

function placeName({ netns, interface: name, direction }: Hop): string {
  return `${netns}/${name} ${direction}`;
}

function causesOf(change: Change, place: Place): Cause[] {
  switch (change.kind) {
    case "unwrapped":
      return [...tagCauses(place), ...tunnelDevice(place)];
    case "bridged":
      return bridgeCauses(place);
    case "flooded":
      return floodCauses(place);
    case "delivered":
      return addressCauses(place);
    case "fragmented":
      return mtuCauses(change, place);
    default:
      return [];
  }
}

/** The route, and the neighbour that it led to; `at` is the index of the IP header that was routed. */
function routeCauses(
  { hop, state, after }: Place,
  lookup: RouteLookup | undefined,
  at: number,
  lookups: ReadonlyMap<string, string>,
): Cause[] {
  const answer = lookup && lookups.get(lookupKey(lookup));
  if (!lookup || !answer) return [];
  const route = routeLine(answer, (dev) => leavesBy(dev, hop, state, after, at));
  const dev = route && wordAfter(route, "dev");
  if (!route || !dev) return [];
  const gateway = gatewayOf(route);
  const causes: Cause[] = [
    { kind: "route", text: route, command: lookupKey(lookup) },
    ...bgpSessionCauses(state, route, gateway),
  ];
  const next = gateway ?? lookup.destination;
  const neighbour = neighbourLine(state, next, dev, textIn(ethernetBelow(after, at), "dst"));
  if (neighbour) {
    causes.push({ kind: "neighbour", text: neighbour, command: `ip -n ${netnsFile(hop.netns)} neigh show dev ${dev}` });
  }
  return causes;
}

/** Why a namespace answers ARP for an address that it does not have: the setting, and the route that it needs for it. */
function proxyArpCauses(
  { hop, state }: Place,
  lookup: RouteLookup | undefined,
  lookups: ReadonlyMap<string, string>,
): Cause[] {
  const setting = lookup && proxyArpLine(state, hop.interface);
  if (!setting) return [];
  const command = `ip netns exec ${netnsFile(hop.netns)} sysctl ${setting.name}`;
  const causes: Cause[] = [{ kind: "sysctl", text: setting.text, command }];
  // The kernel proxies only for what is behind another interface.
  const route = routeLine(lookups.get(lookupKey(lookup)) ?? "", (dev) => dev !== hop.interface);
  if (route) causes.push({ kind: "route", text: route, command: lookupKey(lookup) });
  return causes;
}

/**
 * Why a VXLAN device answers ARP itself: its neighbour entry, and that it is a proxy. At the question where it reaches the
 * device, and at the answer where the device brings it in.
 */
function vxlanProxyCauses({ hop, from, after, state }: Place, journey: Journey): Cause[] {
  const detail = linkDetail(state, hop.interface, "vxlan");
  const arp = after.at(-1);
  if (arp?.protocol !== "arp" || !detail?.split(" ").includes("proxy")) return [];
  const isQuestion = hop.direction === "out" && journey.reply !== undefined;
  const isAnswer = hop.direction === "in" && from === undefined;
  if (!isQuestion && !isAnswer) return [];
  const known = neighbourLine(
    state,
    textIn(arp, isQuestion ? "targetIp" : "senderIp"),
    hop.interface,
    isAnswer ? textIn(arp, "senderMac") : undefined,
  );
  if (!known) return [];
  const file = netnsFile(hop.netns);
  return [
    { kind: "neighbour", text: known, command: `ip -n ${file} neigh show dev ${hop.interface}` },
    {
      kind: "tunnel",
      text: `${hop.interface}: ${detail}`,
      command: `ip -n ${file} -d link show dev ${hop.interface}`,
    },
  ];
}

/** Whether a packet that is routed out of `dev` can be what was seen at the hop. */
function leavesBy(dev: string, hop: Hop, state: NamespaceState, after: readonly Layer[], at: number): boolean {
  if (dev === hop.interface || dev === masterOf(state, hop.interface)) return true;
  // Routed onto a tunnel device that is not captured: seen only once it was wrapped.
  if (linkDetail(state, dev, "ipip") && isIp(after[at - 1])) return true;
  const vxlan = after.slice(0, at).findLast(({ protocol }) => protocol === "vxlan");
  return vxlan !== undefined && vxlanDevice(state, textIn(vxlan, "vni")) === dev;
}

/**
 * One line of what `ip route get fibmatch` printed, for the device that fits: a route with several next hops is
 * printed with a line for each.
 */
function routeLine(answer: string, fits: (dev: string) => boolean): string | undefined {
  const lines = answer.split("\n").map((line) => line.trim());
  const [head = "", ...rest] = lines.filter((line) => line !== "");
  const dev = wordAfter(head, "dev");
  if (dev !== undefined) return fits(dev) ? head : undefined;
  const hops = rest.filter((line) => line.startsWith("nexthop ") && fits(wordAfter(line, "dev") ?? ""));
  // Of several next hops on one device it is unknown which was taken.
  return hops.length === 1 ? `${head} ${hops[0]}` : undefined;
}

/** The device of this namespace that wraps and unwraps what the VXLAN header names. */
function tunnelOf(state: NamespaceState, vxlan: Layer, seenAt: string | undefined): string | undefined {
  const vni = textIn(vxlan, "vni");
  if (seenAt !== undefined && wordAfter(linkDetail(state, seenAt, "vxlan") ?? "", "id") === vni) return seenAt;
  return vxlanDevice(state, vni);
}

function fdbOfTunnel({ hop, from, before, after, state, isCopy }: Place): Cause[] {
  const { on } = compareStacks(before, after);
  const at = after.findIndex((layer) => layer.protocol === "vxlan" && on.includes(layer));
  const vxlan = after[at];
  if (!vxlan) return [];
  const dev = tunnelOf(state, vxlan, from?.netns === hop.netns ? from.interface : undefined);
  const outer = after.slice(0, at).findLast(({ protocol }) => protocol === "ipv4" || protocol === "ipv6");
  const text = dev && vxlanFdbLine(state, textIn(after[at + 1], "dst"), dev, textIn(outer, "dst"), isCopy);
  if (!text) return [];
  return [{ kind: "fdb", text, command: `bridge -n ${netnsFile(hop.netns)} fdb show dev ${dev}` }];
}

function outerCauses(place: Place, lookup: RouteLookup | undefined, lookups: ReadonlyMap<string, string>): Cause[] {
  const { on } = compareStacks(place.before, place.after);
  const at = place.after.findIndex((layer) => on.includes(layer) && /^ipv[46]$/.test(layer.protocol));
  return routeCauses(place, lookup, at, lookups);
}

/** The outer of two IP headers, one right inside the other, where it is among those put on or taken off. */
function outerOfIpip(layers: readonly Layer[], changed: readonly Layer[]): Layer | undefined {
  return layers.find((layer, index) => isIp(layer) && isIp(layers[index + 1]) && changed.includes(layer));
}

function ipipCause(hop: Hop, state: NamespaceState, dev: string | undefined): Cause[] {
  const detail = dev && linkDetail(state, dev, "ipip");
  if (!detail) return [];
  return [
    { kind: "tunnel", text: `${dev}: ${detail}`, command: `ip -n ${netnsFile(hop.netns)} -d link show dev ${dev}` },
  ];
}

/** The device that put the outer header on: the one that the packet was last seen at, else the one for that way. */
function wrappingIpip({ hop, from, before, after, state }: Place): Cause[] {
  const outer = outerOfIpip(after, compareStacks(before, after).on);
  if (!outer) return [];
  const seenAt = from?.netns === hop.netns && linkDetail(state, from.interface, "ipip") ? from.interface : undefined;
  return ipipCause(hop, state, seenAt ?? ipipDevice(state, textIn(outer, "src"), textIn(outer, "dst")));
}

/**
 * The process that took the packet from a TUN device and sent it in UDP, or the other way: the socket that it did so with,
 * and the device. Undefined where the UDP header that was put on or taken off carries something else than an IP packet.
 */
function processCauses({ hop, from, before, after, state }: Place): Cause[] | undefined {
  const { on, off } = compareStacks(before, after);
  const isWrapping = on.length > 0;
  const [layers, changed] = isWrapping ? [after, on] : [before, off];
  const at = layers.findIndex(
    (layer, index) => layer.protocol === "udp" && isIp(layers[index + 1]) && changed.includes(layer),
  );
  if (at < 0) return undefined;
  const [address, port] = isWrapping ? ["src", "srcPort"] : ["dst", "dstPort"];
  const socket = socketLine(state, textIn(layers[at - 1], address!), textIn(layers[at], port!));
  const netns = netnsFile(hop.netns);
  const causes: Cause[] = socket
    ? [{ kind: "process", text: socket, command: `ip netns exec ${netns} ss -Hlunp` }]
    : [];
  const dev = isWrapping ? from?.interface : hop.interface;
  const detail = dev && linkDetail(state, dev, "tun");
  if (detail)
    causes.push({ kind: "tunnel", text: `${dev}: ${detail}`, command: `ip -n ${netns} -d link show dev ${dev}` });
  return causes;
}

function tunnelDevice({ hop, before, after, state }: Place): Cause[] {
  const { off } = compareStacks(before, after);
  const ipip = outerOfIpip(before, off);
  if (ipip) {
    const isHere = linkDetail(state, hop.interface, "ipip") !== undefined;
    const dev = isHere ? hop.interface : ipipDevice(state, textIn(ipip, "dst"), textIn(ipip, "src"));
    return ipipCause(hop, state, dev);
  }
  const at = off.findIndex(({ protocol }) => protocol === "vxlan");
  const vxlan = off[at];
  const dev = vxlan && tunnelOf(state, vxlan, hop.interface);
  const detail = dev && linkDetail(state, dev, "vxlan");
  if (!detail || wordAfter(detail, "dstport") !== textIn(off[at - 1], "dstPort")) return [];
  const command = `ip -n ${netnsFile(hop.netns)} -d link show dev ${dev}`;
  return [{ kind: "tunnel", text: `${dev}: ${detail}`, command }];
}

/**
 * Why a VLAN tag was put on or taken off: the bridge says so of the port that the frame left by, or a device for one VLAN
 * does it.
 */
function tagCauses(place: Place): Cause[] {
  const { hop, from, before, after, state } = place;
  const { on, off } = compareStacks(before, after);
  const tag = [...on, ...off].find(({ protocol }) => protocol === "vlan");
  if (!from || !tag || from.netns !== hop.netns) return [];
  const vid = textIn(tag, "id");
  const file = netnsFile(hop.netns);
  const bridge = bridgeOf(place);
  if (bridge) {
    return memberCauses(place, vid);
  }
  const device = vlanDevice(state, on.includes(tag) ? hop.interface : from.interface, vid);
  const detail = device && linkDetail(state, device, "vlan");
  if (!detail) return [];
  return [{ kind: "tunnel", text: `${device}: ${detail}`, command: `ip -n ${file} -d link show dev ${device}` }];
}

function bridgeCauses(place: Place): Cause[] {
  const { hop, from, after, state } = place;
  const mac = textIn(after[0], "dst");
  if (isGroup(mac)) return floodCauses(place);
  const bridge = bridgeOf(place);
  if (!bridge || !from) return [];
  const file = netnsFile(hop.netns);
  const entry = bridgeFdbLine(state, bridge, { mac, dev: hop.interface, vid: vlanOf(place, bridge) });
  if (entry) return [{ kind: "fdb", text: entry, command: `bridge -n ${file} fdb show dev ${hop.interface}` }];
  const port = linkDetail(state, hop.interface, "bridge_slave");
  if (!port) return [];
  const text = `${hop.interface}: master ${bridge} ${port}`;
  return [{ kind: "bridge-port", text, command: `ip -n ${file} -d link show dev ${hop.interface}` }];
}

function floodCauses(place: Place): Cause[] {
  const { hop, state } = place;
  const mac = textIn(place.after[0], "dst");
  const bridge = bridgeOf(place);
  if (!bridge || mac === "") return [];
  const file = netnsFile(hop.netns);
  const command = `bridge -n ${file} fdb show br ${bridge}`;
  const vid = vlanOf(place, bridge);
  const inVlan = vid === undefined ? "" : ` in VLAN ${vid}`;
  const causes: Cause[] = [];
  if (isGroup(mac)) {
    const kind = mac === "ff:ff:ff:ff:ff:ff" ? "broadcast" : "multicast";
    causes.push({
      kind: "flood",
      text: `${mac} is ${kind}: bridge ${bridge} sends it to all its ports${inVlan}`,
      command,
    });
  } else {
    // A unicast frame is flooded only where there is no entry; it may have been learned since.
    const since = bridgeFdbLine(state, bridge, { mac, vid });
    const text = since
      ? `no FDB entry yet for ${mac} on bridge ${bridge}${inVlan}; since then ${since}`
      : `no FDB entry for ${mac} on bridge ${bridge}${inVlan}`;
    causes.push({ kind: "flood", text, command });
  }
  // Where a tag is put on or taken off too, that change says it.
  return place.before.length === place.after.length ? [...causes, ...memberCauses(place, vid)] : causes;
}

/** The VLAN that a frame crossed the bridge in, where the bridge keeps VLANs apart. */
function vlanOf({ from, before, state }: Place, bridge: string): string | undefined {
  if (!from || !filtersVlans(state, bridge)) return undefined;
  if (before[1]?.protocol === "vlan") return textIn(before[1], "id");
  const pvid = portVlans(state, from.interface).find(({ isPvid }) => isPvid)?.vid;
  return pvid === undefined ? undefined : String(pvid);
}

/** What `bridge vlan` says of the VLAN of the port that the frame left by. */
function memberCauses({ hop, state }: Place, vid: string | undefined): Cause[] {
  const member = portVlans(state, hop.interface).find((each) => String(each.vid) === vid);
  if (!member) return [];
  const command = `bridge -n ${netnsFile(hop.netns)} vlan show dev ${hop.interface}`;
  return [{ kind: "vlan", text: `${hop.interface} ${member.line}`, command }];
}

/** The bridge that was crossed: the hop is one of its ports, or itself. */
function bridgeOf({ hop, from, state }: Place): string | undefined {
  if (!from || from.netns !== hop.netns) return undefined;
  const master = masterOf(state, hop.interface);
  if (master) return master;
  return masterOf(state, from.interface) === hop.interface ? hop.interface : undefined;
}

function addressCauses({ hop, after, state }: Place): Cause[] {
  const inner = after[innermost(after)];
  const address = textIn(inner, inner?.protocol === "arp" ? "targetIp" : "dst");
  const line = addressLine(state, address);
  if (!line) return [];
  return [{ kind: "address", text: line.text, command: `ip -n ${netnsFile(hop.netns)} -o addr show dev ${line.dev}` }];
}

/**
 * What was cut to fit the interface that it left by fills its MTU. Pieces of a packet that came in pieces are no longer than
 * these were (frag_max_size).
 */
function mtuCauses({ bytes: [from, to] = [0, 0] }: Change, { hop, state, after }: Place): Cause[] {
  const ip = after.find(isIp);
  const room = (linkMtu(state, hop.interface) ?? 0) - (ip?.length ?? 0);
  // All but the last end on a multiple of 8 bytes.
  const most = room - (room % 8);
  const isCutHere = from === 0 ? to === most : from % most === 0 && to - from <= room;
  const text = hop.direction === "out" && isCutHere ? linkText(state, hop.interface, "mtu") : undefined;
  return text ? [{ kind: "mtu", text, command: `ip -n ${netnsFile(hop.netns)} link show dev ${hop.interface}` }] : [];
}

/** Broadcast or multicast: the lowest bit of the first byte. */
function isGroup(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}
