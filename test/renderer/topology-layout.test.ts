/** The layout of topologies: nothing overlaps, everything lies where a network engineer looks for it. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Topology } from "../../preload/contract/topology.ts";
import {
  CROWDED_INTERFACES,
  isCrowded,
  layOutTopology,
  namespaceId,
  type PlacedNode,
  type Placement,
  type Rectangle,
} from "../../renderer/topology/layout.ts";
import { bridgeTopology, chainTopology, flannelTopology, twoNetworksTopology } from "./topology-fixture.ts";
import { labTopologies } from "./topology-labs.ts";

function overlap(a: Rectangle, b: Rectangle): boolean {
  const slack = 0.001;
  return (
    a.x < b.x + b.width - slack &&
    b.x < a.x + a.width - slack &&
    a.y < b.y + b.height - slack &&
    b.y < a.y + a.height - slack
  );
}

function within(child: Rectangle, parent: Rectangle): boolean {
  const slack = 0.001;
  return (
    child.x >= parent.x - slack &&
    child.y >= parent.y - slack &&
    child.x + child.width <= parent.x + parent.width + slack &&
    child.y + child.height <= parent.y + parent.height + slack
  );
}

/** Every fault of a placement, in words; none when it is sound. */
function faultsOf(placement: Placement, topology: Topology): string[] {
  const faults: string[] = [];
  const byId = new Map(placement.nodes.map((node) => [node.id, node]));
  placement.nodes.forEach((a, index) => {
    for (const b of placement.nodes.slice(index + 1)) {
      if (a.parent === b.parent && overlap(a, b)) faults.push(`${a.id} overlaps ${b.id}`);
    }
  });
  for (const node of placement.nodes) {
    const parent = node.parent === undefined ? undefined : byId.get(node.parent);
    if (node.parent !== undefined && parent === undefined) faults.push(`${node.id} has no box ${node.parent}`);
    if (parent !== undefined && !within(node, parent)) faults.push(`${node.id} sticks out of ${parent.id}`);
    if (!within(node, { x: 0, y: 0, width: placement.width, height: placement.height })) {
      faults.push(`${node.id} lies outside of the picture`);
    }
  }
  for (const namespace of topology.namespaces) {
    for (const each of namespace.interfaces) {
      const id = placement.shownBy.get(`${namespace.name}/${each.name}`);
      if (id === undefined || !byId.has(id)) faults.push(`${namespace.name}/${each.name} is not shown`);
    }
  }
  // A link may touch only the boxes that its two ends lie in.
  const around = (node: PlacedNode | undefined): string[] =>
    node === undefined ? [] : [node.id, ...around(node.parent === undefined ? undefined : byId.get(node.parent))];
  for (const edge of placement.edges) {
    const own = new Set([...around(byId.get(edge.source)), ...around(byId.get(edge.target))]);
    edge.points.slice(1).forEach((to, index) => {
      const from = edge.points[index] ?? to;
      const line = {
        x: Math.min(from.x, to.x) - 0.01,
        y: Math.min(from.y, to.y) - 0.01,
        width: Math.abs(from.x - to.x) + 0.02,
        height: Math.abs(from.y - to.y) + 0.02,
      };
      for (const node of placement.nodes) {
        if (node.parent === undefined && !own.has(node.id) && overlap(line, node))
          faults.push(`${edge.id} crosses ${node.id}`);
      }
    });
  }
  return faults;
}

function nodeOf(placement: Placement, id: string): PlacedNode {
  const node = placement.nodes.find((each) => each.id === id);
  if (node === undefined) throw new Error(`${id} was not placed`);
  return node;
}

