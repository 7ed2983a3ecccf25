/**
 * Flannel 0.28 as Documentation/kube-flannel.yml deploys it: flanneld joins the nodes, the CNI bridge plugin
 * joins the pods of a node.
 *
 *   pod/a        pod/b                                    pod/c
 *   +------+     +------+                                 +------+
 *   | eth0 |     | eth0 |                                 | eth0 |
 *   +--+---+     +--+---+                                 +--+---+
 *   +--+------------+-----------------+   +------------------+--------------+
 *   | veth…       veth…               |   |                veth…            |
 *   |   +-- cni0 --+ 10.244.0.1/24    |   |  10.244.1.1/24   +-- cni0       |
 *   |        : routed                 |   |               routed :          |
 *   |   flannel.1 10.244.0.0/32       |   |       10.244.1.0/32 flannel.1   |
 *   |        : UDP 8472               |   |             UDP 8472 :          |
 *   |      eth0 192.168.32.127        |   |      192.168.32.128 eth0        |
 *   +--------+------------------------+   +----------------------+----------+
 *      node/node1                                      node/node2
 *
 * host-gw has no flannel.1: the route to another node's pods points to that node itself.
 */

import type { Namespace } from "../../../preload/contract/topology.ts";
import type { FlannelNetwork, Lab } from "../../lab/schema.ts";
import { formatAddress, formatSubnet } from "../address.ts";
import type { Identities } from "../identity.ts";
import { assignShares } from "../shares.ts";
import { nodeAddresses } from "../underlay.ts";
import { VXLAN_OVERHEAD } from "../vxlan-mesh.ts";
import { connectByHostGateway } from "./host-gw.ts";
import { EXTERNAL_INTERFACE, type FlannelNode } from "./node.ts";
import { layOutPods } from "./pods.ts";
import { forwardRules, masqueradeRules, podMasqueradeRules } from "./rules.ts";
import { nodeSubnet } from "./subnets.ts";
import { connectByVxlan } from "./vxlan.ts";

/** Adds flannel to the nodes and answers with the pods. */
export function layOutFlannel(
  lab: Lab,
  network: FlannelNetwork,
  nodeNamespaces: Namespace[],
  identities: Identities,
): Namespace[] {
  const shares = assignShares(lab.nodes, () => 1);
  const nodes = lab.nodes.map((node, index): FlannelNode => {
    const netns = nodeNamespaces[index]!;
    const subnet = nodeSubnet(network, shares[index]![0]!);
    return { netns, label: node.name, address: nodeAddresses(node)[0]!, subnet };
  });
  const externalMtu = (node: FlannelNode) =>
    node.netns.interfaces.find((item) => item.name === EXTERNAL_INTERFACE)!.mtu;
  const overhead = network.backend.type === "vxlan" ? VXLAN_OVERHEAD : 0;
  const mtu = (node: FlannelNode) => externalMtu(node) - overhead;

  if (network.backend.type === "vxlan") connectByVxlan(network.backend, nodes, mtu, identities);
  else connectByHostGateway(nodes);

  return nodes.flatMap((node) => {
    const pods = layOutPods(lab, network, node, mtu(node), identities);
    node.netns.rules.push(
      network.ipMasq ? masqueradeRules(network, node) : podMasqueradeRules(pods, node),
      forwardRules(network),
    );
    node.netns.files.push({
      path: "/run/flannel/subnet.env",
      content: [
        `FLANNEL_NETWORK=${network.network}`,
        `FLANNEL_SUBNET=${formatAddress(node.subnet.base + 1)}/${node.subnet.length}`,
        `FLANNEL_MTU=${mtu(node)}`,
        `FLANNEL_IPMASQ=${network.ipMasq}`,
        "",
      ].join("\n"),
      why: `How flanneld tells the CNI plugin which addresses ${node.label} may give to pods (${formatSubnet(node.subnet)}) and which MTU they get.`,
    });
    return pods;
  });
}
