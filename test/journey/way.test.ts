import { describe, expect, test } from "vitest";
import { interfacesOnTheWay } from "../../main/journey/way.ts";
import { interfaceName } from "../../preload/contract/topology.ts";
import { bridge, flannelTopology, namespace, veth } from "./flannel-topology.ts";

describe("the interfaces on the way between two namespaces", () => {
  test("are those of both pods' nodes and the LAN, without the other pods", () => {
    const { interfaces, left } = interfacesOnTheWay(flannelTopology, "pod/a", "pod/c");
    expect(interfaces.map(interfaceName).sort()).toEqual([
      "net/lan/br0",
      "net/lan/node1",
      "net/lan/node2",
      "node/node1/cni0",
      "node/node1/eth0",
      "node/node1/flannel.1",
      "node/node1/vetha",
      "node/node2/cni0",
      "node/node2/eth0",
      "node/node2/flannel.1",
      "node/node2/vethc",
      "pod/a/eth0",
      "pod/c/eth0",
    ]);
    expect(left.map(interfaceName).sort()).toEqual(["node/node1/vethb", "pod/b/eth0"]);
  });

  test("do not reach the LAN between pods of one node", () => {
    const { interfaces } = interfacesOnTheWay(flannelTopology, "pod/a", "pod/b");
    expect(new Set(interfaces.map(({ netns }) => netns))).toEqual(new Set(["pod/a", "pod/b", "node/node1"]));
    expect(interfaces.map(interfaceName)).not.toContain("node/node1/eth0");
  });

  test("are on all ways of equal length", () => {
    const router = (name: string) => namespace(name, "host", [veth("w", ["a", name]), veth("e", ["b", name])]);
    const end = (name: string, side: string) =>
      namespace(name, "host", [veth("r1", ["r1", side]), veth("r2", ["r2", side]), bridge("br0")]);
    const topology = { lab: "two ways", namespaces: [end("a", "w"), end("b", "e"), router("r1"), router("r2")] };
    const { interfaces, left } = interfacesOnTheWay(topology, "a", "b");
    expect(interfaces).toHaveLength(10);
    expect(left).toEqual([]);
  });

  test("are all interfaces where an end is unknown", () => {
    const { interfaces, left } = interfacesOnTheWay(flannelTopology, "pod/a", "pod/none");
    expect(interfaces).toHaveLength(15);
    expect(left).toEqual([]);
  });
});
