/** The way of a journey over the picture, and the layers that travel on it. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LAYER_LABELS, PROTOCOLS, type Protocol } from "../../preload/contract/frame.ts";
import { chipsBetween, encapsulationOf, outerLayers } from "../../renderer/topology/layer-stack.ts";
import { layOutTopology } from "../../renderer/topology/layout.ts";
import { rowAfterKey, treeRows } from "../../renderer/topology/tree.ts";
import { legLength, pointOnLeg, Ways } from "../../renderer/topology/way.ts";
import { bridgeTopology, flannelTopology, floodJourney, vethName, vxlanJourney } from "./topology-fixture.ts";

function legsOfVxlan() {
  const topology = flannelTopology([2, 2, 1]);
  return new Ways(topology, layOutTopology(topology)).follow(vxlanJourney([2, 2, 1]));
}

describe("Ways", () => {
  test("a ping through a tunnel is led over cni0, flannel.1, the NIC and the ports of the LAN", () => {
    expect(legsOfVxlan().map((leg) => leg.node?.id)).toEqual([
      "pod/a/eth0",
      `node/node1/${vethName(0, 0)}`,
      "node/node1/cni0",
      "node/node1/flannel.1",
      "node/node1/eth0",
      "net/lan/node1",
      "net/lan/node2",
      "node/node2/eth0",
      "node/node2/flannel.1",
      "node/node2/cni0",
      `node/node2/${vethName(1, 0)}`,
      "pod/c/eth0",
    ]);
  });

  test("between two ports of a bridge the way runs through the bridge", () => {
    expect(legsOfVxlan()[6]?.passes).toEqual(["net/lan/lan"]);
  });

  test("each leg begins where the one before ended, in one unbroken line", () => {
    const legs = legsOfVxlan();
    legs.slice(1).forEach((leg, index) => {
      expect(leg.pieces[0]?.from).toEqual(legs[index]?.rest);
      leg.pieces.slice(1).forEach((piece, order) => {
        expect(piece.from).toEqual(leg.pieces[order]?.to);
      });
      expect(leg.pieces.at(-1)?.to).toEqual(leg.rest);
      expect(legLength(leg)).toBeGreaterThan(0);
    });
  });

  test("a packet starts at its last place and comes to rest outside of the box, where it hides no name", () => {
    const legs = legsOfVxlan();
    for (const leg of legs) {
      expect(pointOnLeg(leg, 0)).toEqual(leg.pieces[0]?.from);
      const { x, y } = pointOnLeg(leg, 1);
      expect(x).toBeCloseTo(leg.rest.x);
      expect(y).toBeCloseTo(leg.rest.y);
      const { node, rest } = leg;
      const isInside =
        node !== undefined &&
        rest.x > node.x &&
        rest.x < node.x + node.width &&
        rest.y > node.y &&
        rest.y < node.y + node.height;
      expect(isInside).toBe(false);
    }
  });

  test("the copies of a flooded frame part at the bridge", () => {
    const names = ["red", "green", "blue", "amber"];
    const topology = bridgeTopology(names);
    const legs = new Ways(topology, layOutTopology(topology)).follow(floodJourney(names));
    expect(legs.slice(2, 5).map((leg) => leg.passes)).toEqual([["switch/br0"], ["switch/br0"], ["switch/br0"]]);
    expect(legs.slice(5).map((leg) => leg.node?.id)).toEqual(["green/eth0", "blue/eth0", "amber/eth0"]);
  });

  test("a hop at an interface that the topology lacks has no place but breaks nothing", () => {
    const topology = flannelTopology([2, 2, 1]);
    const journey = vxlanJourney([2, 2, 1]);
    const hops = journey.hops.map((hop, index) => (index === 4 ? { ...hop, interface: "eth9" } : hop));
    const legs = new Ways(topology, layOutTopology(topology)).follow({ ...journey, hops });
    expect(legs[4]?.node).toBeUndefined();
    expect(legs).toHaveLength(hops.length);
  });

  test("from a bridge to the NIC the way passes by the tunnel device", () => {
    const topology = flannelTopology([2, 2, 1]);
    const placement = layOutTopology(topology);
    const journey = vxlanJourney([2, 2, 1]);
    const [first, second, third, , nic] = journey.hops;
    if (first === undefined || second === undefined || third === undefined || nic === undefined)
      throw new Error("short");
    const hops = [first, second, third, { ...nic, parent: 2 }];
    const leg = new Ways(topology, placement).follow({ ...journey, hops })[3];
    const tunnel = placement.nodes.find((node) => node.id === "node/node1/flannel.1");
    const line = leg?.pieces.filter((piece) => piece.drawn && piece.isApproach !== true) ?? [];
    expect(line.length).toBeGreaterThan(0);
    for (const piece of line) expect(piece.from.x).toBeGreaterThan((tunnel?.x ?? 0) + (tunnel?.width ?? 0));
  });
});

describe("layer chips", () => {
  const plain: Protocol[] = ["eth", "ipv4", "icmp"];
  const vxlan: Protocol[] = ["eth", "ipv4", "udp", "vxlan", "eth", "ipv4", "icmp"];

  test("wrapping puts one header after the other around the packet, VXLAN first and Ethernet last", () => {
    const presences = [0, 0.25, 0.625, 1].map((fraction) =>
      chipsBetween(plain, vxlan, fraction).map((chip) => chip.presence),
    );
    expect(presences).toEqual([
      [0, 0, 0, 0, 1, 1, 1],
      [0, 0, 0, 1, 1, 1, 1],
      [0, 0.5, 1, 1, 1, 1, 1],
      [1, 1, 1, 1, 1, 1, 1],
    ]);
    expect(chipsBetween(plain, vxlan, 0.5).map((chip) => chip.outer)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test("unwrapping takes the outermost header off first, until only the inner packet is left", () => {
    expect(chipsBetween(vxlan, plain, 0.5).map((chip) => chip.presence)).toEqual([0, 0, 1, 1, 1, 1, 1]);
    expect(chipsBetween(vxlan, plain, 1).map((chip) => chip.presence)).toEqual([0, 0, 0, 0, 1, 1, 1]);
  });

  test("the encapsulation is named by its layers, IP in IP included", () => {
    expect(encapsulationOf(plain)).toBe("none");
    expect(encapsulationOf(vxlan)).toBe("vxlan");
    expect(encapsulationOf(["eth", "ipv4", "ipv4", "tcp"])).toBe("ipip");
    expect(outerLayers(["eth", "ipv4", "ipv4", "tcp"])).toBe(2);
    expect(encapsulationOf(["eth", "ipv4", "udp", "ipv4", "udp", "data"])).toBe("udp");
    expect(outerLayers(["eth", "ipv4", "udp", "ipv4", "udp", "data"])).toBe(3);
    expect(encapsulationOf(["eth", "ipv4", "udp", "dns"])).toBe("none");
  });

  test("any two hops can be shown at any moment, and the ends look like the hops", () => {
    const layers = fc.array(fc.constantFrom(...PROTOCOLS), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(layers, layers, fc.double({ min: 0, max: 1, noNaN: true }), (before, after, fraction) => {
        const visible = (at: number) =>
          chipsBetween(before, after, at)
            .filter((chip) => chip.presence > 0)
            .map((chip) => chip.protocol);
        expect(visible(0)).toEqual(before);
        expect(visible(1)).toEqual(after);
        for (const chip of chipsBetween(before, after, fraction)) expect(LAYER_LABELS[chip.protocol]).toBeTruthy();
      }),
    );
  });
});

describe("the tree for the keyboard", () => {
  const rows = treeRows(flannelTopology([1, 1]));

  test("it names every namespace and interface with its addresses", () => {
    expect(rows.filter((row) => row.level === 1).map((row) => row.name)).toEqual([
      "net/lan",
      "node/node1",
      "pod/a",
      "node/node2",
      "pod/b",
    ]);
    expect(rows.find((row) => row.id === "node/node2/flannel.1")?.addresses).toEqual(["10.244.1.0/32"]);
  });

  test("arrows walk through it and stop at its ends", () => {
    expect(rowAfterKey(rows, 0, "ArrowUp")).toBe(0);
    expect(rowAfterKey(rows, rows.length - 1, "ArrowDown")).toBe(rows.length - 1);
    expect(rowAfterKey(rows, 0, "End")).toBe(rows.length - 1);
    expect(rowAfterKey(rows, 5, "Home")).toBe(0);
    expect(rowAfterKey(rows, 0, "x")).toBeUndefined();
  });

  test("left goes to the namespace, right into it and on to the next", () => {
    expect(rowAfterKey(rows, 2, "ArrowLeft")).toBe(0);
    expect(rowAfterKey(rows, 0, "ArrowRight")).toBe(1);
    const nextNamespace = rows.findIndex((row) => row.id === "[node/node1]");
    expect(rowAfterKey(rows, 1, "ArrowRight")).toBe(nextNamespace);
  });
});
