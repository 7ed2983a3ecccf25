/** One thing that makes no sense in a lab whose shape is right, and the checks that every part needs. */

import { formatAddress, lastAddress, parseSubnet, type Subnet, subnetsOverlap } from "../layout/address.ts";
import { show } from "./issue.ts";
import type { Path } from "./locate.ts";

export interface Finding {
  /** To the value, from the top of the lab file. */
  path: Path;
  message: string;
}

/** Addresses that no machine can have: "this network", loopback, multicast and reserved (RFC 6890). */
const UNUSABLE = ["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"].map((text) => parseSubnet(text)!);

/** Finds what is there twice; `path` gives the place of an item. */
export function findTwice<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  path: (index: number) => Path,
): Finding[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const name = nameOf(item);
    if (seen.has(name)) return [{ path: path(index), message: `${show(name)} is there twice; allowed is once` }];
    seen.add(name);
    return [];
  });
}

/** A subnet of machines: no host bits, room for two, and nothing that no machine can have. */
export function checkSubnet(text: string, path: Path): Finding[] {
  const subnet = parseSubnet(text);
  if (!subnet) {
    const [address = "", length = ""] = text.split("/");
    return [
      {
        path,
        message: `${address} is not the first address of a /${length}; allowed is ${firstOf(address, Number(length))}/${length}`,
      },
    ];
  }
  if (subnet.length > 30)
    return [{ path, message: `${text} has no room for two machines; allowed is a prefix length of at most 30` }];
  return checkUsable(subnet, text, path);
}

export function checkUsable(subnet: Subnet, text: string, path: Path): Finding[] {
  const clash = UNUSABLE.find((range) => subnetsOverlap(range, subnet));
  if (!clash) return [];
  const range = `${formatAddress(clash.base)} to ${formatAddress(lastAddress(clash))}`;
  return [{ path, message: `${text} is in the range ${range}, which no machine can have` }];
}

/** The network and the broadcast address of a subnet belong to no machine. */
export function checkHostAddress(address: number, subnet: Subnet, path: Path): Finding[] {
  if (subnet.length > 30) return [];
  const name = address === subnet.base ? "network" : address === lastAddress(subnet) ? "broadcast" : undefined;
  if (!name) return [];
  const range = `${formatAddress(subnet.base + 1)} to ${formatAddress(lastAddress(subnet) - 1)}`;
  return [{ path, message: `${formatAddress(address)} is the ${name} address of its subnet; allowed is ${range}` }];
}

/** `a, b, c`, cut after 20. */
export function list(names: readonly string[]): string {
  if (names.length === 0) return "none, because there are none";
  const distinct = [...new Set(names)];
  const rest = distinct.length > 20 ? ` and ${distinct.length - 20} more` : "";
  return distinct.slice(0, 20).join(", ") + rest;
}

function firstOf(address: string, length: number): string {
  const number = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return formatAddress(number - (number % 2 ** (32 - length)));
}
