/** What can be changed in the recorded lab, without a kernel that does it. */

import type { LabChange, LiveLab } from "../../preload/contract/live.ts";

export const RECORDED_LIVE: LiveLab = {
  revision: 0,
  nodes: ["node1", "node2", "node3"].map((name, index) => ({
    name,
    address: `192.168.32.${127 + index}`,
    network: "lan",
    agent: "running",
  })),
  faults: [
    {
      name: "forwarding-off",
      title: { en: "IP forwarding is off on node1" },
      symptom: { en: "Nothing that node1 would pass on arrives." },
      search: { en: "Look at `hoplab exec flannel-vxlan node/node1 -- sysctl net.ipv4.ip_forward`." },
      shows: { from: "pod/a", to: "pod/c", protocol: "icmp", count: 1 },
      injected: false,
    },
  ],
};

/** Undefined where there is nothing of that name. */
export function changeLive(live: LiveLab, change: LabChange): LiveLab | undefined {
  const revision = live.revision + 1;
  switch (change.kind) {
    case "inject-fault":
    case "revert-fault": {
      if (!live.faults.some(({ name }) => name === change.name)) return undefined;
      const injected = change.kind === "inject-fault";
      return {
        ...live,
        revision,
        faults: live.faults.map((fault) => (fault.name === change.name ? { ...fault, injected } : fault)),
      };
    }
    case "add-node": {
      if (live.nodes.some(({ name }) => name === change.name)) return undefined;
      const address = change.address ?? `192.168.32.${127 + live.nodes.length}`;
      return {
        ...live,
        revision,
        nodes: [...live.nodes, { name: change.name, address, network: "lan", agent: "running" }],
      };
    }
    case "remove-node":
      return { ...live, revision, nodes: live.nodes.filter(({ name }) => name !== change.name) };
    default: {
      const nodes = live.nodes.map((node) => {
        if (node.name !== change.name) return node;
        if (change.kind === "move-node") return { ...node, address: change.address };
        return { ...node, agent: change.kind === "stop-agent" ? ("stopped" as const) : ("running" as const) };
      });
      return { ...live, revision, nodes };
    }
  }
}