describe("layOutTopology", () => {
  test("boxes of 1 to 20 hosts with 0 to 10 pods never overlap, and every interface lies in its namespace", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 10 }), { minLength: 1, maxLength: 20 }),
        fc.constantFrom("vxlan" as const, "host-gw" as const),
        (pods, backend) => {
          const topology = flannelTopology(pods, backend);
          expect(faultsOf(layOutTopology(topology), topology)).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("free-form labs never overlap: machines on one bridge, and machines in a line", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), (count) => {
        const names = Array.from({ length: count }, (_, index) => `h${index + 1}`);
        for (const topology of [bridgeTopology(names), chainTopology(names)]) {
          expect(faultsOf(layOutTopology(topology), topology)).toEqual([]);
        }
      }),
    );
  });

  test.each(labTopologies.map((topology) => [topology.lab, topology] as const))(
    "the lab %s is drawn without overlaps, and no link is left out",
    (_lab, topology) => {
      const placement = layOutTopology(topology);
      expect(faultsOf(placement, topology)).toEqual([]);
      const isDrawn = (id: string) => placement.shownBy.get(id) === id;
      const ends = topology.namespaces.flatMap((each) =>
        each.interfaces.filter(
          (end) =>
            end.kind === "veth" &&
            isDrawn(`${each.name}/${end.name}`) &&
            isDrawn(`${end.peer.netns}/${end.peer.interface}`),
        ),
      );
      expect(placement.edges.filter((edge) => edge.kind === "veth")).toHaveLength(ends.length / 2);
    },
  );

  test("hosts on two networks, with a router that stands on both, never overlap", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a" as const, "b" as const, "both" as const), { minLength: 1, maxLength: 14 }),
        (places) => {
          const topology = twoNetworksTopology(places);
          expect(faultsOf(layOutTopology(topology), topology)).toEqual([]);
        },
      ),
    );
  });

  test("a host shows pods, veths, cni0, flannel.1 and its NIC from top to bottom, and the LAN below", () => {
    const placement = layOutTopology(flannelTopology([2, 2, 1]));
    const tops = [
      "pod/a/eth0",
      "node/node1/cni0",
      "node/node1/flannel.1",
      "node/node1/eth0",
      "net/lan/node1",
      "net/lan/lan",
    ].map((id) => nodeOf(placement, id).y);
    expect(tops).toEqual(tops.toSorted((a, b) => a - b));
    expect(new Set(tops).size).toBe(tops.length);
  });

  test("names and addresses are spelt as ip prints them", () => {
    const placement = layOutTopology(flannelTopology([1, 1]));
    expect(nodeOf(placement, "node/node2/flannel.1").lines).toEqual(["flannel.1", "10.244.1.0/32"]);
    expect(nodeOf(placement, "node/node2/eth0").lines).toEqual(["eth0", "192.168.32.128/24"]);
  });

  test("three hosts stand in a row, twenty in a grid", () => {
    const rowsOf = (count: number) => {
      const placement = layOutTopology(flannelTopology(Array.from({ length: count }, () => 2)));
      return new Set(placement.nodes.filter((node) => node.kind === "node").map((node) => node.y)).size;
    };
    expect(rowsOf(3)).toBe(1);
    expect(rowsOf(20)).toBeGreaterThan(2);
  });

  test("every cable is drawn once, from veth to veth, and a tunnel to the NIC that carries it", () => {
    const placement = layOutTopology(flannelTopology([2, 1]));
    const ends = placement.edges.map((edge) => `${edge.kind} ${edge.source} ${edge.target}`);
    expect(ends).toContain("veth node/node1/eth0 net/lan/node1");
    expect(ends).toContain("tunnel node/node1/flannel.1 node/node1/eth0");
    expect(ends).toContain("port net/lan/node2 net/lan/lan");
    expect(placement.edges.filter((edge) => edge.kind === "veth")).toHaveLength(5);
  });

  test("the machines of a bridge lab stand above their switch, each cable straight down", () => {
    const placement = layOutTopology(bridgeTopology(["red", "green", "blue"]));
    const hub = nodeOf(placement, namespaceId("switch"));
    for (const name of ["red", "green", "blue"]) {
      const machine = nodeOf(placement, namespaceId(name));
      expect(machine.y + machine.height).toBeLessThan(hub.y);
      const cable = placement.edges.find((edge) => edge.source === `${name}/eth0`);
      expect(cable?.points).toHaveLength(2);
    }
  });

  test("the same topology always gets the same picture", () => {
    const once = layOutTopology(flannelTopology([3, 0, 2, 5]));
    expect(layOutTopology(flannelTopology([3, 0, 2, 5]))).toEqual(once);
  });

  test("a crowded cluster counts pods that it does not draw, and shows the pods asked for without moving a host", () => {
    const topology = flannelTopology(Array.from({ length: 20 }, () => 10));
    expect(isCrowded(topology)).toBe(true);
    const placement = layOutTopology(topology);
    expect(placement.nodes.length).toBeLessThan(CROWDED_INTERFACES);
    expect(placement.nodes.filter((node) => node.kind === "pods").map((node) => node.count)).toEqual(
      Array.from({ length: 20 }, () => 8),
    );
    const hidden = topology.namespaces.find(
      (each) => each.kind === "pod" && placement.shownBy.get(`${each.name}/eth0`) !== `${each.name}/eth0`,
    );
    const asked = layOutTopology(topology, { prefer: [hidden?.name ?? ""] });
    expect(asked.shownBy.get(`${hidden?.name}/eth0`)).toBe(`${hidden?.name}/eth0`);
    const hostsOf = (each: Placement) => each.nodes.filter((node) => node.kind === "node");
    expect(hostsOf(asked)).toEqual(hostsOf(placement));
  });

  test("a topology without namespaces is an empty picture", () => {
    expect(layOutTopology({ lab: "empty", namespaces: [] })).toMatchObject({
      nodes: [],
      edges: [],
      width: 0,
      height: 0,
    });
  });
});
