/** The recorded ping through the tunnel beside one that was only routed: the same without its tunnel hops and headers. */

import { comparePackets } from "../../main/journey/compare.ts";
import type { ComparedPacket } from "../../preload/contract/comparison.ts";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { journeys } from "./recorded-lab.ts";

export function comparedPackets(topology: Topology): ComparedPacket[] {
  const made = journeys.slice(2, 4);
  return comparePackets({ made, topology }, { made: made.map(withoutTunnel), topology });
}

function withoutTunnel(journey: Journey): Journey {
  const kept = journey.hops.flatMap((hop, index) => (hop.interface === "flannel.1" ? [] : [index]));
  const hops = kept.map((index, place): Hop => {
    const hop = journey.hops[index]!;
    // The outermost header is that of the link and stays; those up to the inner Ethernet header are the tunnel's.
    const tunnel = hop.layers.indexOf("vxlan") + 1;
    const isOwn = (_: unknown, layer: number) => tunnel === 0 || layer === 0 || layer > tunnel;
    const wrapped = hop.changes.some(({ kind }) => kind === "wrapped");
    return {
      ...hop,
      layers: hop.layers.filter(isOwn),
      titles: hop.titles.filter(isOwn),
      changes: wrapped
        ? [{ kind: "routed", ttl: [64, 63], cause: "10.244.1.0/24 via 192.168.32.128 dev eth0" }]
        : hop.changes,
      ...(place === 0 ? {} : { parent: place - 1 }),
    };
  });
  return { ...journey, hops };
}
