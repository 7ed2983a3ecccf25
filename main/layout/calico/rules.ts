/**
 * The iptables rules that tunnels and NAT need, in Felix's order and with its comments, and the sets that they match. Written
 * as iptables-save prints them, but for the protocol: its name depends on the machine's /etc/protocols. Source: calico v3.33
 * felix/rules/{static,nat,rule_defs}.go, felix/dataplane/linux/{masq_mgr,ipset_hosts_mgr,vxlan_mgr}.go. Chains are laid out
 * from their first rule, which keeps the hashes true; policy (the chains cali-FORWARD, cali-fw-… and cali-tw-…, and what
 * else Felix has in cali-INPUT, cali-OUTPUT and the table raw) is not laid out yet.
 */

import type { IpSet, RuleTable } from "../../../preload/contract/topology.ts";
import type { CalicoNetwork } from "../../lab/schema.ts";
import { encapsulationOf } from "./encapsulation.ts";
import { type FelixRule, felixChain, jump } from "./felix-chain.ts";
import { IPIP_DEVICE } from "./ipip.ts";
import type { CalicoNode } from "./node.ts";
import { VXLAN_DEVICE } from "./vxlan.ts";

const ALL_HOSTS = "cali40all-hosts-net";
const VXLAN_SOURCES = "cali40all-vxlan-net";
const MASQ_POOLS = "cali40masq-ipam-pools";
const ALL_POOLS = "cali40network-ip-pools";

