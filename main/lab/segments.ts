/** Which interfaces share a wire: all that links and bridges join. Addresses must be unique among them. */

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
  for (const netns of lab.namespaces) {
    for (const bridge of netns.bridges) {
      for (const port of bridge.ports) join(`${netns.name}/${port}`, `${netns.name}/${bridge.name}`);
    }
  }
  for (const link of lab.links) {
    const [a, b] = link.map((text) => {
      const end = parseLinkEnd(text);
      return end?.netns.startsWith("net/") ? end.netns : text;
    });
    join(a!, b!);
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
