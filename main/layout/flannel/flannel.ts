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
 * The other backends change what is between cni0 and eth0. host-gw: nothing, the route to another node's pods points to that
 * node itself. ipip: flannel.ipip, which puts an IP header on instead of four. udp: flannel0 and a process that reads it.
 */

import type { Namespace } from "../../../preload/contract/topology.ts";
import type { FlannelNetwork, Lab } from "../../lab/schema.ts";
import { formatAddress, formatSubnet } from "../address.ts";
import type { Identities } from "../identity.ts";
import { assignShares } from "../shares.ts";
import { VXLAN_OVERHEAD } from "../vxlan-mesh.ts";
import { externalAddress } from "./external.ts";
import { connectByHostGateway } from "./host-gw.ts";
import { connectByIpip, IPIP_OVERHEAD } from "./ipip.ts";
import { nftTables } from "./nft-rules.ts";
import type { FlannelNode } from "./node.ts";
import { layOutPods } from "./pods.ts";
import { forwardRules, masqueradeRules, podMasqueradeRules } from "./rules.ts";
import { nodeSubnet } from "./subnets.ts";
import { connectByUdp, UDP_OVERHEAD } from "./udp.ts";
import { connectByVxlan } from "./vxlan.ts";

/** Bytes that a packet between nodes grows by. */
const OVERHEAD = { vxlan: VXLAN_OVERHEAD, "host-gw": 0, udp: UDP_OVERHEAD, ipip: IPIP_OVERHEAD };

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
    const { iface } = network;
    const { mtu } = netns.interfaces.find((item) => item.name === iface)!;
    const address = externalAddress(network, node)!;
    return { netns, label: node.name, iface, address, mtu, subnet: nodeSubnet(network, shares[index]![0]!) };
  });
  const mtu = (node: FlannelNode) => node.mtu - OVERHEAD[network.backend.type];
  connect(network, nodes, mtu, identities);

  return nodes.flatMap((node) => {
    const pods = layOutPods(lab, network, node, mtu(node), identities);
    if (!network.ipMasq) node.netns.rules.push(podMasqueradeRules(pods, node));
    if (network.rules === "nftables") node.netns.nftables.push(...nftTables(network, node));
    else node.netns.rules.push(...(network.ipMasq ? [masqueradeRules(network, node)] : []), forwardRules(network));
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

/** Makes the way from each node to the pods of all others. `mtu`: of the tunnel device, by node. */
function connect(
  network: FlannelNetwork,
  nodes: FlannelNode[],
  mtu: (node: FlannelNode) => number,
  identities: Identities,
): void {
  const { backend } = network;
  switch (backend.type) {
    case "vxlan":
      connectByVxlan(backend, nodes, mtu, identities);
      break;
    case "host-gw":
      connectByHostGateway(nodes);
      break;
    case "udp":
      connectByUdp(network, backend, nodes, mtu);
      break;
    case "ipip":
      connectByIpip(backend, nodes, mtu);
      break;
  }
}
