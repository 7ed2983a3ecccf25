/** Checks the cluster part of a lab: underlay, nodes, network plugin, services and pods. */

import {
  formatSubnet,
  holdsAddress,
  lastAddress,
  parseAddress,
  parseSubnet,
  subnetSize,
  subnetsOverlap,
} from "../layout/address.ts";
import { blocksInPool, blocksNeeded } from "../layout/calico/blocks.ts";
import { encapsulationOf, hasTwoEncapsulations } from "../layout/calico/encapsulation.ts";
import { externalAddress } from "../layout/flannel/external.ts";
import { podsPerNode, subnetRange } from "../layout/flannel/subnets.ts";
import { networkOf, nodeAddresses } from "../layout/underlay.ts";
import { checkHostAddress, checkSubnet, checkUsable, type Finding, findTwice, list } from "./finding.ts";
import { show } from "./issue.ts";
import type { Path } from "./locate.ts";
import {
  type CalicoNetwork,
  type FlannelNetwork,
  INTERFACE_NAME_BYTES,
  type Lab,
  type LabNetwork,
  type LabNode,
} from "./schema.ts";

type Damaged = ReadonlySet<string>;

export function validateCluster(lab: Lab, damaged: Damaged): Finding[] {
  return [
    ...checkNetworks(lab),
    ...checkNodes(lab, damaged),
    ...checkOverlaps(lab),
    ...(lab.services?.network ? checkSubnet(lab.services.network, ["services", "network"]) : []),
    ...checkPlugin(lab, damaged),
    ...checkPods(lab, damaged),
  ];
}

function checkNetworks(lab: Lab): Finding[] {
  const { networks } = lab.underlay;
  const at = (index: number, key: string): Path => ["underlay", "networks", index, key];
  return [
    ...findTwice(
      networks,
      (network) => network.name,
      (index) => at(index, "name"),
    ),
    ...networks.flatMap((network, index) => {
      const findings = checkSubnet(network.subnet, at(index, "subnet"));
      const subnet = parseSubnet(network.subnet);
      const gateway = network.gateway === undefined ? undefined : parseAddress(network.gateway);
      if (!subnet || gateway === undefined) return findings;
      const path = at(index, "gateway");
      return holdsAddress(subnet, gateway)
        ? [...findings, ...checkHostAddress(gateway, subnet, path)]
        : [...findings, { path, message: `${network.gateway} is outside ${network.subnet}` }];
    }),
  ];
}

function checkNodes(lab: Lab, damaged: Damaged): Finding[] {
  const { networks } = lab.underlay;
  const findings = findTwice(
    lab.nodes,
    (node) => node.name,
    (index) => ["nodes", index, "name"],
  );
  const owners = new Map<string, string>();
  for (const [index, node] of lab.nodes.entries()) {
    const joined = new Set<string>();
    for (const [position, address] of nodeAddresses(node).entries()) {
      const path: Path = ["nodes", index, "address", ...(typeof node.address === "string" ? [] : [position])];
      const owner = owners.get(address);
      if (owner) findings.push({ path, message: `${address} belongs to ${owner} already` });
      owners.set(address, node.name);
      const network = networkOf(lab, address);
      if (!network) {
        if (damaged.has("underlay")) continue;
        const known = networks.map(({ name, subnet }) => `${name} ${subnet}`);
        findings.push({ path, message: `${address} is outside every underlay network; allowed are ${list(known)}` });
        continue;
      }
      findings.push(...checkHostAddress(parseAddress(address)!, parseSubnet(network.subnet)!, path));
      if (joined.has(network.name)) {
        findings.push({
          path,
          message: `${node.name} is on ${network.name} already; allowed is one address per network`,
        });
      }
      joined.add(network.name);
    }
    findings.push(...checkNamedNetwork(lab, index, damaged));
  }
  return findings;
}

function checkNamedNetwork(lab: Lab, index: number, damaged: Damaged): Finding[] {
  const node = lab.nodes[index]!;
  const path: Path = ["nodes", index, "network"];
  if (node.network === undefined || damaged.has("underlay")) return [];
  const named = lab.underlay.networks.find(({ name }) => name === node.network);
  if (!named) {
    const known = lab.underlay.networks.map(({ name }) => name);
    return [{ path, message: `found ${show(node.network)}; allowed are ${list(known)}` }];
  }
  const address = nodeAddresses(node)[0]!;
  const subnet = parseSubnet(named.subnet);
  if (!subnet || holdsAddress(subnet, parseAddress(address)!)) return [];
  return [{ path, message: `${address} is outside ${named.name} (${named.subnet})` }];
}

