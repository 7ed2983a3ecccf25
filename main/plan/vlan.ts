/** 802.1Q: devices for one VLAN, and which VLANs the ports of a bridge belong to. */

import type { Interface, VlanInterface } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planVlan({ name, parent, mac, mtu, vid, why }: VlanInterface): Step {
  return { command: `link add link ${parent} name ${name} address ${mac} mtu ${mtu} type vlan id ${vid}`, why };
}

/** The VLANs of a port, as `bridge -batch` reads them; those of a bridge itself where it has any. */
export function planPortVlans({ name, kind, vlans = [] }: Interface): Step[] {
  return vlans.map(({ vid, pvid = false, untagged = false }) => {
    const flags = `${pvid ? " pvid" : ""}${untagged ? " untagged" : ""}${kind === "bridge" ? " self" : ""}`;
    const tag = untagged ? "without a tag" : "with their tag";
    return {
      command: `vlan add dev ${name} vid ${vid}${flags}`,
      why: `Frames of VLAN ${vid} leave by ${name} ${tag}.${pvid ? ` What comes in without one belongs to VLAN ${vid}.` : ""}`,
    };
  });
}
