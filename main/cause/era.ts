/**
 * A capture outlives changes of its lab. Each packet is explained by what the kernel knew in its own time: between two
 * changes that is the state that was read last, since what was learned meanwhile is in it too.
 */

import { detailIn, type KernelState, type NamespaceState } from "./state.ts";

export interface Era {
  /** Milliseconds since 1970 by the clock of who captures. The first begins with the capture. */
  from: number;
  state: KernelState;
  /** What the kernel answered to route lookups, by `lookupKey`. */
  lookups: Map<string, string>;
}

/** Those that are kept; the oldest goes first. */
const MOST_ERAS = 16;

/**
 * The eras with a state that was just read. It begins an era of its own where the lab is configured otherwise than before: at
 * `changed`, or, where nobody knows when, right after it was read before. Oldest first.
 */
export function withState(eras: readonly Era[], state: KernelState, changed?: number): Era[] {
  const last = eras.at(-1);
  if (!last) return [{ from: 0, state, lookups: new Map() }];
  if (!configurationDiffers(last.state, state)) return [...eras.slice(0, -1), { ...last, state }];
  const next: Era = { from: changed ?? last.state.at, state, lookups: new Map() };
  return [...eras, next].slice(-MOST_ERAS);
}

/** The one that explains a packet of that time, in milliseconds as `Era.from`; undefined where no state was read. */
export function eraOf(eras: readonly Era[], at: number): Era | undefined {
  return eras.findLast(({ from }) => from <= at) ?? eras[0];
}

/**
 * Whether the kernel may now treat a packet otherwise than it did. What it learns and counts by itself is left out, and so
 * are namespaces that were not looked at before.
 */
export function configurationDiffers(before: KernelState, after: KernelState): boolean {
  return Object.entries(before.namespaces).some(([name, state]) => {
    const now = after.namespaces[name];
    return !now || JSON.stringify(configurationOf(state)) !== JSON.stringify(configurationOf(now));
  });
}

function configurationOf(state: NamespaceState) {
  return [
    state.links.map((line) => [
      /^\d+: [^:]+: <[^>]*> mtu \d+/.exec(line)?.[0],
      / master (\S+)/.exec(line)?.[1],
      ...(["vxlan", "ipip", "vlan"] as const).map((kind) => detailIn(line, kind)),
    ]),
    state.addresses.map((line) => line.split("\\")[0]),
    state.routes.filter((line) => !line.includes("cache")),
    [...state.neighbours, ...state.fdb].filter((line) => /\bpermanent$/i.test(line.trim())).sort(),
    state.rules?.map((line) => line.replace(/\[\d+:\d+\]/, "")),
    ...UNCHANGED.map((part) => state[part]),
  ];
}

/** What the kernel prints alike as long as nobody changes it. */
const UNCHANGED = ["sysctls", "nftables", "sets", "vlans"] as const satisfies readonly (keyof NamespaceState)[];
