/** Which of a node's addresses other nodes reach it by. */

import type { FlannelNetwork, LabNode } from "../../lab/schema.ts";
import { nodeAddresses } from "../underlay.ts";

/** The address of the card that `iface` names; undefined for a node that has no such card. */
export function externalAddress(network: FlannelNetwork, node: LabNode): string | undefined {
  return nodeAddresses(node)[Number(network.iface.slice("eth".length))];
}
