/**
 * Calico 3.33 as manifests/calico.yaml deploys it: Felix writes routes, the CNI plugin gives every pod a cable of its own.
 * There is no bridge: a node is a router with its pods on point-to-point links.
 *
 *   pod/a            pod/b                                    pod/c
 *   +----------+     +----------+                             +----------+
 *   | eth0 /32 |     | eth0 /32 |                             | eth0 /32 |
 *   +----+-----+     +----+-----+                             +----+-----+
 *        | 169.254.1.1    |                                        |
 *   +----+----------------+-----------+   +------------------------+--------+
 *   | cali…            cali…          |   |                     cali…       |   ee:ee:ee:ee:ee:ee
 *   |    : routed        :            |   |               routed :          |
 *   |   tunl0 172.26.0.0/32           |   |      172.26.0.64/32 tunl0       |
 *   |    : IP protocol 4              |   |       IP protocol 4  :          |
 *   |   eth0 192.168.32.127           |   |      192.168.32.128 eth0        |
 *   +--------+------------------------+   +----------------------+----------+
 *      node/node1  172.26.0.0/26                    node/node2  172.26.0.64/26
 *
 * The tunnel is tunl0 (IPIP) or, with the same address, vxlan.calico (UDP 4789). CrossSubnet: between nodes of one subnet
 * the packet leaves by eth0 as it is and never meets the tunnel. Without encapsulation there is no tunnel at all, and the
 * nodes learn from each other by BGP (bgp.ts) where which block is.
 */

import type { Namespace } from "../../../preload/contract/topology.ts";
import type { CalicoNetwork, Lab } from "../../lab/schema.ts";
import type { Identities } from "../identity.ts";
import { networkOf, nodeAddresses } from "../underlay.ts";
import { VXLAN_OVERHEAD } from "../vxlan-mesh.ts";
import { asOf, expectedOf, needsBird, sessionsOf } from "./bgp.ts";
import { addCalicoBird } from "./bird.ts";
import { nodeBlocks, tunnelAddresses } from "./blocks.ts";
import { encapsulationOf } from "./encapsulation.ts";
import { connectByIpip, IPIP_OVERHEAD } from "./ipip.ts";
import { type CalicoNode, PARENT_INTERFACE } from "./node.ts";
import { layOutPods } from "./pods.ts";
import { ipSets, ruleTables } from "./rules.ts";
import { connectByVxlan } from "./vxlan.ts";

const OVERHEAD = { ipip: IPIP_OVERHEAD, vxlan: VXLAN_OVERHEAD, none: 0 };

/** Adds Calico to the nodes and answers with the pods. */
export function layOutCalico(
  lab: Lab,
  network: CalicoNetwork,
  nodeNamespaces: Namespace[],
  identities: Identities,
): Namespace[] {
  const { kind, crossSubnet } = encapsulationOf(network);
  const blocks = nodeBlocks(lab, network);
  const nodes = lab.nodes.map((node, index): CalicoNode => {
    const netns = nodeNamespaces[index]!;
    const address = nodeAddresses(node)[0]!;
    return {
      netns,
      label: node.name,
      address,
      network: networkOf(lab, address)!,
      blocks: blocks[index]!,
      as: asOf(network, node),
      // Of several cards Felix takes the smallest MTU (felix/dataplane/linux/int_dataplane.go, findHostMTU).
      mtu: network.mtu ?? Math.min(...netns.interfaces.map((card) => card.mtu)) - OVERHEAD[kind],
    };
  });
  switch (kind) {
    case "ipip":
      connectByIpip(network, nodes, crossSubnet);
      break;
    case "vxlan":
      connectByVxlan(network, nodes, crossSubnet);
      break;
    case "none":
      break;
  }
  if (needsBird(network)) {
    for (const node of nodes) {
      addCalicoBird(network, node, sessionsOf(network, node, nodes), expectedOf(lab, network, node, nodes));
    }
  }
  return nodes.flatMap((node) => {
    ensureProxyArpRoute(node);
    node.netns.sysctls.push({
      key: "net/netfilter/nf_conntrack_acct",
      value: "1",
      why: "Felix has the kernel count the packets and bytes of each connection.",
    });
    node.netns.ipSets.push(...ipSets(network, node, nodes));
    node.netns.rules.push(...ruleTables(network));
    return layOutPods(lab, node, tunnelAddresses(network), identities);
  });
}

/**
 * Proxy ARP answers for 169.254.1.1 only where a route covers that address and leaves by another interface than the
 * question came in by. That is the node's default route, if it has one.
 */
function ensureProxyArpRoute({ netns }: CalicoNode): void {
  const found = netns.routes.find(({ to }) => to === "default");
  if (found) {
    found.why +=
      " And proxy ARP answers the pods' question for 169.254.1.1 only because this route covers that address: take it away and no pod reaches anything.";
    return;
  }
  netns.routes.push({
    to: "169.254.0.0/16",
    dev: PARENT_INTERFACE,
    scope: "link",
    why: "Proxy ARP answers the pods' question for 169.254.1.1 only where a route covers that address. This node has no default route that would.",
  });
}
