/** Layer 2 and 3: what Linux itself does. */

import type { Fact, LabFacts } from "./fact.ts";

const BRIDGE_ARP: Fact[] = [
  {
    says: "the switch is a bridge of three ports that all forward",
    source: "Linux bridge(8)",
    netns: "switch",
    read: String.raw`bridge link show | sed -n 's/^[0-9]*: \(port[0-9]\).* state \([a-z]*\) .*/\1 \2/p'`,
    is: ["port1 forwarding", "port2 forwarding", "port3 forwarding"],
  },
];

export const facts: LabFacts[] = [{ lab: "bridge-arp", facts: BRIDGE_ARP }];
