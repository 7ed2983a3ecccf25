/** What the page and the command line are told of a lab that is up and changes. Pure. */

import type { LiveLab } from "../../preload/contract/live.ts";
import { faultsOf } from "../fault/faults.ts";
import { networkOf, nodeAddresses } from "../layout/underlay.ts";
import type { Live } from "./live.ts";
import { withFaults } from "./topology.ts";

/** `name`: what the lab is called where it is up, which its faults' commands say. */
export function describeLive(live: Live, name = live.lab.id): LiveLab {
  const { revision, lab, faults } = live;
  const { lab: asked, stopped } = withFaults(live);
  return {
    revision,
    nodes: asked.nodes.map((node) => {
      const address = nodeAddresses(node)[0]!;
      const agent = stopped[node.name] ? "stopped" : "running";
      return {
        name: node.name,
        address,
        network: networkOf(lab, address)?.name ?? "",
        ...(lab.network ? { agent } : {}),
      };
    }),
    faults: faultsOf({ ...lab, id: name }).map(({ name, title, symptom, search, shows }) => ({
      name,
      title,
      symptom,
      search,
      shows,
      injected: faults.includes(name),
    })),
  };
}
