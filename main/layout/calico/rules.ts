/**
 * The iptables rules that IPIP and NAT need, in Felix's order and with its comments, and the sets that they match. Written as
 * iptables-save prints them, but for the protocol: its name depends on the machine's /etc/protocols. Source: calico v3.33 felix/rules/{static,nat,rule_defs}.go, felix/dataplane/linux/{masq_mgr,
 * ipset_hosts_mgr}.go. The `cali:` comments are Felix's own hashes of the chain's name and its rules up to that one
 * (felix/generictables/rules.go), so they are those of a real cluster. Policy (the chains cali-FORWARD, cali-fw-… and
 * cali-tw-…, and what else Felix has in cali-INPUT) is not laid out yet.
 */

import type { IpSet, RuleTable } from "../../../preload/contract/topology.ts";
import type { CalicoNetwork } from "../../lab/schema.ts";
import { IPIP_DEVICE } from "./ipip.ts";
import type { CalicoNode } from "./node.ts";

const ALL_HOSTS = "cali40all-hosts-net";
const MASQ_POOLS = "cali40masq-ipam-pools";
const ALL_POOLS = "cali40network-ip-pools";

function hash(text: string): string {
  return `-m comment --comment "cali:${text}"`;
}

export function ipSets(network: CalicoNetwork, nodes: CalicoNode[]): IpSet[] {
  return [
    {
      name: ALL_HOSTS,
      type: "hash:net",
      members: nodes.map(({ address }) => address),
      why: "All nodes of the cluster: who may send IP in IP to this one.",
    },
    {
      name: ALL_POOLS,
      type: "hash:net",
      members: [network.network],
      why: "All pools: addresses that know a way back to a pod.",
    },
    {
      name: MASQ_POOLS,
      type: "hash:net",
      members: network.natOutgoing ? [network.network] : [],
      why: "The pools with natOutgoing: whose packets get the node's address on their way out of the cluster.",
    },
  ];
}

export function inputRules(): RuleTable {
  return {
    family: "ipv4",
    table: "filter",
    chains: ["cali-INPUT"],
    rules: [
      {
        rule: `-A INPUT ${hash("Cz_u1IQiXIMmKD4c")} -j cali-INPUT`,
        why: "Felix keeps its rules in chains of its own.",
      },
      {
        rule: `-A cali-INPUT -p 4 ${hash("PajejrV4aFdkZojI")} -m comment --comment "Allow IPIP packets from Calico hosts" -m set --match-set ${ALL_HOSTS} src -m addrtype --dst-type LOCAL -j ACCEPT`,
        why: "A tunnelled packet from a node of the cluster to this one is taken in. The tunnel itself asks nobody who he is.",
      },
      {
        rule: `-A cali-INPUT -p 4 ${hash("_wjq-Yrma8Ly1Svo")} -m comment --comment "Drop IPIP packets from non-Calico hosts" -j DROP`,
        why: "From anywhere else it is dropped: otherwise anyone could put packets among the pods, under any address.",
      },
    ],
  };
}

export function natRules(network: CalicoNetwork): RuleTable {
  const masquerade = {
    rule: `-A cali-nat-outgoing ${hash("W_qq_N2KSTWyCvrX")} -m set --match-set ${MASQ_POOLS} src -m set ! --match-set ${ALL_POOLS} dst -j MASQUERADE --random-fully`,
    why: "From a pod to anywhere but a pod: nobody out there knows a way back to a pod, so the packet gets the node's address.",
  };
  return {
    family: "ipv4",
    table: "nat",
    chains: ["cali-POSTROUTING", "cali-fip-snat", "cali-nat-outgoing"],
    rules: [
      {
        rule: `-A POSTROUTING ${hash("O3lYWMrLQYEMJtB5")} -j cali-POSTROUTING`,
        why: "The packet is about to leave the node; its way is known.",
      },
      { rule: `-A cali-POSTROUTING ${hash("Z-c7XtVd2Bq7s_hA")} -j cali-fip-snat`, why: "Floating IPs: none here." },
      {
        rule: `-A cali-POSTROUTING ${hash("nYKhEzDlr11Jccal")} -j cali-nat-outgoing`,
        why: "What leaves the cluster is looked at there.",
      },
      {
        rule: `-A cali-POSTROUTING -o ${IPIP_DEVICE} ${hash("SXWvdsbh4Mw7wOln")} -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL -j MASQUERADE --random-fully`,
        why: "What the node itself sends into the tunnel must come from the tunnel's address, else the answer would come back beside the tunnel.",
      },
      ...(network.natOutgoing ? [masquerade] : []),
    ],
  };
}