export function ipSets(network: CalicoNetwork, node: CalicoNode, nodes: CalicoNode[]): IpSet[] {
  return [
    ...tunnelSources(network, node, nodes),
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

/** Whose tunnelled packets a node takes in. */
function tunnelSources(network: CalicoNetwork, node: CalicoNode, nodes: CalicoNode[]): IpSet[] {
  switch (encapsulationOf(network).kind) {
    case "ipip":
      return [
        {
          name: ALL_HOSTS,
          type: "hash:net",
          members: nodes.map(({ address }) => address),
          why: "All nodes of the cluster: who may send IP in IP to this one.",
        },
      ];
    case "vxlan":
      return [
        {
          name: VXLAN_SOURCES,
          type: "hash:net",
          members: nodes.flatMap((other) => (other === node ? [] : other.address)),
          why: "All other nodes of the cluster: who may send VXLAN to this one.",
        },
      ];
    case "none":
      return [];
  }
}

/** All tables of a node. */
export function ruleTables(network: CalicoNetwork): RuleTable[] {
  switch (encapsulationOf(network).kind) {
    case "ipip":
      return [inputRules(ipipInput()), natRules(network, [masqueradeInto(IPIP_DEVICE)])];
    case "vxlan": {
      const { vxlanPort } = network;
      const ports = portsBeside(vxlanPort);
      const masquerade = [masqueradeUdpInto(VXLAN_DEVICE, ports, vxlanPort), masqueradeInto(VXLAN_DEVICE)];
      return [...untrackedRules(vxlanPort), inputRules(vxlanInput(vxlanPort)), natRules(network, masquerade)];
    }
    case "none":
      return [natRules(network, [])];
  }
}

function inputRules(rules: FelixRule[]): RuleTable {
  return {
    family: "ipv4",
    table: "filter",
    chains: ["cali-INPUT"],
    rules: [
      ...felixChain("INPUT", [jump("cali-INPUT", "Felix keeps its rules in chains of its own.")]),
      ...felixChain("cali-INPUT", rules),
    ],
  };
}

function ipipInput(): FelixRule[] {
  const source = `-m set --match-set ${ALL_HOSTS} src -m addrtype --dst-type LOCAL`;
  return [
    {
      comment: "Allow IPIP packets from Calico hosts",
      rendered: `-p 4 ${source} --jump ACCEPT`,
      saved: ["-p 4", `${source} -j ACCEPT`],
      why: "A tunnelled packet from a node of the cluster to this one is taken in. The tunnel itself asks nobody who he is.",
    },
    {
      comment: "Drop IPIP packets from non-Calico hosts",
      rendered: "-p 4 --jump DROP",
      saved: ["-p 4", "-j DROP"],
      why: "From anywhere else it is dropped: otherwise anyone could put packets among the pods, under any address.",
    },
  ];
}

function vxlanInput(port: number): FelixRule[] {
  const local = "-m addrtype --dst-type LOCAL";
  const source = `-m set --match-set ${VXLAN_SOURCES} src`;
  return [
    {
      comment: "Allow IPv4 VXLAN packets from allowed hosts",
      rendered: `-p 17 -m multiport --destination-ports ${port} ${source} ${local} --jump ACCEPT`,
      saved: ["-p 17", `-m multiport --dports ${port} ${source} ${local} -j ACCEPT`],
      why: "A tunnelled packet from a node of the cluster to this one is taken in. The tunnel itself asks nobody who he is.",
    },
    {
      comment: "Drop IPv4 VXLAN packets from non-allowed hosts",
      rendered: `-p 17 -m multiport --destination-ports ${port} ${local} --jump DROP`,
      saved: ["-p 17", `-m multiport --dports ${port} ${local} -j DROP`],
      why: "From anywhere else it is dropped: otherwise anyone could put packets among the pods, under any address. Any other VXLAN on this port is hit too, whatever its VNI.",
    },
  ];
}

/** The marks 0x10000 to 0x80000 are Felix's own. */
const CLEAR_MARKS: FelixRule = {
  rendered: "--jump MARK --set-mark 0/0xf0000",
  saved: ["", "-j MARK --set-xmark 0x0/0xf0000"],
  why: "Felix clears its own marks before it begins: nobody else's rules may have set them.",
};

function untrackedRules(port: number): RuleTable[] {
  const untracked: FelixRule = {
    rendered: `-p udp --dport ${port} --jump NOTRACK`,
    saved: [`-p 17 -m udp --dport ${port}`, "-j NOTRACK"],
    why: "Tunnelled packets are kept out of connection tracking: both directions go to this port, so that no two would ever look like question and answer.",
  };
  return [
    {
      family: "ipv4",
      table: "raw",
      chains: ["cali-OUTPUT", "cali-PREROUTING", "cali-to-host-endpoint"],
      rules: [
        ...felixChain("PREROUTING", [jump("cali-PREROUTING", "The packet has just come in.")]),
        ...felixChain("cali-PREROUTING", [CLEAR_MARKS, untracked]),
        ...felixChain("OUTPUT", [jump("cali-OUTPUT", "The node itself is about to send the packet.")]),
        ...felixChain("cali-OUTPUT", [
          CLEAR_MARKS,
          jump("cali-to-host-endpoint", "Rules for the node's own cards: none here."),
          untracked,
        ]),
      ],
    },
  ];
}

function natRules(network: CalicoNetwork, masquerade: FelixRule[]): RuleTable {
  const pools = `-m set --match-set ${MASQ_POOLS} src -m set ! --match-set ${ALL_POOLS} dst`;
  const outgoing: FelixRule = {
    rendered: `${pools} --jump MASQUERADE --random-fully`,
    saved: ["", `${pools} -j MASQUERADE --random-fully`],
    why: "From a pod to anywhere but a pod: nobody out there knows a way back to a pod, so the packet gets the node's address.",
  };
  return {
    family: "ipv4",
    table: "nat",
    chains: ["cali-POSTROUTING", "cali-fip-snat", "cali-nat-outgoing"],
    rules: [
      ...felixChain("POSTROUTING", [
        jump("cali-POSTROUTING", "The packet is about to leave the node; its way is known."),
      ]),
      ...felixChain("cali-POSTROUTING", [
        jump("cali-fip-snat", "Floating IPs: none here."),
        jump("cali-nat-outgoing", "What leaves the cluster is looked at there."),
        ...masquerade,
      ]),
      ...felixChain("cali-nat-outgoing", network.natOutgoing ? [outgoing] : []),
    ],
  };
}

const NOT_ITS_OWN_SOURCE = "-m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL";

function masqueradeInto(device: string): FelixRule {
  return {
    rendered: `--out-interface ${device} ${NOT_ITS_OWN_SOURCE} --jump MASQUERADE --random-fully`,
    saved: [`-o ${device}`, `${NOT_ITS_OWN_SOURCE} -j MASQUERADE --random-fully`],
    why: "What the node itself sends into the tunnel must come from the tunnel's address, else the answer would come back beside the tunnel.",
  };
}

function masqueradeUdpInto(device: string, ports: string, vxlanPort: number): FelixRule {
  return {
    rendered: `-p 17 --out-interface ${device} ${NOT_ITS_OWN_SOURCE} --jump MASQUERADE --to-ports ${ports} --random-fully`,
    saved: [`-o ${device} -p 17`, `${NOT_ITS_OWN_SOURCE} -j MASQUERADE --to-ports ${ports} --random-fully`],
    why: `The same for UDP, but never with the source port ${vxlanPort}: the answer to it would be taken for a tunnelled packet and dropped.`,
  };
}

/** Whichever side of the port is wider, without the privileged ports: a range has no hole. */
function portsBeside(port: number): string {
  const [lowest, highest] = [1024, 65535];
  return port - lowest >= highest - port ? `${lowest}-${port - 1}` : `${port + 1}-${highest}`;
}
