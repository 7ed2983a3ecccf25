/**
 * The pods of a node as Calico's CNI plugin and Felix make them: each has a cable and a route of its own, and the node
 * answers every ARP question on it. Source: calico v3.33 cni-plugin/pkg/dataplane/linux/dataplane_linux.go,
 * felix/dataplane/linux/endpoint_mgr.go, libcalico-go/lib/backend/k8s/conversion/workload_endpoint_default.go.
 */

import type { Namespace, Sysctl } from "../../../preload/contract/topology.ts";
import type { Lab } from "../../lab/schema.ts";
import { formatAddress } from "../address.ts";
import type { Identities } from "../identity.ts";
import { acceptRaSysctls, emptyNamespace, joinVeths } from "../namespace.ts";
import { sha1Hex } from "../sha1.ts";
import { addressInBlocks } from "./blocks.ts";
import type { CalicoNode } from "./node.ts";

/** The Kubernetes namespace that a lab's pods are in. */
const NAMESPACE = "default";
/** The node's end of every pod's cable has this MAC address. */
const HOST_SIDE_MAC = "ee:ee:ee:ee:ee:ee";
/** The gateway that no interface has. */
const GATEWAY = "169.254.1.1";

/** `cali` and the first 11 hexadecimal digits of a SHA-1: 15 bytes, as long as the kernel allows. */
export function hostSideName(pod: string): string {
  return `cali${sha1Hex(`${NAMESPACE}.${pod}`).slice(0, 11)}`;
}

/** `first`: the index of the first pod's address in the node's blocks. */
export function layOutPods(lab: Lab, node: CalicoNode, first: number, identities: Identities): Namespace[] {
  const { mtu } = node;
  return lab.pods
    .filter((pod) => pod.node === node.label)
    .map((pod, index) => {
      const name = `pod/${pod.name}`;
      const address = formatAddress(addressInBlocks(node.blocks, first + index));
      const netns = emptyNamespace("pod", name, pod.name, `The pod ${pod.name} on ${node.label}, ${address}.`);
      netns.node = node.netns.name;
      const hostSide = hostSideName(pod.name);
      joinVeths(
        {
          netns,
          end: {
            name: "eth0",
            mac: identities.mac(`${name}/eth0`),
            mtu,
            addresses: [`${address}/32`],
            why: `The pod's only way out: one end of a virtual cable to ${node.label}. As a /32 the address brings no subnet with it: nobody is a neighbour, everything is routed.`,
          },
        },
        {
          netns: node.netns,
          end: {
            name: hostSide,
            mac: HOST_SIDE_MAC,
            mtu,
            addresses: [],
            why: `The node's end of ${pod.name}'s cable: cali and the first 11 digits of the SHA-1 of "${NAMESPACE}.${pod.name}". It has no address and is on no bridge. All such ends have the same MAC address, since none ever meets another.`,
          },
        },
      );
      netns.routes.push(
        {
          to: `${GATEWAY}/32`,
          dev: "eth0",
          scope: "link",
          why: `The gateway of every pod, which no interface anywhere has: only its MAC address is wanted, and the node answers for it with ${HOST_SIDE_MAC}.`,
        },
        {
          to: "default",
          via: GATEWAY,
          dev: "eth0",
          why: "Everything goes to the node, also what is for its neighbour pod.",
        },
      );
      netns.sysctls.push({ key: "net/ipv4/ip_forward", value: "0", why: "A pod is no router." });
      node.netns.routes.push({
        to: `${address}/32`,
        dev: hostSide,
        scope: "link",
        why: `${pod.name} is behind its own cable. This route is all that the node needs to reach it.`,
      });
      node.netns.sysctls.push(...hostSideSysctls(hostSide, pod.name), ...acceptRaSysctls({ name: hostSide, mtu }));
      return netns;
    });
}

function hostSideSysctls(name: string, pod: string): Sysctl[] {
  return [
    {
      key: `net/ipv4/conf/${name}/route_localnet`,
      value: "1",
      why: `What ${pod} sends to 127.0.0.0/8 may be translated to an address of the node instead of being dropped.`,
    },
    {
      key: `net/ipv4/neigh/${name}/proxy_delay`,
      value: "0",
      why: "By default the kernel waits up to 0.8 s before it answers ARP for another, so that the true owner may be first. There is none here.",
    },
    {
      key: `net/ipv4/conf/${name}/proxy_arp`,
      value: "1",
      why: `The node answers ${pod}'s ARP for any address that it has a route to by another interface. So ${GATEWAY} needs no owner, but the node needs a default route.`,
    },
    {
      key: `net/ipv4/conf/${name}/forwarding`,
      value: "1",
      why: `What comes in from ${pod} is passed on.`,
    },
    {
      key: `net/ipv4/conf/${name}/rp_filter`,
      value: "1",
      why: `${pod} can't send from another address than its own: the way back to the source must lead through this cable.`,
    },
  ];
}
