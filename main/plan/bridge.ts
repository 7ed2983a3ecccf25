/** Bridges and their ports. */

import { type BridgeInterface, type Interface, type Namespace, netnsFile } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planBridge(bridge: BridgeInterface): Step {
  // Without a default VLAN its ports belong to those only that are given to them.
  const filtering = bridge.vlanFiltering ? " vlan_filtering 1 vlan_default_pvid 0" : "";
  return {
    command: `link add name ${bridge.name} address ${bridge.mac} mtu ${bridge.mtu} type bridge${filtering}`,
    why: bridge.why,
  };
}

/** How often it is looked whether all ports forward, fifty times a second. */
const MOST_TRIES = 250;

/**
 * The kernel lets a port forward a moment after its cable is plugged in: what is sent before is lost without a word. A port
 * whose other end is down never does, so that this does not wait for ever.
 */
export function planForwarding(namespaces: readonly Namespace[]): Step[] {
  const bridged = namespaces.filter(({ interfaces }) => interfaces.some(({ master }) => master !== undefined));
  return bridged.map(({ name }) => ({
    command: `tries=0; while bridge -n ${netnsFile(name)} link show | grep -q 'state disabled' && [ $tries -lt ${MOST_TRIES} ]; do tries=$((tries + 1)); sleep 0.02; done`,
    why: `Wait until all ports of ${name} forward.`,
  }));
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
