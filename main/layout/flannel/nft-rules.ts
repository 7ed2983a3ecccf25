/**
 * The rules of flanneld in its nftables mode (EnableNFTables), in its order: one table of its own for each family, with base
 * chains instead of chains that others jump to. Source: flannel 0.28.9 pkg/trafficmngr/nftables/nftables.go. Written as
 * `nft list` prints them.
 */

import type { NftChain, NftTable } from "../../../preload/contract/topology.ts";
import type { FlannelNetwork } from "../../lab/schema.ts";
import { formatSubnet } from "../address.ts";
import type { FlannelNode } from "./node.ts";

export function nftTables(network: FlannelNetwork, node: FlannelNode): NftTable[] {
  return [
    {
      family: "ip",
      name: "flannel-ipv4",
      comment: "rules for flannel-ipv4",
      chains: [...(network.ipMasq ? [masquerade(network, node)] : []), forward(network)],
      why: "flannel keeps its rules in a table of its own, which nobody else touches.",
    },
    {
      family: "ip6",
      name: "flannel-ipv6",
      comment: "rules for flannel-ipv6",
      chains: [],
      why: "flanneld makes the table for IPv6 too, and leaves it empty in a cluster without IPv6.",
    },
  ];
}

function masquerade(network: FlannelNetwork, node: FlannelNode): NftChain {
  const cluster = network.network;
  const pods = formatSubnet(node.subnet);
  return {
    name: "postrtg",
    hook: "type nat hook postrouting priority srcnat;",
    comment: "chain to manage traffic masquerading by flannel",
    why: "Decides which packets get the node's address as their source.",
    rules: [
      {
        rule: "meta mark 0x00004000 return",
        why: "kube-proxy has marked this packet to masquerade it itself. Unlike the iptables rule, which looks at that bit alone, this one wants no other bit to be set.",
      },
      {
        rule: `ip saddr ${pods} ip daddr ${cluster} return`,
        why: "From a pod of this node to any pod: the source address stays, pods see each other's own addresses.",
      },
      {
        rule: `ip saddr ${cluster} ip daddr ${pods} return`,
        why: "The same for what other pods send to this node's pods.",
      },
      {
        rule: `ip saddr != ${pods} ip daddr ${cluster} return`,
        why: "Not what the iptables mode has in this place (from outside the cluster to a pod of this node): here it is from anything but this node's pods to any pod. The last rule is thereby never reached.",
      },
      {
        rule: `ip saddr ${cluster} ip daddr != 224.0.0.0/4 masquerade fully-random`,
        why: "From a pod to anywhere else but multicast: nobody out there knows a way back to a pod, so the packet gets the node's address.",
      },
      {
        rule: `ip saddr != ${cluster} ip daddr ${cluster} masquerade fully-random`,
        why: "From outside to a pod of another node. No packet comes here: the fourth rule has returned them all.",
      },
    ],
  };
}

function forward(network: FlannelNetwork): NftChain {
  return {
    name: "forward",
    hook: "type filter hook forward priority filter;",
    comment: "chain to accept flannel traffic",
    why: "Lets pods' packets through. It can't overrule another table: accepted here, a packet still meets the FORWARD chain of iptables.",
    rules: [
      { rule: `ip saddr ${network.network} accept`, why: "What pods send." },
      { rule: `ip daddr ${network.network} accept`, why: "What is sent to pods." },
    ],
  };
}
