/**
 * Why a packet went no further than it was seen: what the kernel's own order of questions (forwarding, source, rules,
 * route, MTU, neighbour) meets first in the state that was read. What does not surely fit gives no cause.
 */

import type { Layer } from "../../preload/contract/frame.ts";
import type { Cause, Hop, Journey } from "../../preload/contract/journey.ts";
import { netnsFile } from "../../preload/contract/topology.ts";
import { field } from "../decode/field.ts";
import { ipLayers, textIn } from "../journey/stack.ts";
import { bridgeLoss } from "./bridge-loss.ts";
import { backLookup, lookupKey, nextStop, onwardLookup } from "./lookup.ts";
import { type Passage, passHook, translates } from "./netfilter.ts";
import { isLocal, rulePacket } from "./rule-packet.ts";
import type { Hook, RulePacket } from "./ruleset.ts";
import {
  addressLine,
  detailIn,
  type KernelState,
  linkDetail,
  linkMac,
  linkMtu,
  linkName,
  linkPeer,
  linkText,
  mainRoute,
  masterOf,
  type NamespaceState,
  ownerOf,
  proxyArpLine,
  silentNeighbourLine,
  sysctlLine,
  wordAfter,
} from "./state.ts";

/** Where the packet was seen last, and all that is known there. */
export interface Loss {
  journey: Journey;
  hop: Hop;
  /** Of each hop's frame. */
  layersOf: (hop: Hop) => readonly Layer[];
  kernel: KernelState;
  lookups: ReadonlyMap<string, string>;
}

/** What is at hand for each of the questions. */
interface Scene extends Loss {
  layers: readonly Layer[];
  state: NamespaceState;
  /** `node.node1`, as `ip -n` takes it. */
  file: string;
  /** Runs a command in the namespace. */
  enter: string;
}

export function lossCauses(loss: Loss): Cause[] {
  const { hop, kernel } = loss;
  const state = kernel.namespaces[hop.netns];
  const layers = loss.layersOf(hop);
  if (!state || layers.length === 0) return [];
  const file = netnsFile(hop.netns);
  const scene: Scene = { ...loss, layers, state, file, enter: `ip netns exec ${file}` };
  if (layers.at(-1)?.protocol === "arp") return unansweredCauses(scene);
  return hop.direction === "out" ? wayOutCauses(scene) : wayInCauses(scene);
}

/**
 * Why a packet that reached the namespace of its destination was still not taken there: only what is sure to stop it
 * before any program.
 */
export function refusalCauses(loss: Loss): Cause[] {
  const causes = lossCauses(loss);
  return causes.some(({ kind }) => kind === "rule" || kind === "policy" || kind === "rp-filter") ? causes : [];
}

// ---- it came in

function wayInCauses(scene: Scene): Cause[] {
  const { hop, layers, state, lookups } = scene;
  const bridge = masterOf(state, hop.interface);
  const strayed = bridge === undefined ? strayCauses(scene) : undefined;
  if (strayed) return strayed;
  if (bridge !== undefined && textIn(layers[0], "dst") !== linkMac(state, bridge)) {
    return bridgeLoss({ hop, layers, state, enter: scene.enter, bridge });
  }
  const [at] = ipLayers(layers);
  const packet = at === undefined ? undefined : rulePacket(layers, at, state);
  if (at === undefined || !packet) return [];
  const iif = bridge ?? hop.interface;
  packet.in = iif;
  const early = passHook(state, "PREROUTING", packet, scene.enter);
  if (early.verdict === "drops") return decisionCauses(early);
  // Its destination is then another one, which was not seen.
  if (early.verdict === "unknown" || early.translation || early.isTranslationUnknown) return [];
  packet.mark = early.mark;
  packet.isDnat ??= false;
  if (isLocal(state, packet.destination)) {
    if (translates(state, scene.enter) && !packet.states.includes("NEW")) return [];
    return first(
      () => sourceCauses(scene, packet, iif),
      () => decisionCauses(passHook(state, "INPUT", packet, scene.enter)),
      () => takenByNobody(scene, packet, at),
    );
  }
  const forwarding = forwardingCauses(scene, iif);
  if (forwarding.length > 0) return forwarding;
  const lookup = onwardLookup(hop, layers, scene.kernel);
  const answer = lookup && lookups.get(lookupKey(lookup));
  return first(
    () => sourceCauses(scene, packet, iif),
    () => routeLoss(scene, packet.destination, answer),
    () => onwardLoss(scene, packet, at, answer),
  );
}

