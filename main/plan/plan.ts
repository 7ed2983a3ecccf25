/**
 * The exact commands that make a topology, in few processes: all namespaces and all cables at once, then one
 * process per tool and namespace. Pure and deterministic.
 */

import {
  carrierOf,
  type Interface,
  type Namespace,
  netnsFile,
  type Topology,
} from "../../preload/contract/topology.ts";
import { planAddresses } from "./address.ts";
import type { Batch, Plan, Step } from "./batch.ts";
import { planBridge, planForwarding, planPort } from "./bridge.ts";
import { planDaemons } from "./daemon.ts";
import { planFdbEntry } from "./fdb.ts";
import { planFiles } from "./file.ts";
import { isKernelMade, planIpip, planNamedIpip } from "./ipip.ts";
import { planIpSet } from "./ipset.ts";
import { planRuleTable } from "./iptables.ts";
import { planNeighbour } from "./neighbour.ts";
import { planNetns } from "./netns.ts";
import { planNftTable } from "./nft.ts";
import { planRoute } from "./route.ts";
import { comesLate, planSysctl } from "./sysctl.ts";
import { planTun } from "./tun.ts";
import { planVeths } from "./veth.ts";
import { planPortVlans, planVlan } from "./vlan.ts";
import { planVxlan } from "./vxlan.ts";

export type { Batch, Plan, Step, Tool } from "./batch.ts";

export function planLab(topology: Topology): Plan {
  const batches: Batch[] = [
    { why: "Get a place of our own for what the lab needs.", tool: "sh", steps: SANDBOX },
    { why: "Make all namespaces.", tool: "ip", steps: topology.namespaces.map(planNetns) },
    { why: "Lay all cables.", tool: "ip", steps: planVeths(topology) },
    ...topology.namespaces.flatMap(planNamespace),
    { why: "Wait until frames can pass.", tool: "sh", steps: planForwarding(topology.namespaces) },
    {
      why: "Write the files that the programs of a node would find.",
      tool: "sh",
      steps: planFiles(topology.namespaces),
    },
    ...planDaemons(topology.namespaces),
  ];
  return { lab: topology.lab, batches: batches.filter((batch) => batch.steps.length > 0) };
}

const SANDBOX: Step[] = [
  { command: "mount --make-rprivate /", why: "What is mounted here must not show outside." },
  {
    command: "mount -t tmpfs -o mode=755 tmpfs /run",
    why: "A /run of our own: `ip netns` keeps its namespaces there and iptables its lock.",
  },
  { command: "mkdir -p /run/netns", why: "Where `ip -n NAME` looks for the namespace NAME." },
  { command: "ip link set dev lo up", why: "The sandbox's own loopback." },
];

/** Everything in a new namespace but its files and daemons. */
export function planNamespace(netns: Namespace): Batch[] {
  const early = netns.sysctls.filter((sysctl) => !comesLate(sysctl, netns));
  const late = netns.sysctls.filter((sysctl) => comesLate(sysctl, netns));
  const ipip = netns.interfaces.filter(isKernelMade);
  const inside = { netns: netnsFile(netns.name) };
  return [
    {
      ...inside,
      why: `Set the kernel of ${netns.name}.`,
      tool: "sh",
      steps: [...early.map(planSysctl), ...ipip.map(planIpip)],
    },
    {
      ...inside,
      why: `Set up the interfaces, addresses and routes of ${netns.name}.`,
      tool: "ip",
      steps: planLinks(netns),
    },
    {
      ...inside,
      why: `Say which VLANs the ports of ${netns.name} belong to.`,
      tool: "bridge",
      steps: netns.interfaces.flatMap(planPortVlans),
    },
    {
      ...inside,
      why: `Tell the tunnels and bridges of ${netns.name} where MAC addresses are.`,
      tool: "bridge",
      steps: netns.fdb.map(planFdbEntry),
    },
    {
      ...inside,
      why: `Make the sets of addresses that the rules of ${netns.name} match.`,
      tool: "ipset",
      steps: netns.ipSets.flatMap(planIpSet),
    },
    {
      ...inside,
      why: `Load the iptables rules of ${netns.name}.`,
      tool: "iptables-restore",
      steps: netns.rules.flatMap(planRuleTable),
    },
    {
      ...inside,
      why: `Load the nftables rules of ${netns.name}.`,
      tool: "nft",
      steps: netns.nftables.flatMap(planNftTable),
    },
    {
      ...inside,
      why: `Set what belongs to the new interfaces and rules of ${netns.name}.`,
      tool: "sh",
      steps: late.map(planSysctl),
    },
  ];
}

/** Routes last, because they need interfaces that are up. */
function planLinks(netns: Namespace): Step[] {
  return [
    { command: "link set dev lo up", why: "The loopback of a new namespace is down." },
    ...planDevices(netns.interfaces),
    ...netns.neighbours.map((neighbour) => planNeighbour(neighbour)),
    ...netns.routes.map((route) => planRoute(route)),
  ];
}

/** Makes the interfaces of a namespace, of which the veths are there, and switches them on. Bridges first, because ports need them. */
export function planDevices(items: readonly Interface[]): Step[] {
  const bridges = items.filter((item) => item.kind === "bridge");
  const others = items.filter((item) => item.kind !== "bridge" && item.kind !== "vlan");
  // Last, since their parents may be any of the others.
  const vlans = items.filter((item) => item.kind === "vlan");
  return [...bridges.map(planBridge), ...carriersFirst([...others, ...bridges, ...vlans]).flatMap(planInterface)];
}

/** The same in the same order, but that nothing comes before what carries it: a tunnel may go through a VLAN. */
function carriersFirst(items: readonly Interface[]): Interface[] {
  const placed = new Set<Interface>();
  const place = (item: Interface) => {
    const carrier = items.find(({ name }) => name === carrierOf(item));
    if (carrier && !placed.has(carrier)) place(carrier);
    placed.add(item);
  };
  for (const item of items) place(item);
  return [...placed];
}

function planInterface(item: Interface): Step[] {
  const master = item.master ? ` master ${item.master}` : "";
  // A device that the kernel made has the kernel's MTU; the others were given theirs when they were made.
  const mtu = isKernelMade(item) || item.kind === "tun" ? ` mtu ${item.mtu}` : "";
  const made = planDevice(item);
  const up = {
    command: `link set dev ${item.name}${master}${mtu} up`,
    why: item.kind === "veth" ? item.why : `Switch ${item.name} on.`,
  };
  return [...(made ? [made] : []), up, ...planPort(item), ...planAddresses(item)];
}

/** Makes the device; undefined for one that is there already. */
function planDevice(item: Interface): Step | undefined {
  switch (item.kind) {
    case "vxlan":
      return planVxlan(item);
    case "vlan":
      return planVlan(item);
    case "tun":
      return planTun(item);
    case "ipip":
      return isKernelMade(item) ? undefined : planNamedIpip(item);
    default:
      return undefined;
  }
}
