/**
 * The iptables rules of flanneld, in its order and with its comments (flannel pkg/trafficmngr/iptables), and
 * those of the CNI bridge plugin where flanneld does not masquerade (containernetworking/plugins pkg/ip).
 * Written as iptables-save prints them.
 */

import type { Namespace, RuleTable } from "../../../preload/contract/topology.ts";
import type { FlannelNetwork } from "../../lab/schema.ts";
import { formatSubnet } from "../address.ts";
import { hashHex } from "../identity.ts";
import type { FlannelNode } from "./node.ts";

const MASQ = '-m comment --comment "flanneld masq"';
const FORWARD = '-m comment --comment "flanneld forward"';

export function masqueradeRules(network: FlannelNetwork, node: FlannelNode): RuleTable {
  const cluster = network.network;
  const pods = formatSubnet(node.subnet);
  return {
    family: "ipv4",
    table: "nat",
    chains: ["FLANNEL-POSTRTG"],
    rules: [
      {
        rule: `-A POSTROUTING ${MASQ} -j FLANNEL-POSTRTG`,
        why: "flannel keeps its rules in a chain of its own.",
      },
      {
        rule: `-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 ${MASQ} -j RETURN`,
        why: "kube-proxy has marked this packet to masquerade it itself.",
      },
      {
        rule: `-A FLANNEL-POSTRTG -s ${pods} -d ${cluster} ${MASQ} -j RETURN`,
        why: "From a pod of this node to any pod: the source address stays, pods see each other's own addresses.",
      },
      {
        rule: `-A FLANNEL-POSTRTG -s ${cluster} -d ${pods} ${MASQ} -j RETURN`,
        why: "The same for what other pods send to this node's pods.",
      },
      {
        rule: `-A FLANNEL-POSTRTG ! -s ${cluster} -d ${pods} ${MASQ} -j RETURN`,
        why: "From outside to a pod of this node: it has arrived at the right node, and the pod should see who sent it.",
      },
      {
        rule: `-A FLANNEL-POSTRTG -s ${cluster} ! -d 224.0.0.0/4 ${MASQ} -j MASQUERADE --random-fully`,
        why: "From a pod to anywhere else but multicast: nobody out there knows a way back to a pod, so the packet gets the node's address.",
      },
      {
        rule: `-A FLANNEL-POSTRTG ! -s ${cluster} -d ${cluster} ${MASQ} -j MASQUERADE --random-fully`,
        why: "From outside to a pod of another node: the answer must come back through this node.",
      },
    ],
  };
}

export function forwardRules(network: FlannelNetwork): RuleTable {
  return {
    family: "ipv4",
    table: "filter",
    chains: ["FLANNEL-FWD"],
    rules: [
      {
        rule: `-A FORWARD ${FORWARD} -j FLANNEL-FWD`,
        why: "Also here a chain of its own.",
      },
      {
        rule: `-A FLANNEL-FWD -s ${network.network} ${FORWARD} -j ACCEPT`,
        why: "Let through what pods send, even where Docker has set the policy of FORWARD to DROP.",
      },
      {
        rule: `-A FLANNEL-FWD -d ${network.network} ${FORWARD} -j ACCEPT`,
        why: "Let through what is sent to pods.",
      },
    ],
  };
}

/** With `ipMasq: false` the flannel plugin tells the bridge plugin to masquerade: a chain per pod. */
export function podMasqueradeRules(pods: Namespace[], node: FlannelNode): RuleTable {
  const perPod = pods.map((pod) => {
    const container = hashHex(`container ${pod.name}`);
    return {
      pod,
      // The plugin cuts a SHA-512 to the 28 characters that a chain name may have.
      chain: `CNI-${hashHex(`chain ${pod.name}`)}${hashHex(`chain ${node.label} ${pod.name}`).slice(0, 8)}`,
      comment: `-m comment --comment "name: \\"cbr0\\" id: \\"${container}\\""`,
      address: pod.interfaces[0]!.addresses[0]!.split("/")[0]!,
    };
  });
  return {
    family: "ipv4",
    table: "nat",
    chains: perPod.map(({ chain }) => chain),
    rules: perPod.flatMap(({ pod, chain, comment, address }) => [
      {
        rule: `-A POSTROUTING -s ${address}/32 ${comment} -j ${chain}`,
        why: `flanneld does not masquerade here, so the bridge plugin does, with a chain for each pod. This is ${pod.label}'s.`,
      },
      {
        rule: `-A ${chain} -d ${formatSubnet(node.subnet)} ${comment} -j ACCEPT`,
        why: "To a pod of the same node: the source address stays.",
      },
      {
        rule: `-A ${chain} ! -d 224.0.0.0/4 ${comment} -j MASQUERADE`,
        why: "To anywhere else but multicast, even to pods of other nodes: the packet gets the node's address.",
      },
    ]),
  };
}