/** What is read into a decision: rules and policies that dropped it. */
function decisionCauses({ verdict, decision }: Passage): Cause[] {
  return verdict === "drops" && decision ? [decision] : [];
}

/** The first question that has an answer. */
function first(...questions: (() => Cause[])[]): Cause[] {
  for (const question of questions) {
    const causes = question();
    if (causes.length > 0) return causes;
  }
  return [];
}

/** A frame for another MAC is dropped without a word; who sent it so has a neighbour entry that says that MAC. */
function strayCauses({ hop, layers, layersOf, state, file, journey, kernel }: Scene): Cause[] | undefined {
  const mac = textIn(layers[0], "dst");
  const own = linkMac(state, hop.interface);
  if (layers[0]?.protocol !== "eth" || !own || mac === own || isGroup(mac)) return undefined;
  let from: Hop = hop;
  while (from.parent !== undefined) {
    const before = journey.hops[from.parent];
    if (!before || !layersOf(before).some((layer) => layer.protocol === "eth" && textIn(layer, "dst") === mac)) break;
    from = before;
  }
  const sender = kernel.namespaces[from.netns];
  const entry = sender?.neighbours.find((line) => wordAfter(line, "lladdr") === mac);
  const causes: Cause[] = [];
  if (entry) {
    const dev = wordAfter(entry, "dev") ?? "";
    causes.push({ kind: "neighbour", text: entry, command: `ip -n ${netnsFile(from.netns)} neigh show dev ${dev}` });
  }
  const text = `${hop.interface} is ${own}; the frame is for ${mac}`;
  return [...causes, { kind: "nobody", text, command: `ip -n ${file} link show dev ${hop.interface}` }];
}

function forwardingCauses({ state, enter }: Scene, iif: string): Cause[] {
  for (const name of ["net.ipv4.ip_forward", `net.ipv4.conf.${iif.replaceAll(".", "/")}.forwarding`]) {
    const line = sysctlLine(state, name);
    if (line?.endsWith(" = 0")) return [{ kind: "forwarding", text: line, command: `${enter} sysctl ${name}` }];
  }
  return [];
}

/**
 * Reverse path filtering, RFC 3704. The kernel takes the larger of the settings for all and for the interface (1: strict,
 * 2: loose), and counts what it drops.
 */
function sourceCauses({ hop, layers, state, enter, lookups }: Scene, packet: RulePacket, iif: string): Cause[] {
  const settings = ["all", iif.replaceAll(".", "/")].flatMap(
    (name) => sysctlLine(state, `net.ipv4.conf.${name}.rp_filter`) ?? [],
  );
  const setting = settings.toSorted((one, other) => modeOf(other) - modeOf(one))[0];
  const mode = setting === undefined ? 0 : modeOf(setting);
  if (setting === undefined || mode === 0 || isLocal(state, packet.source)) return [];
  const counter = state.counters?.find((line) => line.startsWith("TcpExtIPReversePathFilter"));
  if (counter && /\s0\s/.test(counter)) return [];
  const lookup = backLookup(hop, layers);
  const answer = lookup && lookups.get(lookupKey(lookup));
  if (lookup === undefined || answer === undefined) return [];
  const devices = [...answer.matchAll(/\bdev (\S+)/g)].map(([, dev]) => dev);
  const isRefused = mode === 1 ? !devices.includes(iif) : devices.length === 0;
  if (!isRefused || (devices.length === 0 && mainRoute(state, packet.source))) return [];
  const name = setting.split(" ")[0] ?? "";
  const back = answer === "" ? `no route to ${packet.source}` : answer.replaceAll("\n", " ");
  const causes: Cause[] = [
    { kind: "rp-filter", text: setting, command: `${enter} sysctl ${name}` },
    { kind: "route", text: back, command: lookupKey(lookup) },
  ];
  if (counter) {
    const text = counter.replaceAll(/\s+/g, " ").split(" ").slice(0, 2).join(" ");
    causes.push({ kind: "rp-filter", text, command: `${enter} nstat -asz TcpExtIPReversePathFilter` });
  }
  return causes;
}

