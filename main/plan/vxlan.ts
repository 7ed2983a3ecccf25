/** VXLAN devices. */

import type { VxlanInterface } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planVxlan(vxlan: VxlanInterface): Step {
  const learning = vxlan.learning ? "learning" : "nolearning";
  const proxy = vxlan.proxy ? " proxy" : "";
  const group = vxlan.group ? ` group ${vxlan.group}` : "";
  return {
    command: `link add name ${vxlan.name} address ${vxlan.mac} mtu ${vxlan.mtu} type vxlan id ${vxlan.vni}${group} local ${vxlan.local} dev ${vxlan.dev} ${learning}${proxy} dstport ${vxlan.port}`,
    why: vxlan.why,
  };
}
