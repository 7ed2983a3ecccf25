/** Addresses of interfaces. */

import type { Interface } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

/** Longer prefixes have no broadcast address (RFC 3021). */
const LONGEST_WITH_BROADCAST = 30;

export function planAddresses(item: Interface, verb: "add" | "replace" = "add"): Step[] {
  return item.addresses.map((address) => {
    const length = Number(address.split("/")[1]);
    const broadcast = length <= LONGEST_WITH_BROADCAST ? " brd +" : "";
    return { command: `address ${verb} ${address}${broadcast} dev ${item.name}`, why: `The address of ${item.name}.` };
  });
}
