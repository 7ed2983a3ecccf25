/** An empty namespace to build on, and what every namespace of a lab has. */

import type { Namespace, NamespaceKind, Sysctl, VethInterface } from "../../preload/contract/topology.ts";

/** IPv6 needs at least this MTU (RFC 8200, section 5); the kernel has no IPv6 settings for a device below it. */
const IPV6_MIN_MTU = 1280;

export function emptyNamespace(kind: NamespaceKind, name: string, label: string, why: string): Namespace {
  return {
    name,
    kind,
    label,
    why,
    interfaces: [],
    routes: [],
    neighbours: [],
    fdb: [],
    sysctls: [
      {
        key: "net/ipv6/conf/all/disable_ipv6",
        value: "1",
        why: "This lab is about IPv4. Without this every interface that comes up would send IPv6 router solicitations and multicast reports into the captures.",
      },
      {
        key: "net/ipv6/conf/default/disable_ipv6",
        value: "1",
        why: "The same for interfaces that are created later.",
      },
      {
        key: "net/ipv4/igmp_link_local_mcast_reports",
        value: "0",
        why: "A bridge that comes up joins 224.0.0.106 (all snoopers) and reports it by IGMP a few times. That would be in the captures too.",
      },
    ],
    ipSets: [],
    rules: [],
    nftables: [],
    files: [],
    daemons: [],
  };
}

/** Forwarding and reverse path filter, which a new namespace inherits from the host's settings unless they are set. */
export function routingSysctls(forward: boolean, why: string, interfaces: string[]): Sysctl[] {
  return [
    { key: "net/ipv4/ip_forward", value: forward ? "1" : "0", why },
    {
      key: "net/ipv4/conf/all/rp_filter",
      value: "0",
      why: "No reverse path filter: a packet may come in by another interface than the one its answer leaves by. The kernel takes the larger of this value and the interface's own.",
    },
    { key: "net/ipv4/conf/default/rp_filter", value: "0", why: "The same for interfaces that are created later." },
    ...interfaces.map((name) => ({
      key: `net/ipv4/conf/${name}/rp_filter`,
      value: "0",
      why: `The same for ${name}, which exists already.`,
    })),
  ];
}

/** What both the CNI bridge plugin and flanneld write for the device that they create. */
export function acceptRaSysctls(device: { name: string; mtu: number }): Sysctl[] {
  if (device.mtu < IPV6_MIN_MTU) return [];
  return [
    {
      key: `net/ipv6/conf/${device.name}/accept_ra`,
      value: "0",
      why: `A pod must not be able to reroute the node with a forged IPv6 router advertisement on ${device.name}.`,
    },
  ];
}

/** A veth pair is two interfaces that name each other. */
export function joinVeths(a: { netns: Namespace; end: Veth }, b: { netns: Namespace; end: Veth }): void {
  a.netns.interfaces.push({ kind: "veth", ...a.end, peer: { netns: b.netns.name, interface: b.end.name } });
  b.netns.interfaces.push({ kind: "veth", ...b.end, peer: { netns: a.netns.name, interface: a.end.name } });
}

export type Veth = Omit<VethInterface, "kind" | "peer">;