/** Pod network, service network and underlay networks must all be apart: an address must mean one thing. */
function checkOverlaps(lab: Lab): Finding[] {
  const ranges = [
    ...lab.underlay.networks.map(({ name, subnet }, index) => ({
      name: `the underlay network ${name}`,
      text: subnet,
      path: ["underlay", "networks", index, "subnet"],
    })),
    ...(lab.network ? [{ name: "the pod network", text: lab.network.network, path: ["network", "network"] }] : []),
    ...(lab.services?.network
      ? [{ name: "the service network", text: lab.services.network, path: ["services", "network"] }]
      : []),
  ];
  return ranges.flatMap((range, index) =>
    ranges.slice(0, index).flatMap((other) => {
      const [a, b] = [parseSubnet(range.text), parseSubnet(other.text)];
      if (!a || !b || !subnetsOverlap(a, b)) return [];
      return [
        {
          path: range.path,
          message: `${range.name} ${range.text} overlaps ${other.name} ${other.text}; packets to the shared addresses would go astray`,
        },
      ];
    }),
  );
}

function checkPlugin(lab: Lab, damaged: Damaged): Finding[] {
  switch (lab.network?.plugin) {
    case "flannel":
      return checkFlannel(lab, lab.network, damaged);
    case "calico":
      return checkCalico(lab, lab.network, damaged);
    case undefined:
      return [];
  }
}

function checkCalico(lab: Lab, network: CalicoNetwork, damaged: Damaged): Finding[] {
  const whole = parseSubnet(network.network);
  if (!whole) return checkSubnet(network.network, ["network", "network"]);
  const findings = checkUsable(whole, network.network, ["network", "network"]);
  if (damaged.has("network")) return findings;
  findings.push(...checkEncapsulation(network));
  if (network.blockSize < whole.length) {
    const message = `found ${network.blockSize}; allowed is at least the ${whole.length} of the network ${network.network}`;
    return [...findings, { path: ["network", "blockSize"], message }];
  }
  const needed = [...blocksNeeded(lab, network).values()].reduce((sum, count) => sum + count, 0);
  const available = blocksInPool(network);
  if (needed > available) {
    const message = `${lab.nodes.length} nodes need ${needed} blocks of a /${network.blockSize} for their tunnels and pods, but ${network.network} has only ${available}`;
    findings.push({ path: ["network", "blockSize"], message });
  }
  return findings;
}

function checkEncapsulation(network: CalicoNetwork): Finding[] {
  if (hasTwoEncapsulations(network)) {
    const message = `ipipMode is ${network.ipipMode} and vxlanMode ${network.vxlanMode}; allowed is one encapsulation of a pool: leave one of the two out`;
    return [{ path: ["network", "vxlanMode"], message }];
  }
  switch (encapsulationOf(network).kind) {
    case "ipip":
      return [];
    case "vxlan": {
      if (network.routes === "felix") return [];
      const message = "found bird; allowed is felix: Felix writes the routes of VXLAN in every version of Calico";
      return [{ path: ["network", "routes"], message }];
    }
    case "none":
      return [];
  }
}

function checkFlannel(lab: Lab, network: FlannelNetwork, damaged: Damaged): Finding[] {
  const whole = parseSubnet(network.network);
  const findings: Finding[] = [];
  if (network.backend.type === "vxlan") {
    const device = `flannel.${network.backend.vni}`;
    if (device.length > INTERFACE_NAME_BYTES) {
      findings.push({
        path: ["network", "backend", "vni"],
        message: `the tunnel device would be called ${device}, which is ${device.length} bytes; allowed is an interface name of at most ${INTERFACE_NAME_BYTES}, that is a vni of at most 9999999`,
      });
    }
  }
  if (network.backend.type === "host-gw") findings.push(...checkOneNetwork(lab, network));
  findings.push(...checkIface(lab, network));
  if (!whole) return [...findings, ...checkSubnet(network.network, ["network", "network"])];
  findings.push(...checkUsable(whole, network.network, ["network", "network"]));
  if (damaged.has("network")) return findings;
  if (network.subnetLen <= whole.length) {
    const message = `found ${network.subnetLen}; allowed is more than the ${whole.length} of the network ${network.network}`;
    return [...findings, { path: ["network", "subnetLen"], message }];
  }
  const limits = (["subnetMin", "subnetMax"] as const).flatMap((key) => checkLimit(network, key));
  findings.push(...limits);
  if (limits.length > 0) return findings;
  const range = subnetRange(network);
  if (range.count < 1) {
    const message = `subnetMin ${network.subnetMin} is behind the last subnet that may be given out`;
    findings.push({ path: ["network", "subnetMin"], message });
  } else if (range.count < lab.nodes.length) {
    const message = `${lab.nodes.length} nodes need a /${network.subnetLen} each, but there are only ${range.count}`;
    const key = network.subnetMax ? "subnetMax" : network.subnetMin ? "subnetMin" : "subnetLen";
    findings.push({ path: ["network", key], message });
  }
  return findings;
}

