/** IP-in-IP devices. */

import type { Interface, IpipInterface } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

/** The device that the module ipip makes in every namespace. */
export function isKernelMade(item: Interface): item is IpipInterface {
  return item.kind === "ipip" && item.local === undefined;
}

/**
 * A tunnel with a name of its own, from one address to whatever the route says. Like the kernel's own device, and like those
 * that programs make by netlink without a word about it, it takes no part in path MTU discovery; `ip` alone would switch that on.
 */
export function planNamedIpip({ name, mtu, local, why }: IpipInterface): Step {
  return { command: `link add name ${name} mtu ${mtu} type ipip local ${local} nopmtudisc`, why };
}

/**
 * Makes sure that the kernel's own device is there. The kernel's module ipip makes one called tunl0 in every namespace by itself: when
 * it is loaded, which `ip link add` may bring about, and when the namespace is made. With
 * net.core.fb_tunnels_only_for_init_net it does so nowhere but in the host's own.
 */
export function planIpip({ name, why }: IpipInterface): Step {
  const exists = `[ -e /proc/sys/net/ipv4/conf/${name} ]`;
  return {
    command: `${exists} || ip link add name ${name} type ipip 2>/dev/null || ip link show dev ${name} >/dev/null`,
    why,
  };
}
