/** Kernel settings, written through /proc/sys. */

import type { Namespace, Sysctl } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";
import { quote } from "./quote.ts";

/**
 * Whether the setting belongs to an interface that the namespace makes itself, or to what its rules load. Veths are
 * there as soon as the namespaces are; bridges and tunnels come later.
 */
export function comesLate(sysctl: Sysctl, netns: Namespace): boolean {
  if (sysctl.key.startsWith("net/netfilter/")) return true;
  const device = sysctlDevice(sysctl.key);
  return netns.interfaces.some((item) => item.kind !== "veth" && item.name === device);
}

/** The interface that the setting belongs to; `all` and `default` are none. */
export function sysctlDevice(key: string): string | undefined {
  return /^net\/[^/]+\/(?:conf|neigh)\/(.+)\/[^/]+$/.exec(key)?.[1];
}

export function planSysctl(sysctl: Sysctl): Step {
  const file = `/proc/sys/${sysctl.key}`;
  const write = `echo ${quote(sysctl.value)} >${quote(file)}`;
  const proxied = /^net\/ipv4\/neigh\/(.+)\/proxy_delay$/.exec(sysctl.key)?.[1];
  if (proxied) {
    // In /proc older kernels show it to none but the machine's root, and in hundredths of a second; `ip` always has it, in ms.
    const set = `ip ntable change name arp_cache dev ${proxied} proxy_delay ${Number(sysctl.value) * 10}`;
    return { command: set, why: sysctl.why };
  }
  const feature = optionalFeature(sysctl);
  return { command: feature ? `[ ! -e ${quote(feature)} ] || ${write}` : write, why: sysctl.why };
}

/** A kernel without IPv6, or without br_netfilter, needs nobody to switch it off; one that tracks no connection counts none. */
function optionalFeature({ key, value }: Sysctl): string | undefined {
  if (key.startsWith("net/netfilter/")) return `/proc/sys/${key}`;
  if (key.startsWith("net/ipv6/")) return "/proc/sys/net/ipv6";
  if (key.startsWith("net/bridge/") && value === "0") return "/proc/sys/net/bridge";
  return undefined;
}

/** Where what the kernel had before somebody asked for another value is kept: a file per setting and namespace. */
const FOLDER = "/run/hoplab/sysctls";

/** Keeps the value that the setting has now, to be given back when nobody asks for another any more. */
export function planKeepSysctl(netns: string, { key }: Sysctl): Step {
  const [file, kept] = [quote(`/proc/sys/${key}`), quote(`${FOLDER}/${netns}/${key}`)];
  const folder = quote(`${FOLDER}/${netns}/${key.slice(0, key.lastIndexOf("/"))}`);
  return {
    command: `[ -e ${kept} ] || [ ! -e ${file} ] || { mkdir -p ${folder}; cat ${file} >${kept}; }`,
    why: `Remember what ${key} is now.`,
  };
}

export function planGiveBackSysctl(netns: string, { key }: Sysctl): Step {
  const [file, kept] = [quote(`/proc/sys/${key}`), quote(`${FOLDER}/${netns}/${key}`)];
  return {
    command: `[ ! -e ${kept} ] || { [ ! -e ${file} ] || cat ${kept} >${file}; rm ${kept}; }`,
    why: `Give ${key} the value back that it had before.`,
  };
}
