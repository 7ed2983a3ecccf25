/**
 * Expands a lab into everything that will exist in the kernel. Pure and deterministic: the same lab gives
 * the same topology, byte for byte. The lab must be valid (main/lab/validate.ts).
 */

import type { Namespace, Topology } from "../../preload/contract/topology.ts";
import type { Lab } from "../lab/schema.ts";
import { layOutCalico } from "./calico/calico.ts";
import { layOutFlannel } from "./flannel/flannel.ts";
import { layOutFreeForm } from "./free-form.ts";
import { Identities } from "./identity.ts";
import { layOutNetworks, layOutNodes } from "./underlay.ts";

export function layOutLab(lab: Lab): Topology {
  const identities = new Identities(lab.id, givenMacs(lab));
  const networks = layOutNetworks(lab, identities);
  const nodes = layOutNodes(lab, networks, identities);
  const pods = layOutPlugin(lab, nodes, identities);
  const hosts = layOutFreeForm(lab, networks, identities);
  return { lab: lab.id, namespaces: [...networks, ...nodes, ...pods, ...hosts] };
}

/** Adds the network plugin to the nodes and answers with the pods. */
function layOutPlugin(lab: Lab, nodes: Namespace[], identities: Identities): Namespace[] {
  switch (lab.network?.plugin) {
    case "flannel":
      return layOutFlannel(lab, lab.network, nodes, identities);
    case "calico":
      return layOutCalico(lab, lab.network, nodes, identities);
    case undefined:
      return [];
  }
}

function givenMacs(lab: Lab): string[] {
  return lab.namespaces
    .flatMap((netns) => [...netns.interfaces, ...netns.bridges])
    .flatMap((item) => (item.mac ? [item.mac.toLowerCase()] : []));
}
