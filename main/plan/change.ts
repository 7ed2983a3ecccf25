/**
 * The commands that turn one topology into another: only what differs, and nothing before it can work. First everything
 * goes that has to, then the rest comes as in a new lab. What a person removed by hand is no obstacle to its removal, and
 * what is there already is replaced. Pure and deterministic.
 *
 * The order for a node that joins is that of flanneld: on the others its neighbour entry, its FDB entry, and then the
 * route, so that no packet is sent to where the way is not complete.
 */

import { type Interface, type Namespace, netnsFile, type Topology } from "../../preload/contract/topology.ts";
import { planAddresses } from "./address.ts";
import type { Batch, Plan, Step } from "./batch.ts";
import { planPort } from "./bridge.ts";
import { planReloads, planStarts, planStops, planWaits, waitUntil, withFiles } from "./daemon.ts";
import {
  changedSysctls,
  type Difference,
  findDifference,
  isSame,
  lostAddresses,
  type StayedNamespace,
} from "./difference.ts";
import { fdbKey, planFdbEntry, planNoFdbEntry } from "./fdb.ts";
import { FILES_FOLDER, planFiles, planNoFile } from "./file.ts";
import { isKernelMade, planIpip } from "./ipip.ts";
import { planIpSet, planIpSetMembers } from "./ipset.ts";
import { planWholeRuleTable } from "./iptables.ts";
import { neighbourKey, planNeighbour, planNoNeighbour } from "./neighbour.ts";
import { planNetns } from "./netns.ts";
import { nftKey, planNftTable, planNoNftTable } from "./nft.ts";
import { planDevices, planNamespace } from "./plan.ts";
import { quote } from "./quote.ts";
import { planNoRoute, planRoute, routeKey } from "./route.ts";
import { planGiveBackSysctl, planKeepSysctl, planSysctl, sysctlDevice } from "./sysctl.ts";
import { planVeths } from "./veth.ts";
import { planPortVlans } from "./vlan.ts";

/**
 * `leftovers`: some of what is to come may be there already, in part or whole, because a change from `after` to `before` or
 * back was broken off; it is removed first. `wait`: until daemons are ready, which those of a broken lab may never be.
 */
export function planChange(before: Topology, after: Topology, { leftovers = false, wait = true } = {}): Plan {
  const difference = findDifference(before, after);
  const { left, joined, stayed } = difference;
  const changed = stayed.filter(({ before: then, after: now, made }) => made.size > 0 || !isSame(then, now));
  const daemons = compareDaemons(difference);
  const batches: Batch[] = [
    ...planStops([...daemons.stop, ...(leftovers ? daemons.start : [])]),
    ...changed.flatMap(planRemovals),
    ...left.flatMap(planLeave),
    ...(leftovers ? [...joined.flatMap(planLeave), ...changed.flatMap(planNoLeftovers)] : []),
    { why: "Make the new namespaces.", tool: "ip", steps: joined.map(planNetns) },
    { why: "Lay the new cables.", tool: "ip", steps: planNewVeths(after, difference) },
    ...joined.flatMap(planNamespace),
    ...changed.flatMap(planAdditions),
    {
      why: "Write the files that the programs of a node would find.",
      tool: "sh",
      steps: planFiles([...joined, ...changed.map(newFiles)]),
    },
    ...planStarts(daemons.start),
    ...planReloads(daemons.reload),
    ...(wait ? planWaits(daemons.wait) : []),
    ...changed.flatMap(planClearUp),
  ];
  return { lab: after.lab, batches: batches.filter((batch) => batch.steps.length > 0) };
}

/** A step that belongs to a change without being in a topology: it is run last. */
export interface ExtraStep {
  netns: string;
  command: string;
  why: string;
  /** It is tried again until it succeeds. */
  wait?: boolean;
}

export function planExtraSteps(steps: readonly ExtraStep[]): Batch[] {
  return steps.map(({ netns, command, why, wait = false }) => {
    const give = `{ echo ${quote(`it did not come about in time: ${why}`)} >&2; exit 1; }`;
    const inside = withFiles(netnsFile(netns), command);
    const words = wait ? waitUntil(`${inside} >/dev/null 2>&1`, give) : inside;
    return { why, netns: netnsFile(netns), tool: "sh", steps: [{ command: words, why }] };
  });
}

/** Those of one list whose key the other does not have. */
function without<T>(items: readonly T[], others: readonly T[], keyOf: (item: T) => string): T[] {
  const keys = new Set(others.map(keyOf));
  return items.filter((item) => !keys.has(keyOf(item)));
}

/** Those of one list that the other does not have as they are. */
function otherThan<T>(items: readonly T[], others: readonly T[]): T[] {
  return items.filter((item) => !others.some((other) => isSame(item, other)));
}

