/**
 * Expands a lab into everything that will exist in the kernel. Pure and deterministic: the same lab gives
 * the same topology, byte for byte. The lab must be valid (main/lab/validate.ts).
 */

import type { Topology } from "../../preload/contract/topology.ts";
import type { Lab } from "../lab/schema.ts";
import { layOutFlannel } from "./flannel/flannel.ts";
import { layOutFreeForm } from "./free-form.ts";
import { Identities } from "./identity.ts";
import { layOutNetworks, layOutNodes } from "./underlay.ts";

export function layOutLab(lab: Lab): Topology {
  const identities = new Identities(lab.id, givenMacs(lab));
  const networks = layOutNetworks(lab, identities);
  const nodes = layOutNodes(lab, networks, identities);
  const pods = lab.network ? layOutFlannel(lab, lab.network, nodes, identities) : [];
  const hosts = layOutFreeForm(lab, networks, identities);
  return { lab: lab.id, namespaces: [...networks, ...nodes, ...pods, ...hosts] };
}

function givenMacs(lab: Lab): string[] {
  return lab.namespaces
    .flatMap((netns) => [...netns.interfaces, ...netns.bridges])
    .flatMap((item) => (item.mac ? [item.mac.toLowerCase()] : []));
}
