/** What each Calico lab can suffer from, and what the faults do to the topology. Kernel tests show that it then breaks. */

import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { faultsOf } from "../../main/fault/faults.ts";
import { readLab } from "../../main/lab/read.ts";
import type { Lab } from "../../main/lab/schema.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import type { Namespace } from "../../preload/contract/topology.ts";

async function bundled(id: string): Promise<Lab> {
  const read = await readLab(fileURLToPath(new URL(`../../labs/${id}/lab.yaml`, import.meta.url)));
  if (!read.ok) throw new Error(read.fault.message);
  return read.value.lab;
}

/** The namespaces that a fault makes different, by name. */
async function broken(id: string, name: string): Promise<Map<string, Namespace>> {
  const lab = await bundled(id);
  const fault = faultsOf(lab).find((found) => found.name === name);
  if (!fault?.topology) throw new Error(`${id} has no fault ${name} of its topology`);
  const before = layOutLab(lab).namespaces.map((netns) => JSON.stringify(netns));
  const after = fault.topology(layOutLab(lab)).namespaces;
  return new Map(after.flatMap((netns, at) => (JSON.stringify(netns) === before[at] ? [] : [[netns.name, netns]])));
}

const TUNNEL = ["tunnel-source-unknown", "rp-filter-strict", "pod-mtu-large", "switch-mtu-small"];

describe("the faults of a Calico lab", () => {
  it.each([
    ["calico-ipip", ["ipip-filtered", ...TUNNEL]],
    ["calico-ipip-crosssubnet", ["ipip-filtered", ...TUNNEL]],
    ["calico-vxlan", ["vxlan-port-filtered", ...TUNNEL, "vtep-mac-wrong"]],
    ["calico-vxlan-crosssubnet", ["vxlan-port-filtered", ...TUNNEL, "vtep-mac-wrong"]],
    ["calico-vxlan-k0s", ["vxlan-port-filtered", ...TUNNEL, "vtep-mac-wrong"]],
  ])("%s are those of its tunnel, and of the gateway that nobody has", async (id, own) => {
    const names = faultsOf(await bundled(id)).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["proxy-arp-off", "default-route-missing", ...own]));
    expect(new Set(names).size).toBe(names.length);
    const other = id.includes("vxlan") ? "ipip-filtered" : "vxlan-port-filtered";
    expect(names).not.toContain(other);
  });

  it("change only the place that they name", async () => {
    const places = async (name: string) => [...(await broken("calico-vxlan", name)).keys()];
    expect(await places("proxy-arp-off")).toEqual(["node/node1"]);
    expect(await places("default-route-missing")).toEqual(["node/node1"]);
    expect(await places("vxlan-port-filtered")).toEqual(["net/lan"]);
    expect(await places("tunnel-source-unknown")).toEqual(["node/node2"]);
    expect(await places("rp-filter-strict")).toEqual(["node/node2"]);
    expect(await places("pod-mtu-large")).toEqual(["node/node1", "pod/a"]);
    expect(await places("switch-mtu-small")).toEqual(["net/lan"]);
    expect(await places("vtep-mac-wrong")).toEqual(["node/node1"]);
  });
});

describe("a strict reverse path filter", () => {
  it("is met by a packet that comes through the tunnel while its answer would go by the card", async () => {
    const node2 = (await broken("calico-vxlan", "rp-filter-strict")).get("node/node2");
    expect(node2?.routes).toContainEqual(
      expect.objectContaining({ to: "172.26.0.0/26", via: "192.168.32.127", dev: "eth0", onlink: true }),
    );
    expect(node2?.sysctls).toContainEqual(expect.objectContaining({ key: "net/ipv4/conf/all/rp_filter", value: "1" }));
    expect(node2?.sysctls.filter(({ key }) => key === "net/ipv4/conf/all/rp_filter")).toHaveLength(1);
  });

  it.each([
    ["calico-vxlan-crosssubnet", "172.26.0.64", "vxlan.calico"],
    ["calico-ipip-crosssubnet", "192.168.32.128", "tunl0"],
  ])("is met in %s where the sender believes to be alone in its subnet", async (id, via, dev) => {
    const changed = await broken(id, "rp-filter-strict");
    expect([...changed.keys()]).toEqual(["node/node1", "node/node2"]);
    expect(changed.get("node/node1")?.routes).toContainEqual(
      expect.objectContaining({ to: "172.26.0.64/26", via, dev, onlink: true }),
    );
    expect(changed.get("node/node2")?.routes).toContainEqual(
      expect.objectContaining({ to: "172.26.0.0/26", via: "192.168.32.127", dev: "eth0", proto: "80" }),
    );
  });
});
