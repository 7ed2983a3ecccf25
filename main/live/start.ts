/** What is asked for of a lab that was just built. Pure. */

import type { Lab } from "../lab/schema.ts";
import { blocksNeeded } from "../layout/calico/blocks.ts";
import { assignShares } from "../layout/shares.ts";
import { gatewayOf } from "../layout/underlay.ts";
import type { Live } from "./live.ts";

/** Its topology is that of the lab. What the layout would choose anew for other nodes is written down, so that it stays. */
export function startLive(lab: Lab): Live {
  return { revision: 0, lab: holdShares(holdGateways(lab)), faults: [], asOf: {}, stopped: {} };
}

/** Every node holds the shares of the pod network that it has; one that is new gets the lowest that are free. */
export function holdShares(lab: Lab): Lab {
  if (!lab.network) return lab;
  const needed = lab.network.plugin === "calico" ? blocksNeeded(lab, lab.network) : undefined;
  const shares = assignShares(lab.nodes, ({ name }) => needed?.get(name) ?? 1);
  return { ...lab, nodes: lab.nodes.map((node, index) => ({ ...node, shares: shares[index]! })) };
}

/** A gateway that is chosen as the first free address would be another when a node comes or goes. */
function holdGateways(lab: Lab): Lab {
  const networks = lab.underlay.networks.map((network) => {
    const gateway = gatewayOf(lab, network)?.address;
    return gateway ? { ...network, gateway } : network;
  });
  return { ...lab, underlay: { ...lab.underlay, networks } };
}
