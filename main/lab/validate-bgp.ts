/** Checks who speaks BGP with whom: both sides must exist, be near each other and agree on their AS numbers. */

import { holdsAddress, parseAddress, parsePrefixed, parseSubnet } from "../layout/address.ts";
import { birdWithAddress } from "../layout/bird.ts";
import { asOf, bgpOf, needsBird } from "../layout/calico/bgp.ts";
import { networkOf, nodeAddresses } from "../layout/underlay.ts";
import { type Finding, findTwice, list } from "./finding.ts";
import { show } from "./issue.ts";
import type { Path } from "./locate.ts";
import type { CalicoNetwork, Lab, LabNamespace } from "./schema.ts";

/** `damaged`: top-level keys of which the schema refused something. */
export function validateBgp(lab: Lab, damaged: ReadonlySet<string>): Finding[] {
  const routers = lab.namespaces.flatMap((netns, index) => checkRouter(lab, netns, ["namespaces", index, "bird"]));
  if (["nodes", "network", "namespaces"].some((key) => damaged.has(key))) return [];
  return [...checkCluster(lab), ...routers];
}

function checkCluster(lab: Lab): Finding[] {
  const network = lab.network?.plugin === "calico" ? lab.network : undefined;
  if (network && needsBird(network)) return checkCalicoBgp(lab, network);
  const findings: Finding[] = [];
  for (const [index, node] of lab.nodes.entries()) {
    if (node.as === undefined) continue;
    findings.push({
      path: ["nodes", index, "as"],
      message: "no BGP runs on the nodes of this lab; allowed with Calico without encapsulation, or with routes: bird",
    });
  }
  if (network?.bgp) {
    findings.push({
      path: ["network", "bgp"],
      message:
        "Felix writes the routes of this pool, not BIRD; allowed where both modes are Never, or with IPIP and routes: bird",
    });
  }
  return findings;
}

function checkCalicoBgp(lab: Lab, network: CalicoNetwork): Finding[] {
  const { mesh, reflectors, peers } = bgpOf(network);
  const names = lab.nodes.map(({ name }) => name);
  const path: Path = ["network", "bgp"];
  const findings = findTwice(
    reflectors,
    (name) => name,
    (index) => [...path, "reflectors", index],
  );
  findings.push(
    ...findTwice(
      peers,
      ({ address }) => address,
      (index) => [...path, "peers", index, "address"],
    ),
  );
  const checkName = (name: string, place: Path) => {
    if (!names.includes(name))
      findings.push({ path: place, message: `there is no node ${show(name)}; allowed are ${list(names)}` });
  };
  for (const [index, name] of reflectors.entries()) checkName(name, [...path, "reflectors", index]);
  for (const [index, peer] of peers.entries()) {
    const place = [...path, "peers", index];
    for (const [at, name] of (peer.nodes ?? []).entries()) checkName(name, [...place, "nodes", at]);
    if (lab.nodes.some((node) => nodeAddresses(node).includes(peer.address))) {
      findings.push({ path: [...place, "address"], message: `${peer.address} is a node; allowed is a router outside` });
    }
    const router = birdWithAddress(lab, peer.address);
    if (!router && !lab.nodes.some((node) => nodeAddresses(node).includes(peer.address))) {
      const message = `nothing with the address ${peer.address} speaks BGP in this lab; allowed is a namespace with that address and a bird`;
      findings.push({ path: [...place, "address"], message });
    }
    if (router && router.as !== peer.as) {
      const message = `found ${peer.as}, but the router with ${peer.address} is in AS ${router.as}`;
      findings.push({ path: [...place, "as"], message });
    }
    const speaking = lab.nodes.filter(({ name }) => peer.nodes?.includes(name) ?? true);
    const unknown = router && speaking.find((node) => !knows(router, nodeAddresses(node)[0]!));
    if (unknown) {
      const message = `the router with ${peer.address} does not have ${unknown.name} (${nodeAddresses(unknown)[0]}) among its neighbours`;
      findings.push({ path: [...place, "address"], message });
    }
  }
  if (mesh || reflectors.length > 0) findings.push(...checkWays(lab));
  if (!mesh && reflectors.length === 0 && peers.length === 0 && lab.nodes.length > 1) {
    const message = "no node would hear of another; allowed is mesh: true, or at least one of reflectors and peers";
    findings.push({ path: [...path, "mesh"], message });
  }
  return findings;
}

