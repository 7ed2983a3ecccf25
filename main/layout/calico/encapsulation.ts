/**
 * How a pool's packets reach other nodes: one of three ways. The only place that decides it. Source: calico v3.33
 * libcalico-go/lib/apis/v3/ippool.go and manifests/calico.yaml (CALICO_IPV4POOL_IPIP=Always, CALICO_IPV4POOL_VXLAN=Never).
 */

import type { CalicoNetwork } from "../../lab/schema.ts";

export interface Encapsulation {
  kind: "ipip" | "vxlan" | "none";
  /** CrossSubnet: packets between nodes of one subnet go as they are. */
  crossSubnet: boolean;
}

/** Without either mode it is that of the manifest: IPIP Always. */
export function encapsulationOf({ ipipMode, vxlanMode }: CalicoNetwork): Encapsulation {
  if (isOn(vxlanMode)) return { kind: "vxlan", crossSubnet: vxlanMode === "CrossSubnet" };
  if (ipipMode === undefined || isOn(ipipMode)) return { kind: "ipip", crossSubnet: ipipMode === "CrossSubnet" };
  return { kind: "none", crossSubnet: false };
}

/** A pool has one encapsulation or none: the API server refuses a pool with both. */
export function hasTwoEncapsulations({ ipipMode, vxlanMode }: CalicoNetwork): boolean {
  return isOn(ipipMode) && isOn(vxlanMode);
}

function isOn(mode: CalicoNetwork["ipipMode"]): boolean {
  return mode !== undefined && mode !== "Never";
}
