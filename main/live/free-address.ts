/** Addresses for a node that joins. Pure. */

import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { Lab } from "../lab/schema.ts";
import {
  formatAddress,
  holdsAddress,
  lastAddress,
  parseAddress,
  parsePrefixed,
  parseSubnet,
} from "../layout/address.ts";
import { networkOf, nodeAddresses } from "../layout/underlay.ts";

/**
 * The one that is asked for, else one of the network that is asked for, else one of the first node's network. Where the first
 * node has cards on more networks, so has the new one.
 */
export function chooseAddresses(lab: Lab, wanted: { address?: string; network?: string }): Result<string[]> {
  const cards = lab.nodes[0] ? nodeAddresses(lab.nodes[0]).map((address) => networkOf(lab, address)?.name) : [];
  const first = wanted.address === undefined ? chooseAddress(lab, wanted.network) : ok(wanted.address);
  if (!first.ok) return first;
  const home = networkOf(lab, first.value)?.name;
  const addresses = [first.value];
  for (const network of cards.includes(home) ? cards.filter((name) => name !== home) : []) {
    const address = chooseAddress(lab, network);
    if (!address.ok) return address;
    addresses.push(address.value);
  }
  return ok(addresses);
}

/** The one behind the last node of that network (of the first node's unless named), else its lowest free one. */
function chooseAddress(lab: Lab, wanted: string | undefined): Result<string> {
  const { networks } = lab.underlay;
  const first = lab.nodes[0] && networkOf(lab, nodeAddresses(lab.nodes[0])[0]!);
  const network = wanted === undefined ? first : networks.find(({ name }) => name === wanted);
  const subnet = network && parseSubnet(network.subnet);
  if (!network || !subnet) {
    return fail("not-found", `the lab ${lab.id} has no network ${JSON.stringify(wanted)}`, {
      fix: `It has ${networks.map(({ name }) => name).join(", ")}.`,
    });
  }
  const nodes = lab.nodes.flatMap(nodeAddresses).flatMap((text) => parseAddress(text) ?? []);
  const others = lab.namespaces
    .flatMap((netns) => [...netns.interfaces, ...netns.bridges])
    .flatMap((item) => item.addresses)
    .flatMap((text) => parsePrefixed(text)?.address ?? []);
  const gateway = network.gateway === undefined ? undefined : parseAddress(network.gateway);
  const taken = new Set([...nodes, ...others, gateway]);
  const last = Math.max(subnet.base, ...nodes.filter((address) => holdsAddress(subnet, address)));
  const isFree = (address: number) => !taken.has(address) && address < lastAddress(subnet);
  for (let address = last + 1; address < lastAddress(subnet); address++) {
    if (isFree(address)) return ok(formatAddress(address));
  }
  for (let address = subnet.base + 1; address < last; address++) {
    if (isFree(address)) return ok(formatAddress(address));
  }
  return fail("bad-input", `no address of ${network.name} (${network.subnet}) is free for another node`, {
    fix: "Remove a node first, or name another network.",
  });
}