function modeOf(sysctl: string): number {
  const value = Number(sysctl.split(" = ")[1]);
  return Number.isNaN(value) ? 0 : value;
}

/** It is for this namespace, and no device or socket takes it. */
function takenByNobody({ layers, state, file }: Scene, packet: RulePacket, at: number): Cause[] {
  if (packet.protocol === 4) {
    const devices = state.links.filter((line) => detailIn(line, "ipip") && isUp(line));
    const command = `ip -n ${file} -d link show type ipip`;
    if (devices.length === 0) return [{ kind: "socket", text: "no IP-in-IP device is up here", command }];
    const fitting = devices.some((line) => ipipTakes(detailIn(line, "ipip") ?? "", packet));
    if (fitting) return [];
    return devices.map((line) => ({
      kind: "socket",
      text: `${linkName(line)}: ${detailIn(line, "ipip")}`,
      command,
    }));
  }
  const vxlan = layers[at + 2];
  if (vxlan?.protocol !== "vxlan") return [];
  const command = `ip -n ${file} -d link show type vxlan`;
  const devices = state.links.flatMap((line) => {
    const detail = detailIn(line, "vxlan");
    return detail && isUp(line) ? [{ name: linkName(line), detail }] : [];
  });
  if (devices.length === 0) return [{ kind: "socket", text: "no VXLAN device is up here", command }];
  const port = String(packet.destinationPort);
  const listening = devices.filter(({ detail }) => wordAfter(detail, "dstport") === port);
  const vni = textIn(vxlan, "vni");
  if (listening.some(({ detail }) => wordAfter(detail, "id") === vni)) return [];
  const wrong = listening.length > 0 ? listening : devices;
  const asked = listening.length > 0 ? `VNI ${vni}` : `UDP port ${port}`;
  return wrong.map(({ name, detail }) => ({
    kind: "socket",
    text: `not ${asked}: ${name}: ${detail}`,
    command,
  }));
}

function ipipTakes(detail: string, packet: RulePacket): boolean {
  const fits = (name: string, address: string) => ["any", address].includes(wordAfter(detail, name) ?? "any");
  return fits("remote", packet.source) && fits("local", packet.destination);
}

function isUp(link: string): boolean {
  return /^\d+: [^<]*<[^>]*\bUP\b/.test(link);
}

/** The route that drops it; else that there is none. */
function routeLoss({ state, file }: Scene, destination: string, answer: string | undefined): Cause[] {
  const command = `ip -n ${file} route show match ${destination}`;
  const route = mainRoute(state, destination);
  if (route?.type) return [{ kind: "route", text: route.line, command }];
  if (answer === "" && !route) return [{ kind: "route", text: `no route to ${destination}`, command }];
  return [];
}

/** It has a route: its TTL, the MTU there, the rules on the way, and whether anybody answers for the next hop. */
function onwardLoss(scene: Scene, packet: RulePacket, at: number, answer: string | undefined): Cause[] {
  const { hop, layers, state, file, journey } = scene;
  const next = nextStop(answer ?? "", packet.destination);
  if (!answer || !next) return [];
  const lookup = onwardLookup(hop, layers, scene.kernel);
  const route: Cause = { kind: "route", text: next.line, command: lookup ? lookupKey(lookup) : "" };
  packet.out = next.dev;
  return first(
    () => {
      const text = linkText(state, next.dev, "state");
      const isDown = / state (DOWN|LOWERLAYERDOWN)$/.test(text ?? "");
      return text && isDown ? [{ kind: "down", text, command: `ip -n ${file} link show dev ${next.dev}` }, route] : [];
    },
    () => {
      const ttl = field(layers[at]!, "ttl")?.number ?? Number.POSITIVE_INFINITY;
      if (ttl > 1) return [];
      const text = `ttl ${ttl} when it came in, and a router takes one off`;
      return [{ kind: "ttl", text, command: `${scene.enter} nstat -asz IcmpOutTimeExcds` }, route];
    },
    () => {
      // What the card cuts into segments only looks too long.
      const isSegmented = packet.protocol === 6 && !journey.error;
      const isSet = ((field(layers[at]!, "flags")?.number ?? 0) & 2) !== 0;
      const ofRoute = Number(wordAfter(next.line, "mtu") ?? Number.POSITIVE_INFINITY);
      const mtu = Math.min(linkMtu(state, next.dev) ?? Number.POSITIVE_INFINITY, ofRoute);
      if (!isSet || isSegmented || packet.length <= mtu) return [];
      const text = `${packet.length} bytes with DF, and ${linkText(state, next.dev, "mtu")}`;
      const command = `ip -n ${file} link show dev ${next.dev}`;
      return [
        { kind: "mtu", text: ofRoute === mtu ? `${packet.length} bytes with DF, and mtu ${mtu}` : text, command },
        route,
      ];
    },
    () => hookCauses(scene, "FORWARD", packet),
    () => neighbourLoss(scene, next, route),
  );
}

