/** Bridges and their ports. */

import type { BridgeInterface, Interface } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planBridge(bridge: BridgeInterface): Step {
  // Without a default VLAN its ports belong to those only that are given to them.
  const filtering = bridge.vlanFiltering ? " vlan_filtering 1 vlan_default_pvid 0" : "";
  return {
    command: `link add name ${bridge.name} address ${bridge.mac} mtu ${bridge.mtu} type bridge${filtering}`,
    why: bridge.why,
  };
}

/** The flags that only a port has; empty for an interface that is none. */
export function planPort(port: Interface): Step[] {
  if (!port.master || !port.hairpin) return [];
  return [
    {
      command: `link set dev ${port.name} type bridge_slave hairpin on`,
      why: `A frame may leave ${port.name} again by the port it came in by.`,
    },
  ];
}