/** What has to go from a namespace that stays. */
function planRemovals(stayed: StayedNamespace): Batch[] {
  const { before, after, gone } = stayed;
  const inside = { netns: netnsFile(after.name), tolerant: true };
  const isGone = (name: string | undefined) => gone.some((item) => item.name === name);
  const routes = without(before.routes, after.routes, routeKey).filter(({ dev }) => !isGone(dev));
  const neighbours = without(before.neighbours, after.neighbours, neighbourKey).filter(({ dev }) => !isGone(dev));
  const fdb = without(before.fdb, after.fdb, fdbKey).filter(({ dev }) => !isGone(dev));
  const kept = after.interfaces.filter(({ name }) => !isGone(name));
  return [
    {
      ...inside,
      why: `Take what is not to be any more out of the routes and interfaces of ${after.name}.`,
      tool: "ip",
      steps: [
        ...routes.map(planNoRoute),
        ...neighbours.map(planNoNeighbour),
        ...kept.flatMap((item) => lostAddresses(before, item).map((address) => planNoAddress(item, address))),
        ...gone.flatMap(planNoInterface),
      ],
    },
    {
      ...inside,
      why: `Take out of the bridges and tunnels of ${after.name} what is behind them no more.`,
      tool: "bridge",
      steps: [...fdb.map(planNoFdbEntry), ...kept.flatMap((item) => planNoVlans(before, item))],
    },
    {
      ...inside,
      why: `Take what is asked for no more out of the nftables rules of ${after.name}.`,
      tool: "sh",
      steps: without(before.nftables, after.nftables, nftKey).map(planNoNftTable),
    },
  ];
}

function planNoAddress({ name }: Interface, address: string): Step {
  return { command: `address delete ${address} dev ${name}`, why: `${name} has another address or none.` };
}

/** The other end of a cable goes with it. What the kernel has made stays, without its addresses and switched off. */
function planNoInterface(item: Interface): Step[] {
  if (!isKernelMade(item)) return [{ command: `link delete dev ${item.name}`, why: `${item.name} has to go.` }];
  return [
    { command: `address flush dev ${item.name}`, why: `${item.name} has no address any more.` },
    { command: `link set dev ${item.name} down`, why: `Switch ${item.name} off.` },
  ];
}

function planNoVlans(before: Namespace, after: Interface): Step[] {
  const then = before.interfaces.find(({ name }) => name === after.name);
  const lost = (then?.vlans ?? []).filter(({ vid }) => !(after.vlans ?? []).some((vlan) => vlan.vid === vid));
  return lost.map(({ vid }) => ({
    command: `vlan delete dev ${after.name} vid ${vid}${after.kind === "bridge" ? " self" : ""}`,
    why: `${after.name} does not belong to VLAN ${vid} any more.`,
  }));
}

/** The namespace goes with all that is in it; its cables first, so that no end is left behind with whoever is still in it. */
function planLeave(netns: Namespace): Batch[] {
  const file = netnsFile(netns.name);
  const cables = netns.interfaces.filter(({ kind }) => kind === "veth");
  return [
    {
      why: `Unplug ${netns.name}.`,
      netns: file,
      tool: "ip",
      tolerant: true,
      steps: cables.flatMap(planNoInterface),
    },
    {
      why: `Remove ${netns.name}.`,
      tool: "sh",
      tolerant: true,
      steps: [
        { command: `ip netns delete ${file}`, why: `${netns.label} is gone.` },
        { command: `rm -rf ${FILES_FOLDER}/${file} /run/hoplab/sysctls/${file}`, why: "And what was kept for it." },
      ],
    },
  ];
}

/** What a broken-off change may have made already of what this one is about to make. */
function planNoLeftovers({ after, made }: StayedNamespace): Batch[] {
  const items = after.interfaces.filter((item) => made.has(item.name));
  return [
    {
      why: `Remove what is left of a change in ${after.name}.`,
      netns: netnsFile(after.name),
      tool: "ip",
      tolerant: true,
      steps: items.flatMap(planNoInterface),
    },
  ];
}

/** The cables of which both ends are to be laid. */
function planNewVeths(after: Topology, { joined, stayed }: Difference): Step[] {
  const made = new Map(stayed.map((one) => [one.after.name, one.made]));
  const names = new Set(joined.map(({ name }) => name));
  const namespaces = after.namespaces.map((netns) => ({
    ...netns,
    interfaces: netns.interfaces.filter(({ name }) => names.has(netns.name) || made.get(netns.name)?.has(name)),
  }));
  return planVeths({ ...after, namespaces });
}