function hookCauses({ state, enter }: Scene, hook: Hook, packet: RulePacket): Cause[] {
  return decisionCauses(passHook(state, hook, packet, enter));
}

function neighbourLoss(
  { state, file, kernel }: Scene,
  next: { dev: string; address: string },
  route: Cause | undefined,
): Cause[] {
  const neighbour = silentNeighbourLine(state, next.address, next.dev);
  if (!neighbour) return [];
  const command = `ip -n ${file} neigh show dev ${next.dev}`;
  const causes: Cause[] = [...(route ? [route] : []), { kind: "neighbour", text: neighbour, command }];
  const owner = ownerOf(kernel, next.address);
  if (!owner) causes.push({ kind: "nobody", text: `nobody in the lab has ${next.address}`, command });
  return causes;
}

// ---- it went out

function wayOutCauses(scene: Scene): Cause[] {
  const { hop, layers, state } = scene;
  const vxlan = linkDetail(state, hop.interface, "vxlan");
  if (vxlan) return vxlanLoss(scene, vxlan);
  if (linkDetail(state, hop.interface, "ipip")) return ipipLoss(scene);
  if (linkDetail(state, hop.interface, "bridge")) {
    return bridgeLoss({ hop, layers, state, enter: scene.enter, bridge: hop.interface });
  }
  return wireLoss(scene);
}

function vxlanLoss(scene: Scene, detail: string): Cause[] {
  const { hop, layers, state, file } = scene;
  const dev = hop.interface;
  const mac = textIn(layers[0], "dst");
  const command = `bridge -n ${file} fdb show dev ${dev}`;
  const entries = (wanted: string) =>
    state.fdb.filter((line) => line.startsWith(`${wanted} dev ${dev} `) && wordAfter(line, "dst") !== undefined);
  const own = entries(mac);
  const found = own.length > 0 ? own : entries("00:00:00:00:00:00");
  if (found.length === 0 && !/ (remote|group) /.test(detail)) {
    return [{ kind: "fdb", text: `no FDB entry for ${mac} on ${dev}`, command }];
  }
  const [entry] = found;
  const remote = entry && wordAfter(entry, "dst");
  if (found.length !== 1 || !entry || !remote) return [];
  const packet = outerPacket(scene, wordAfter(detail, "local") ?? "", remote, 17);
  const port = Number(wordAfter(detail, "dstport"));
  const causes = carrierLoss(scene, { ...packet, destinationPort: port }, remote);
  return causes.length === 0 ? [] : [{ kind: "fdb", text: entry.trim(), command }, ...causes];
}

function ipipLoss(scene: Scene): Cause[] {
  const { hop, layers, state } = scene;
  const [at] = ipLayers(layers);
  const route = at === undefined ? undefined : mainRoute(state, textIn(layers[at], "dst"));
  const remote = route && wordAfter(route.line, "via");
  if (!remote || wordAfter(route.line, "dev") !== hop.interface) return [];
  const way = mainRoute(state, remote);
  const local = (way && wordAfter(way.line, "src")) ?? "";
  return carrierLoss(scene, outerPacket(scene, local, remote, 4), remote);
}

/** What a tunnel sends, before it is known by which way. */
function outerPacket({ layers, state }: Scene, source: string, destination: string, protocol: number): RulePacket {
  const [at = 0] = ipLayers(layers);
  const inner = (layers[at] && field(layers[at], "totalLength")?.number) ?? 0;
  return {
    source,
    destination,
    protocol,
    length: inner + (protocol === 4 ? 20 : 50),
    states: ["NEW", "ESTABLISHED"],
    mark: 0,
    isLocal: (address) => addressLine(state, address) !== undefined,
    isInSet: () => undefined,
  };
}

