/** What each Flannel lab can suffer from, and what the faults do to the topology. Kernel tests show that it then breaks. */

import { describe, expect, it } from "vitest";
import { faultsOf } from "../../main/fault/faults.ts";
import { startLive } from "../../main/live/start.ts";
import { topologyOf } from "../../main/live/topology.ts";
import type { Namespace } from "../../preload/contract/topology.ts";
import { bundledLab } from "../netns/labs.ts";

/** The namespaces that a fault makes different, by name. */
async function broken(id: string, name: string): Promise<Map<string, Namespace>> {
  const live = startLive(await bundledLab(id));
  expect(faultsOf(live.lab).map((fault) => fault.name)).toContain(name);
  const before = topologyOf(live).namespaces.map((netns) => JSON.stringify(netns));
  const after = topologyOf({ ...live, faults: [name] }).namespaces;
  return new Map(after.flatMap((netns, at) => (JSON.stringify(netns) === before[at] ? [] : [[netns.name, netns]])));
}

const CLUSTER = ["ip-forward-off", "forward-policy-drop"];
const VXLAN = ["fdb-entry-missing", "vni-wrong", "port-wrong"];

describe("the faults of a Flannel lab", () => {
  it.each([
    ["flannel-vxlan", ["agent-stopped-node-moved", ...VXLAN, "pod-mtu-large", "service-network-overlaps"]],
    [
      "flannel-vxlan-directrouting",
      ["agent-stopped-node-moved", ...VXLAN, "pod-mtu-large", "service-network-overlaps"],
    ],
    ["flannel-host-gw", ["agent-stopped-node-moved", "service-network-overlaps"]],
    ["flannel-udp", ["flanneld-ended", "pod-mtu-large", "service-network-overlaps"]],
    ["flannel-ipip", ["agent-stopped-node-moved", "pod-mtu-large", "service-network-overlaps"]],
    ["flannel-nftables", ["agent-stopped-node-moved", ...VXLAN, "pod-mtu-large"]],
    [
      "flannel-two-nics",
      ["agent-stopped-node-moved", ...VXLAN, "pod-mtu-large", "wrong-iface", "service-network-overlaps"],
    ],
  ])("%s are those of its backend, its rules and its cards", async (id, own) => {
    expect(faultsOf(await bundledLab(id)).map(({ name }) => name)).toEqual([...CLUSTER, ...own]);
  });

  it("change only the place that they name", async () => {
    const places = async (id: string, name: string) => [...(await broken(id, name)).keys()];
    expect(await places("flannel-vxlan", "fdb-entry-missing")).toEqual(["node/node1"]);
    expect(await places("flannel-vxlan", "vni-wrong")).toEqual(["node/node2"]);
    expect(await places("flannel-vxlan", "port-wrong")).toEqual(["node/node2"]);
    expect(await places("flannel-vxlan", "pod-mtu-large")).toEqual(["node/node1", "pod/a"]);
    expect(await places("flannel-udp", "flanneld-ended")).toEqual(["node/node2"]);
  });

  it("let the moved node be known to all but the one whose agent is stopped", async () => {
    const changed = await broken("flannel-vxlan", "agent-stopped-node-moved");
    const [node2, node3] = ["node/node2", "node/node3"].map((name) => changed.get(name));
    const tunnel = node2?.interfaces.find(({ kind }) => kind === "vxlan");
    expect(tunnel).toMatchObject({ local: "192.168.32.254", mac: expect.stringMatching(/^06:/) });
    expect(node3?.fdb.map(({ dst }) => dst)).toEqual(["192.168.32.127", "192.168.32.254"]);
    expect(node3?.neighbours.map(({ mac }) => mac.slice(0, 2))).toEqual(["02", "06"]);
    expect(changed.has("node/node1")).toBe(false);
  });

  it("name the tunnel after the wrong VNI, with all that leads into it", async () => {
    const node2 = (await broken("flannel-vxlan", "vni-wrong")).get("node/node2");
    expect(JSON.stringify(node2)).not.toContain('"flannel.1"');
    expect(node2?.routes.filter(({ dev }) => dev === "flannel.2")).toHaveLength(2);
    expect(node2?.sysctls.map(({ key }) => key)).toContain("net/ipv6/conf/flannel.2/accept_ra");
  });

  it("of VNI and port are both there, whichever came first", async () => {
    const live = startLive(await bundledLab("flannel-vxlan"));
    const tunnels = [
      ["vni-wrong", "port-wrong"],
      ["port-wrong", "vni-wrong"],
    ].map((faults) => {
      const node2 = topologyOf({ ...live, faults }).namespaces.find(({ name }) => name === "node/node2");
      return node2?.interfaces.find(({ kind }) => kind === "vxlan");
    });
    expect(tunnels[0]).toMatchObject({ name: "flannel.2", vni: 2, port: 4789 });
    expect(tunnels[1]).toMatchObject({ name: "flannel.2", vni: 2, port: 4789 });
  });

  it.each([[[]], [["agent-stopped-node-moved"]], [["wrong-iface"]], [["vni-wrong"]]])(
    "leave one FDB entry less where %j came before",
    async (before) => {
      const live = startLive(await bundledLab("flannel-two-nics"));
      const entries = (faults: string[]) =>
        topologyOf({ ...live, faults })
          .namespaces.find(({ name }) => name === "node/node1")
          ?.fdb.map(({ dst }) => dst);
      expect(entries(before)).toHaveLength(1);
      expect(entries([...before, "fdb-entry-missing"])).toEqual([]);
    },
  );

  it("write a Service's rules as kube-proxy does, before flannel's", async () => {
    const node1 = (await broken("flannel-vxlan", "service-network-overlaps")).get("node/node1");
    const rules = node1?.rules.find(({ table }) => table === "nat")?.rules.map(({ rule }) => rule) ?? [];
    // Worked out with Python's hashlib and base64.
    expect(rules).toContain(
      '-A KUBE-SERVICES -d 10.244.1.2/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-LOLE4ISW44XBNF3G',
    );
    expect(rules).toContain(
      '-A KUBE-SEP-VPJCWIHGOZWNRC6B -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.244.0.3:80',
    );
    expect(rules.findIndex((rule) => rule.includes("KUBE-POSTROUTING"))).toBeLessThan(
      rules.findIndex((rule) => rule.includes("FLANNEL-POSTRTG")),
    );
  });

  it("move the tunnel to the card of the default route", async () => {
    const node1 = (await broken("flannel-two-nics", "wrong-iface")).get("node/node1");
    expect(node1?.interfaces.find(({ kind }) => kind === "vxlan")).toMatchObject({ dev: "eth0", local: "10.0.2.15" });
    expect(node1?.fdb.map(({ dst }) => dst)).toEqual(["10.0.3.15"]);
  });
});