/** What comes into a namespace that stays. */
function planAdditions(stayed: StayedNamespace): Batch[] {
  const { before, after, made, shaken } = stayed;
  const inside = { netns: netnsFile(after.name) };
  const isNew = (item: Interface) => made.has(item.name);
  const neighbours = after.neighbours.filter((item) => shaken.has(item.dev) || otherThan([item], before.neighbours)[0]);
  const fdb = after.fdb.filter((item) => made.has(item.dev) || otherThan([item], before.fdb)[0]);
  const lost = new Set(after.interfaces.flatMap((item) => lostAddresses(before, item).map(withoutLength)));
  const routes = after.routes.filter(
    (route) =>
      otherThan([route], before.routes)[0] ||
      (route.dev === undefined ? route.via !== undefined && shaken.size > 0 : shaken.has(route.dev)) ||
      (route.src !== undefined && lost.has(route.src)),
  );
  const tables = otherThan(after.rules, before.rules);
  const noTables = before.rules.filter(({ table }) => !after.rules.some((other) => other.table === table));
  return [
    {
      ...inside,
      why: `See to the devices that the kernel makes in ${after.name}.`,
      tool: "sh",
      steps: after.interfaces.filter(isNew).filter(isKernelMade).map(planIpip),
    },
    {
      ...inside,
      why: `Set up what is new or other among the interfaces of ${after.name}.`,
      tool: "ip",
      steps: [
        ...planDevices(after.interfaces.filter(isNew)),
        ...after.interfaces.filter((item) => !isNew(item)).flatMap((item) => planOther(stayed, item)),
      ],
    },
    {
      ...inside,
      why: `Say which VLANs the ports of ${after.name} belong to.`,
      tool: "bridge",
      steps: after.interfaces.filter((item) => isRepublished(stayed, item)).flatMap(planPortVlans),
    },
    { ...inside, why: `Tell ${after.name} its new neighbours.`, tool: "ip", steps: neighbours.map(planNeighbour) },
    {
      ...inside,
      why: `Tell the tunnels and bridges of ${after.name} where MAC addresses are.`,
      tool: "bridge",
      steps: fdb.map(planFdbEntry),
    },
    {
      ...inside,
      why: `Tell ${after.name} its new routes.`,
      tool: "ip",
      steps: routes.map((route) => planRoute(route, "replace")),
    },
    {
      ...inside,
      why: `Bring the sets of addresses up to date that the rules of ${after.name} match.`,
      tool: "ipset",
      replace: true,
      steps: after.ipSets.flatMap((set) => {
        const old = before.ipSets.find(({ name }) => name === set.name);
        return old ? planIpSetMembers(old, set) : planIpSet(set);
      }),
    },
    {
      ...inside,
      why: `Replace the iptables rules of ${after.name}, each table at once.`,
      tool: "iptables-restore",
      replace: true,
      steps: [
        ...tables.flatMap(planWholeRuleTable),
        ...noTables.flatMap((table) => planWholeRuleTable({ ...table, policies: {}, chains: [], rules: [] })),
      ],
    },
    {
      ...inside,
      why: `Remove the empty tables of ${after.name}.`,
      tool: "sh",
      tolerant: true,
      // Only the newer iptables has tables that can be removed.
      steps: noTables.map(({ table }) => ({
        command: `nft delete table ip ${table}`,
        why: `Nothing is left in the table ${table}.`,
      })),
    },
    {
      ...inside,
      why: `Load the nftables rules of ${after.name}.`,
      tool: "nft",
      steps: otherThan(after.nftables, before.nftables).flatMap((table) => [
        ...replacedNftTable(before, table),
        ...planNftTable(table),
      ]),
    },
    { ...inside, why: `Set the kernel of ${after.name}.`, tool: "sh", steps: planSysctls(stayed) },
  ];
}

function withoutLength(address: string): string {
  return address.slice(0, address.indexOf("/"));
}

/** In one transaction with what follows. */
function replacedNftTable(before: Namespace, { family, name }: Namespace["nftables"][number]): Step[] {
  const isThere = before.nftables.some((old) => old.family === family && old.name === name);
  if (!isThere) return [];
  const why = "It is replaced as a whole.";
  return [`add table ${family} ${name}`, `delete table ${family} ${name}`].map((command) => ({ command, why }));
}