/** Nodes that speak with each other must be on one network, or on networks that something is on both of. */
function checkWays(lab: Lab): Finding[] {
  const homes = lab.nodes.map((node) => networkOf(lab, nodeAddresses(node)[0]!)?.name);
  const joints = [
    ...lab.nodes.map(nodeAddresses),
    ...lab.namespaces.map((netns) =>
      [...netns.interfaces, ...netns.bridges].flatMap((item) => item.addresses.map((text) => text.split("/")[0]!)),
    ),
  ].map((addresses) => addresses.flatMap((address) => networkOf(lab, address)?.name ?? []));
  const reached = new Set([homes[0]]);
  for (let known = 0; known < reached.size; ) {
    known = reached.size;
    for (const networks of joints) {
      if (networks.some((name) => reached.has(name))) for (const name of networks) reached.add(name);
    }
  }
  const at = homes.findIndex((home) => home !== undefined && !reached.has(home));
  if (at < 0 || homes[0] === undefined) return [];
  const message = `${lab.nodes[at]!.name} is on ${homes[at]} and ${lab.nodes[0]!.name} on ${homes[0]}, and nothing is on both: they would never speak BGP; allowed is a namespace that routes between them`;
  return [{ path: ["nodes", at, "address"], message }];
}

function knows(router: NonNullable<LabNamespace["bird"]>, address: string): boolean {
  return router.neighbours.some((neighbour) => neighbour.address === address);
}

function checkRouter(lab: Lab, netns: LabNamespace, path: Path): Finding[] {
  if (!netns.bird) return [];
  const { as, neighbours, networks } = netns.bird;
  const addresses = [...netns.interfaces, ...netns.bridges].flatMap((item) => item.addresses);
  const subnets = addresses.map((text) => parsePrefixed(text)!.subnet);
  if (addresses.length === 0) {
    return [{ path, message: `${netns.name} has no address to speak from; allowed is at least one` }];
  }
  const findings = findTwice(
    neighbours,
    ({ address }) => address,
    (index) => [...path, "neighbours", index, "address"],
  );
  for (const [index, neighbour] of neighbours.entries()) {
    const place: Path = [...path, "neighbours", index];
    const number = parseAddress(neighbour.address)!;
    if (!subnets.some((subnet) => holdsAddress(subnet, number))) {
      const message = `${neighbour.address} is in no subnet of ${netns.name}; allowed is a neighbour on the same wire`;
      findings.push({ path: [...place, "address"], message });
    }
    const theirs = asOfSpeaker(lab, neighbour.address);
    if (theirs !== undefined && theirs !== neighbour.as) {
      const message = `found ${neighbour.as}, but ${neighbour.address} is in AS ${theirs}`;
      findings.push({ path: [...place, "as"], message });
    }
    const router = birdWithAddress(lab, neighbour.address);
    const back = router?.neighbours.find((each) => addresses.some((text) => text.split("/")[0] === each.address));
    if (router && !back) {
      const message = `${neighbour.address} does not have ${netns.name} among its own neighbours`;
      findings.push({ path: [...place, "address"], message });
    } else if (theirs === undefined) {
      const message = `nothing with the address ${neighbour.address} speaks BGP in this lab`;
      findings.push({ path: [...place, "address"], message });
    } else if (!router && !isPeer(lab, neighbour.address, addresses)) {
      const message = `the node with ${neighbour.address} does not have ${netns.name} (AS ${as}) among the peers of network.bgp`;
      findings.push({ path: [...place, "address"], message });
    }
  }
  for (const [index, text] of networks.entries()) {
    const subnet = parseSubnet(text);
    const place: Path = [...path, "networks", index];
    if (!subnet) {
      findings.push({ path: place, message: `${text} has host bits set; allowed is the first address of the subnet` });
      continue;
    }
    const connected = subnets.some(({ base, length }) => base === subnet.base && length === subnet.length);
    const routed = netns.routes.some(({ to }) => to === text || (to === "default" && text === "0.0.0.0/0"));
    if (!connected && !routed) {
      const message = `${netns.name} has no route to ${text}, so it would never announce it; allowed are its subnets and routes`;
      findings.push({ path: place, message });
    }
  }
  return findings;
}

/** The AS of the speaker with that address; undefined where none has it. */
function asOfSpeaker(lab: Lab, address: string): number | undefined {
  const node = lab.nodes.find((each) => nodeAddresses(each)[0] === address);
  if (!node) return birdWithAddress(lab, address)?.as;
  return lab.network?.plugin === "calico" && needsBird(lab.network) ? asOf(lab.network, node) : undefined;
}

/** Whether the node with that address has one of these addresses as a peer. */
function isPeer(lab: Lab, address: string, addresses: readonly string[]): boolean {
  if (lab.network?.plugin !== "calico") return false;
  const node = lab.nodes.find((each) => nodeAddresses(each)[0] === address);
  return bgpOf(lab.network).peers.some(
    (peer) =>
      addresses.some((text) => text.split("/")[0] === peer.address) &&
      (peer.nodes === undefined || (node !== undefined && peer.nodes.includes(node.name))),
  );
}
