/** A Flannel VXLAN cluster of 20 nodes and 200 pods, as a lab file. */

export const NODES = 20;
export const PODS_PER_NODE = 10;

export function nodeAddress(node: number): string {
  return `192.168.32.${100 + node}`;
}

export function largeLab(): string {
  const nodes = Array.from({ length: NODES }, (_, node) => ({ name: `node${node + 1}`, address: nodeAddress(node) }));
  const pods = nodes.flatMap(({ name }, node) =>
    Array.from({ length: PODS_PER_NODE }, (_, pod) => ({ name: `p${node + 1}-${pod + 1}`, node: name })),
  );
  const title = "20 nodes, 200 pods";
  // JSON is YAML.
  return JSON.stringify({
    id: "bench-large",
    title: { en: title, "zh-Hant": title, "zh-Hans": title },
    summary: { en: title, "zh-Hant": title, "zh-Hans": title },
    requires: ["veth", "bridge", "br_netfilter", "vxlan", "iptables"],
    underlay: { networks: [{ name: "lan", subnet: "192.168.32.0/24" }] },
    nodes,
    network: { plugin: "flannel", network: "10.244.0.0/16", backend: { type: "vxlan", vni: 1, port: 8472 } },
    pods,
  });
}
