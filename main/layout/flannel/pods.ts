/**
 * The pods of a node and the bridge that joins them, as the CNI plugins flannel, bridge and host-local make
 * them. Source: containernetworking/plugins plugins/main/bridge, flannel-io/cni-plugin.
 */

import type { Namespace } from "../../../preload/contract/topology.ts";
import type { FlannelNetwork, Lab } from "../../lab/schema.ts";
import { formatAddress } from "../address.ts";
import type { Identities } from "../identity.ts";
import { acceptRaSysctls, emptyNamespace, joinVeths } from "../namespace.ts";
import type { FlannelNode } from "./node.ts";

const BRIDGE = "cni0";

const HAIRPIN =
  "With hairpin on, a frame may go back out of the port it came in by: a pod that reaches itself through a service address needs that, because bridged frames pass through iptables.";
const NO_HAIRPIN =
  "With hairpin off (hairpinMode: false), a frame never goes back out of the port it came in by: a pod can't reach itself through a service address.";

/** Adds the bridge to the node, which has one only once it has a pod, and answers with the pods. */
export function layOutPods(
  lab: Lab,
  network: FlannelNetwork,
  node: FlannelNode,
  mtu: number,
  identities: Identities,
): Namespace[] {
  const pods = lab.pods.filter((pod) => pod.node === node.label);
  if (pods.length === 0) return [];
  const gateway = formatAddress(node.subnet.base + 1);
  node.netns.interfaces.push({
    kind: "bridge",
    name: BRIDGE,
    mac: identities.mac(`${node.netns.name}/${BRIDGE}`),
    mtu,
    addresses: [`${gateway}/${node.subnet.length}`],
    why: `Joins the pods of ${node.label} and is their gateway. It has a MAC address of its own: a bridge without one takes the lowest of its ports', which changes as pods come and go.`,
  });
  node.netns.sysctls.push(...acceptRaSysctls({ name: BRIDGE, mtu }));
  return pods.map((pod, index) => {
    const name = `pod/${pod.name}`;
    const address = formatAddress(node.subnet.base + 2 + index);
    const netns = emptyNamespace("pod", name, pod.name, `The pod ${pod.name} on ${node.label}, ${address}.`);
    netns.node = node.netns.name;
    const hostEnd = identities.veth(name);
    joinVeths(
      {
        netns,
        end: {
          name: "eth0",
          mac: identities.mac(`${name}/eth0`),
          mtu,
          addresses: [`${address}/${node.subnet.length}`],
          why: `The pod's only way out: one end of a virtual cable to ${node.label}.`,
        },
      },
      {
        netns: node.netns,
        end: {
          name: hostEnd,
          mac: identities.mac(`${node.netns.name}/${hostEnd}`),
          mtu,
          addresses: [],
          master: BRIDGE,
          ...(network.hairpinMode ? { hairpin: true } : {}),
          why: `The node's end of ${pod.name}'s cable, a port of ${BRIDGE}. ${network.hairpinMode ? HAIRPIN : NO_HAIRPIN}`,
        },
      },
    );
    netns.routes.push(
      {
        to: network.network,
        via: gateway,
        dev: "eth0",
        why: "All pods of the cluster are reached through the bridge's address. The flannel plugin adds this route although the default route says the same.",
      },
      { to: "default", via: gateway, dev: "eth0", why: "Everything else goes to the node as well." },
    );
    return netns;
  });
}