function checkLimit(network: FlannelNetwork, key: "subnetMin" | "subnetMax"): Finding[] {
  const text = network[key];
  const whole = parseSubnet(network.network)!;
  if (text === undefined) return [];
  const path: Path = ["network", key];
  const address = parseAddress(text)!;
  if (!holdsAddress(whole, address)) {
    const message = `${text} is outside the network ${network.network}`;
    return [{ path, message }];
  }
  const size = subnetSize(network.subnetLen);
  if ((address - whole.base) % size !== 0) {
    const below = { base: address - ((address - whole.base) % size), length: network.subnetLen };
    const message = `${text} is not the first address of a /${network.subnetLen}; the one around it is ${formatSubnet(below)}`;
    return [{ path, message }];
  }
  return lastAddress(whole) < address + size - 1
    ? [{ path, message: `a /${network.subnetLen} at ${text} ends outside ${network.network}` }]
    : [];
}

/** host-gw leaves packets as they are, so that the next hop must be the other node itself. */
function checkOneNetwork(lab: Lab, network: FlannelNetwork): Finding[] {
  const home = lab.nodes[0] && externalNetwork(lab, network, lab.nodes[0]);
  return lab.nodes.flatMap((node, index) => {
    const found = externalNetwork(lab, network, node);
    if (!home || !found || found === home) return [];
    const message = `${node.name} is on ${found.name} and ${lab.nodes[0]!.name} on ${home.name}, with a router between them; host-gw sends a pod's packet as it is to the other node, which must be a neighbour: a router has never heard of ${network.network} and drops it. Put all nodes on one network, or use the backend { type: vxlan, directRouting: true }: routes as with host-gw inside a network, a tunnel across the router`;
    return [{ path: ["nodes", index, "address"], message }];
  });
}

function externalNetwork(lab: Lab, network: FlannelNetwork, node: LabNode): LabNetwork | undefined {
  const address = externalAddress(network, node);
  return address === undefined ? undefined : networkOf(lab, address);
}

function checkIface(lab: Lab, network: FlannelNetwork): Finding[] {
  const without = lab.nodes.find((node) => externalAddress(network, node) === undefined);
  if (!without) return [];
  const cards = nodeAddresses(without).map((_, index) => `eth${index}`);
  const message = `${without.name} has no ${network.iface}; allowed are the cards that every node has, here ${list(cards)}`;
  return [{ path: ["network", "iface"], message }];
}

function checkPods(lab: Lab, damaged: Damaged): Finding[] {
  const findings = findTwice(
    lab.pods,
    (pod) => pod.name,
    (index) => ["pods", index, "name"],
  );
  if (lab.pods.length > 0 && !lab.network && !damaged.has("network")) {
    findings.push({ path: ["pods"], message: "pods need a network plugin, but there is no key network" });
  }
  const nodes = lab.nodes.map(({ name }) => name);
  // Calico takes another block where one is full.
  const share = lab.network?.plugin === "flannel" && !damaged.has("network") ? lab.network : undefined;
  const room = share ? podsPerNode(share) : Number.POSITIVE_INFINITY;
  const counts = new Map<string, number>();
  for (const [index, pod] of lab.pods.entries()) {
    if (!nodes.includes(pod.node)) {
      if (damaged.has("nodes")) continue;
      findings.push({ path: ["pods", index, "node"], message: `found ${show(pod.node)}; allowed are ${list(nodes)}` });
      continue;
    }
    const count = (counts.get(pod.node) ?? 0) + 1;
    counts.set(pod.node, count);
    if (count === room + 1) {
      const message = `${pod.node} has no address left for ${pod.name}; allowed are ${room} pods in a /${share?.subnetLen}`;
      findings.push({ path: ["pods", index, "node"], message });
    }
  }
  return findings;
}
