/** The traffic that a lab suggests: what its file says, else a ping that shows what it is about. Pure. */

import type { Traffic } from "../../preload/contract/lab.ts";
import type { Lab } from "./schema.ts";

/** Traffic from the file; else its first ping check; else a ping between two pods, on different nodes if there are such. */
export function suggestTraffic(lab: Lab): Traffic[] {
  if (lab.traffic.length > 0) return lab.traffic;
  const ping = lab.checks.find((check) => check.ping)?.ping;
  const ends = ping ?? farPods(lab) ?? farNamespaces(lab);
  return ends ? [{ ...ends, protocol: "icmp", count: 1 }] : [];
}

function farPods({ pods }: Lab): { from: string; to: string } | undefined {
  const [first] = pods;
  const other = pods.find((pod) => pod.node !== first?.node) ?? pods[1];
  return first && other ? { from: `pod/${first.name}`, to: `pod/${other.name}` } : undefined;
}

function farNamespaces({ namespaces }: Lab): { from: string; to: string } | undefined {
  const [first, second] = namespaces.filter((namespace) =>
    namespace.interfaces.some((item) => item.addresses.length > 0),
  );
  return first && second ? { from: first.name, to: second.name } : undefined;
}