/** What can be changed of an interface while it is there. */
function planOther({ before, made }: StayedNamespace, item: Interface): Step[] {
  const old = before.interfaces.find(({ name }) => name === item.name);
  if (!old) return [];
  const words: string[] = [];
  if ("mac" in item && "mac" in old && item.mac !== old.mac) words.push("address", item.mac);
  if (item.mtu !== old.mtu) words.push("mtu", String(item.mtu));
  const isPlugged = item.master !== undefined && (item.master !== old.master || made.has(item.master));
  if (isPlugged) words.push("master", item.master ?? "");
  if (item.master === undefined && old.master !== undefined) words.push("nomaster");
  const hairpin = (item.hairpin ?? false) !== (old.hairpin ?? false) || isPlugged;
  const isOtherAddress = !isSame(item.addresses, old.addresses);
  return [
    ...(words.length > 0 ? [{ command: `link set dev ${item.name} ${words.join(" ")}`, why: item.why }] : []),
    ...(hairpin && item.master ? planHairpin(item) : []),
    ...(isOtherAddress ? planAddresses(item, "replace") : []),
  ];
}

function planHairpin(item: Interface): Step[] {
  if (item.hairpin) return planPort(item);
  return [
    {
      command: `link set dev ${item.name} type bridge_slave hairpin off`,
      why: `No frame may leave ${item.name} by the port it came in by.`,
    },
  ];
}

/** Whether the VLANs of an interface have to be said: it is new, other, or plugged into something that is. */
function isRepublished({ before, made }: StayedNamespace, item: Interface): boolean {
  const old = before.interfaces.find(({ name }) => name === item.name);
  const isPlugged = item.master !== undefined && (item.master !== old?.master || made.has(item.master));
  return made.has(item.name) || isPlugged || !isSame(item.vlans, old?.vlans);
}

/** Settings that nobody asked for before keep the kernel's own value, which they get back afterwards. */
function planSysctls(stayed: StayedNamespace): Step[] {
  const { before, after, gone, made } = stayed;
  const file = netnsFile(after.name);
  const hasKey = (sysctls: Namespace["sysctls"], wanted: string) => sysctls.some(({ key }) => key === wanted);
  const dropped = before.sysctls.filter(
    ({ key }) => !hasKey(after.sysctls, key) && !gone.some(({ name }) => name === sysctlDevice(key)),
  );
  const changed = changedSysctls(stayed);
  const isKept = ({ key }: Namespace["sysctls"][number]) =>
    !hasKey(before.sysctls, key) && !made.has(sysctlDevice(key) ?? "");
  return [
    ...dropped.map((sysctl) => planGiveBackSysctl(file, sysctl)),
    ...changed.filter(isKept).map((sysctl) => planKeepSysctl(file, sysctl)),
    ...changed.map(planSysctl),
  ];
}

function newFiles({ before, after }: StayedNamespace): Namespace {
  return { ...after, files: otherThan(after.files, before.files) };
}

/** What can go only when nothing else needs it any more. */
function planClearUp({ before, after }: StayedNamespace): Batch[] {
  const files = without(before.files, after.files, ({ path }) => path);
  return [
    {
      why: `Remove the sets of addresses that no rule of ${after.name} matches any more.`,
      netns: netnsFile(after.name),
      tool: "sh",
      tolerant: true,
      steps: without(before.ipSets, after.ipSets, ({ name }) => name).map(({ name }) => ({
        command: `ipset destroy ${name}`,
        why: `Nothing asks for ${name} any more.`,
      })),
    },
    {
      why: `Remove the files that no program of ${after.name} is to find any more.`,
      tool: "sh",
      tolerant: true,
      steps: files.map((file) => planNoFile(after.name, file)),
    },
  ];
}

interface Placed {
  netns: string;
  daemon: Namespace["daemons"][number];
}

/** Which daemons end, start, read their files again, and are waited for. */
function compareDaemons({ left, joined, stayed }: Difference): Record<"stop" | "start" | "reload" | "wait", Placed[]> {
  const place = (netns: Namespace, daemons: Namespace["daemons"]) =>
    daemons.map((daemon) => ({ netns: netnsFile(netns.name), daemon }));
  const stop = left.flatMap((netns) => place(netns, netns.daemons));
  const start = joined.flatMap((netns) => place(netns, netns.daemons));
  const reload: Placed[] = [];
  const wait = [...start];
  for (const { before, after, made } of stayed) {
    const files = !isSame(before.files, after.files);
    const tunnel = after.interfaces.some(({ kind, name }) => kind === "tun" && made.has(name));
    stop.push(
      ...place(
        before,
        without(before.daemons, after.daemons, ({ name }) => name),
      ),
    );
    for (const daemon of after.daemons) {
      const old = before.daemons.find(({ name }) => name === daemon.name);
      const placed = { netns: netnsFile(after.name), daemon };
      const restart = !old || !isSame(old.argv, daemon.argv) || tunnel || (files && !daemon.reload);
      if (restart) start.push(placed);
      if (restart && old) stop.push({ ...placed, daemon: old });
      if (!restart && files) reload.push(placed);
      if (restart || files || !isSame(old?.ready, daemon.ready)) wait.push(placed);
    }
  }
  return { stop, start, reload, wait };
}