/** The outer packet of a tunnel did not leave the namespace. */
function carrierLoss(scene: Scene, packet: RulePacket, remote: string): Cause[] {
  const { state, file } = scene;
  const lookup = `ip -n ${file} route get fibmatch ${remote}`;
  const route = mainRoute(state, remote);
  if (!route || route.type) {
    const text = route?.line ?? `no route to ${remote}`;
    return [{ kind: "route", text, command: `ip -n ${file} route show match ${remote}` }];
  }
  const dev = wordAfter(route.line, "dev");
  if (!dev) return [];
  packet.out = dev;
  const cause: Cause = { kind: "route", text: route.line, command: lookup };
  return first(
    () => hookCauses(scene, "OUTPUT", packet),
    () => neighbourLoss(scene, { dev, address: wordAfter(route.line, "via") ?? remote }, cause),
  );
}

/** It was put on a wire, and not seen at the other end. */
function wireLoss({ hop, layers, state, kernel }: Scene): Cause[] {
  const peer = linkPeer(kernel, hop.netns, state, hop.interface);
  if (!peer) return [];
  const command = `ip -n ${netnsFile(peer.netns)} link show dev ${peer.dev}`;
  if (!isUp(peer.line)) {
    return [{ kind: "down", text: linkText(peer.state, peer.dev, "state") ?? peer.line, command }];
  }
  const [at] = ipLayers(layers);
  const length = (at === undefined ? undefined : field(layers[at]!, "totalLength")?.number) ?? 0;
  const mtu = linkMtu(peer.state, peer.dev);
  // A veth takes what its own end's MTU lets through and the other end's does not, room for a VLAN tag aside.
  if (mtu === undefined || length <= mtu + 4 || layers[at! + 1]?.protocol === "tcp") return [];
  return [
    { kind: "mtu", text: `${length} bytes, and ${linkText(peer.state, peer.dev, "mtu")} at the other end`, command },
  ];
}

// ---- a question that nobody answered

function unansweredCauses({ hop, layers, state, file, enter, kernel, lookups, journey }: Scene): Cause[] {
  const arp = layers.at(-1);
  if (!arp || field(arp, "operation")?.number !== 1 || journey.reply !== undefined) return [];
  const asked = textIn(arp, "targetIp");
  const owner = ownerOf(kernel, asked);
  if (owner) {
    if (owner.netns === hop.netns) return [];
    const text = `${asked} is on ${owner.netns}/${owner.dev}, where this question does not come`;
    return [{ kind: "nobody", text, command: `ip -n ${netnsFile(owner.netns)} addr show dev ${owner.dev}` }];
  }
  const dev = hop.interface;
  const nobody: Cause = {
    kind: "nobody",
    text: `nobody in the lab has ${asked}`,
    command: `ip -n ${file} neigh show dev ${dev}`,
  };
  if (hop.direction !== "in" || !state.sysctls) return [nobody];
  if (!proxyArpLine(state, dev)) {
    const name = `net.ipv4.conf.${dev.replaceAll(".", "/")}.proxy_arp`;
    const line = sysctlLine(state, name);
    return [nobody, ...(line ? [{ kind: "sysctl", text: line, command: `${enter} sysctl ${name}` } as const] : [])];
  }
  // The kernel answers for what it has a route to by another interface.
  const key = lookupKey({ netns: hop.netns, destination: asked, source: textIn(arp, "senderIp"), iif: dev });
  const answer = lookups.get(key);
  const route = mainRoute(state, asked);
  const isElsewhere = route && !route.type && wordAfter(route.line, "dev") !== dev;
  if (isElsewhere || (answer !== undefined && answer !== "" && wordAfter(answer, "dev") !== dev)) return [nobody];
  const text = route ? route.line : `no route to ${asked} by another interface than ${dev}`;
  return [nobody, { kind: "route", text, command: `ip -n ${file} route show match ${asked}` }];
}

/** Broadcast or multicast: the lowest bit of the first byte. */
function isGroup(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}
