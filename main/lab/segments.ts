/**
 * Which interfaces share a wire: all that links, bridges and tunnels join, VLAN by VLAN. Addresses must be unique among
 * them. Frames with a tag are on a wire of their own, which is named `h1/eth0@5`.
 */

import { parsePrefixed } from "../layout/address.ts";
import { parseLinkEnd } from "../layout/free-form.ts";
import { networkOf, nodeAddresses } from "../layout/underlay.ts";
import type { Path } from "./locate.ts";
import type { Lab } from "./schema.ts";

export interface Station {
  address: number;
  text: string;
  owner: string;
  path: Path;
}

/** The addresses of each wire, those of nodes first. */
export function stationsByWire(lab: Lab): Station[][] {
  const joined = new Map<string, string>();
  const wireOf = (end: string): string => {
    const next = joined.get(end);
    return next === undefined ? end : wireOf(next);
  };
  const join = (a: string, b: string) => {
    const [from, to] = [wireOf(a), wireOf(b)];
    if (from !== to) joined.set(from, to);
  };
  const vids = vidsOf(lab);
  const joinTagged = (a: string, b: string) => {
    join(a, b);
    for (const vid of vids) join(`${a}@${vid}`, `${b}@${vid}`);
  };
  for (const netns of lab.namespaces) {
    for (const bridge of netns.bridges) {
      const inside = `${netns.name}/${bridge.name}`;
      if (!bridge.vlanFiltering) {
        for (const port of bridge.ports) joinTagged(`${netns.name}/${port.name}`, inside);
        continue;
      }
      for (const { name, access, trunk = [], native } of [bridge, ...bridge.ports]) {
        const untagged = access ?? native;
        if (untagged !== undefined) join(`${netns.name}/${name}`, `${inside} VLAN ${untagged}`);
        for (const vid of trunk) join(`${netns.name}/${name}@${vid}`, `${inside} VLAN ${vid}`);
      }
    }
    for (const { name, vlan } of netns.interfaces) {
      if (vlan) join(`${netns.name}/${name}`, `${netns.name}/${vlan.parent}@${vlan.vid}`);
    }
  }
  for (const link of lab.links) {
    const [a, b] = link.map((text) => {
      const end = parseLinkEnd(text);
      return end?.netns.startsWith("net/") ? end.netns : text;
    });
    joinTagged(a!, b!);
  }
  const tunnels = lab.namespaces.flatMap((netns) =>
    netns.interfaces.flatMap(({ name, vxlan }) => (vxlan ? [{ end: `${netns.name}/${name}`, ...vxlan }] : [])),
  );
  for (const one of tunnels) {
    for (const other of tunnels) {
      const isReached = one.remotes?.includes(other.local) || (one.group !== undefined && one.group === other.group);
      if (one.vni === other.vni && one.port === other.port && isReached) joinTagged(one.end, other.end);
    }
  }
  const wires = new Map<string, Station[]>();
  const add = (end: string, station: Station) => {
    const wire = wireOf(end);
    const stations = wires.get(wire);
    if (stations) stations.push(station);
    else wires.set(wire, [station]);
  };
  for (const [index, node] of lab.nodes.entries()) {
    for (const text of nodeAddresses(node)) {
      const network = networkOf(lab, text);
      const address = parsePrefixed(`${text}/32`)?.address;
      if (network && address !== undefined) {
        add(`net/${network.name}`, { address, text, owner: node.name, path: ["nodes", index, "address"] });
      }
    }
  }
  for (const [index, netns] of lab.namespaces.entries()) {
    for (const kind of ["bridges", "interfaces"] as const) {
      for (const [position, item] of netns[kind].entries()) {
        for (const [place, text] of item.addresses.entries()) {
          const address = parsePrefixed(text)?.address;
          if (address === undefined) continue;
          const owner = `${netns.name}/${item.name}`;
          add(owner, { address, text, owner, path: ["namespaces", index, kind, position, "addresses", place] });
        }
      }
    }
  }
  return [...wires.values()];
}

function vidsOf(lab: Lab): Set<number> {
  const given = lab.namespaces.flatMap((netns) => [
    ...netns.interfaces.map(({ vlan }) => vlan?.vid),
    ...netns.bridges.flatMap((bridge) =>
      [bridge, ...bridge.ports].flatMap(({ access, trunk = [], native }) => [access, native, ...trunk]),
    ),
  ]);
  return new Set(given.filter((vid) => vid !== undefined));
}
