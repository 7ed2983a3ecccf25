/**
 * The network under the cluster: each underlay network is a switch of its own (a namespace with one bridge),
 * each node a namespace that is plugged into it.
 *
 *   node/node1            node/node2
 *   +---------+           +---------+
 *   |  eth0   |           |  eth0   |
 *   +----+----+           +----+----+
 *        |                     |
 *   +----+---------------------+----+
 *   |  node1 --- br0 --- node2      |   net/lan
 *   +-------------------------------+
 */

import type { Interface, Namespace } from "../../preload/contract/topology.ts";
import { INTERFACE_NAME_BYTES, type Lab, type LabNetwork, type LabNode } from "../lab/schema.ts";
import {
  formatAddress,
  holdsAddress,
  lastAddress,
  parseAddress,
  parsePrefixed,
  parseSubnet,
  type Subnet,
} from "./address.ts";
import type { Identities } from "./identity.ts";
import { emptyNamespace, joinVeths, routingSysctls } from "./namespace.ts";

/** The bridge of every underlay network. */
export const UNDERLAY_BRIDGE = "br0";

export function layOutNetworks(lab: Lab, identities: Identities): Namespace[] {
  return lab.underlay.networks.map((network) => {
    const name = `net/${network.name}`;
    const netns = emptyNamespace(
      "net",
      name,
      network.name,
      `The network ${network.name} (${network.subnet}): a switch that the nodes are plugged into.`,
    );
    netns.sysctls.push(...routingSysctls(false, "A switch forwards frames by MAC address. It does not route.", []), {
      key: "net/bridge/bridge-nf-call-iptables",
      value: "0",
      why: "Frames that cross the switch must meet no iptables rule and no connection tracking, as in a real switch.",
    });
    const gateway = gatewayOf(lab, network);
    const addresses = gateway && !gateway.held ? [`${gateway.address}/${subnetOfNetwork(network).length}`] : [];
    netns.interfaces.push({
      kind: "bridge",
      name: UNDERLAY_BRIDGE,
      mac: identities.mac(`${name}/${UNDERLAY_BRIDGE}`),
      mtu: network.mtu,
      addresses,
      why:
        addresses.length > 0
          ? `The switch of ${network.name}. Its own address is the gateway that the nodes' default route points to; there is nothing behind it.`
          : `The switch of ${network.name}.`,
    } satisfies Interface);
    return netns;
  });
}

/** Makes the nodes and plugs them into their networks. */
export function layOutNodes(lab: Lab, networks: Namespace[], identities: Identities): Namespace[] {
  return lab.nodes.map((node) => {
    const name = `node/${node.name}`;
    const netns = emptyNamespace("node", name, node.name, `The node ${node.name}: a machine of the cluster.`);
    const addresses = nodeAddresses(node);
    for (const [index, address] of addresses.entries()) {
      const network = networkOf(lab, address)!;
      const nic = `eth${index}`;
      const switchNetns = networks.find((candidate) => candidate.name === `net/${network.name}`)!;
      const port = portName(node.name, switchNetns, identities);
      joinVeths(
        {
          netns,
          end: {
            name: nic,
            mac: identities.mac(`${name}/${nic}`),
            mtu: network.mtu,
            addresses: [`${address}/${subnetOfNetwork(network).length}`],
            why: `The network card of ${node.name} on ${network.name}.`,
          },
        },
        {
          netns: switchNetns,
          end: {
            name: port,
            mac: identities.mac(`${switchNetns.name}/${port}`),
            mtu: network.mtu,
            addresses: [],
            master: UNDERLAY_BRIDGE,
            why: `The port of the switch that ${nic} of ${node.name} is plugged into.`,
          },
        },
      );
      const gateway = gatewayOf(lab, network);
      if (index === 0 && gateway && gateway.address !== address) {
        netns.routes.push({
          to: "default",
          via: gateway.address,
          dev: nic,
          why: "A node has a default route. Without it a packet to an address outside the cluster would end here as unreachable and never meet the masquerading rules.",
        });
      }
    }
    netns.sysctls.push(
      ...routingSysctls(
        true,
        `A node is a router: it passes packets between its pods and ${addresses.length > 1 ? "its networks" : "the network"}. In a new namespace this is off.`,
        addresses.map((_, index) => `eth${index}`),
      ),
      {
        key: "net/bridge/bridge-nf-call-iptables",
        value: "1",
        why:
          lab.network?.plugin === "calico"
            ? "Frames that a bridge forwards also pass through iptables. Kubernetes asks for it on every node; Calico has no bridge for it to concern."
            : "Frames that the pod bridge forwards also pass through iptables, so that service addresses work between pods of one node. flanneld refuses to start where this setting is missing (module br_netfilter).",
      },
    );
    return netns;
  });
}

/** A node's addresses; the first is the one that the network plugin uses. */
export function nodeAddresses(node: LabNode): string[] {
  return typeof node.address === "string" ? [node.address] : node.address;
}

/** The network whose subnet holds the address. Subnets do not overlap in a valid lab. */
export function networkOf(lab: Lab, address: string): LabNetwork | undefined {
  const number = parseAddress(address);
  return lab.underlay.networks.find((network) => {
    const subnet = parseSubnet(network.subnet);
    return subnet !== undefined && number !== undefined && holdsAddress(subnet, number);
  });
}

/** The gateway of a network, and whether a node or a free-form namespace has that address; undefined where no address is free. */
export function gatewayOf(lab: Lab, network: LabNetwork): { address: string; held: boolean } | undefined {
  const taken = new Set([
    ...lab.nodes.flatMap(nodeAddresses).map(parseAddress),
    ...lab.namespaces
      .flatMap((netns) => [...netns.interfaces, ...netns.bridges])
      .flatMap((item) => item.addresses)
      .map((prefixed) => parsePrefixed(prefixed)?.address),
  ]);
  if (network.gateway) return { address: network.gateway, held: taken.has(parseAddress(network.gateway)) };
  const subnet = subnetOfNetwork(network);
  for (let address = subnet.base + 1; address < lastAddress(subnet); address++) {
    if (!taken.has(address)) return { address: formatAddress(address), held: false };
  }
  return undefined;
}

function subnetOfNetwork(network: LabNetwork): Subnet {
  return parseSubnet(network.subnet)!;
}

/** The node's name, so that a capture on the switch reads well; a veth name where that is too long or taken. */
function portName(node: string, switchNetns: Namespace, identities: Identities): string {
  const taken =
    node === "lo" || node === "all" || node === "default" || switchNetns.interfaces.some(({ name }) => name === node);
  return taken || node.length > INTERFACE_NAME_BYTES ? identities.veth(`${switchNetns.name}/${node}`) : node;
}
