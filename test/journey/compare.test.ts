/** Journeys of two labs, aligned: recorded ones as golden text, and what must hold for any. */

import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareJourneys, comparePackets, type Made } from "../../main/journey/compare.ts";
import { readLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import type { ComparedHop, ComparedPacket, ComparedRow } from "../../preload/contract/comparison.ts";
import type { Protocol } from "../../preload/contract/frame.ts";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { interfaceName, type Topology } from "../../preload/contract/topology.ts";
import { expectGolden } from "./golden.ts";
import { Followed, readRecording } from "./recording.ts";

async function topologyOf(lab: string, id = lab): Promise<Topology> {
  const read = await readLab(fileURLToPath(new URL(`../../labs/${lab}/lab.yaml`, import.meta.url)));
  if (!read.ok) throw new Error(read.fault.message);
  return layOutLab({ ...read.value.lab, id });
}

/** The recorded pings between two addresses. */
async function recorded(lab: string, one: string, other: string): Promise<Made<Journey[]>> {
  const topology = await topologyOf(lab);
  const followed = new Followed(readRecording(lab), topology);
  followed.follower.finish();
  const made = followed
    .journeys()
    .filter(({ summary }) => summary.includes(` ${one} > ${other} `) || summary.includes(` ${other} > ${one} `))
    .filter(({ summary }) => summary.startsWith("ICMP echo"));
  return { made, topology };
}

function render({ left, right, rows }: ComparedPacket): string {
  const side = (journey: Journey | undefined, compared: ComparedHop | undefined) => {
    const hop = compared && journey?.hops[compared.hop];
    if (!hop || !compared) return ["-"];
    const { layers, ttl, addresses, macs, changes } = compared.facts;
    return [
      `${interfaceName(hop)} ${hop.direction}`,
      `  ${layers.join("|")} ttl ${ttl.join("|")} ${changes.join(", ")}`,
      `  ${addresses.join(" | ")}`,
      `  ${macs.join(" | ")}`,
    ].map((line) => line.trimEnd());
  };
  const lines = rows.flatMap((row) => {
    const ours = side(left, row.left);
    const theirs = side(right, row.right);
    const mark = !row.left ? ">" : !row.right ? "<" : row.differs.length > 0 ? `! ${row.differs.join(", ")}` : "=";
    return [
      mark,
      ...Array.from({ length: Math.max(ours.length, theirs.length) }, (_, line) =>
        `  ${(ours[line] ?? "").padEnd(62)}${theirs[line] ?? ""}`.trimEnd(),
      ),
    ];
  });
  return [left?.summary ?? "-", right?.summary ?? "-", ...lines].join("\n");
}

function marks(packet: ComparedPacket | undefined): string {
  return (packet?.rows ?? [])
    .map((row) => (!row.left ? ">" : !row.right ? "<" : row.differs.length > 0 ? "!" : "="))
    .join("");
}

describe("Calico's pings, always in the tunnel against only across subnets", () => {
  test("between nodes of one subnet: tunl0 on one side only, and one IP header more on the wire", async () => {
    const packets = comparePackets(
      await recorded("calico-ipip", "172.26.0.1", "172.26.0.65"),
      await recorded("calico-ipip-crosssubnet", "172.26.0.1", "172.26.0.65"),
    );
    expectGolden(new URL("./fixtures/compare-calico.golden.txt", import.meta.url), packets.map(render).join("\n\n"));
    const [request] = packets;
    // On the wire the MACs are those of the nodes on both sides: only the layers and what was done differ.
    const wire = request?.rows.find(({ left }) => left?.hop === 3);
    expect(wire?.differs).toEqual(["layers", "changes"]);
    expect(wire?.left?.facts.macs).toEqual(["node/node1/eth0 > node/node2/eth0"]);
    expect(wire?.left?.facts.addresses).toEqual(["node/node1 > node/node2", "pod/a > pod/c"]);
  });

  test("on one node: alike hop by hop, though the MACs are others", async () => {
    const one = await recorded("calico-ipip", "172.26.0.1", "172.26.0.2");
    const other = await topologyOf("calico-ipip", "another");
    const macs = (topology: Topology) =>
      topology.namespaces.flatMap(({ interfaces }) => interfaces.map((item) => ("mac" in item ? item.mac : "")));
    const renamed = macs(one.topology).reduce(
      (text, mac, index) => (mac === "" ? text : text.replaceAll(mac, macs(other)[index]!)),
      JSON.stringify(one.made),
    );
    const made: Journey[] = JSON.parse(renamed);
    expect(made[0]?.hops[0]?.titles[0]).not.toBe(one.made[0]?.hops[0]?.titles[0]);
    expect(comparePackets(one, { made, topology: other }).map(marks)).toEqual(["====", "===="]);
  });
});

const PLACES = ["pod/a eth0", "node/node1 caliacd53aa4120", "node/node1 tunl0", "node/node1 eth0", "net/lan node1"];
const LAYERS: Protocol[][] = [["eth", "ipv4", "icmp"], ["ipv4", "icmp"], ["eth", "ipv4", "ipv4", "icmp"], ["broken"]];

/** Any tree of hops, at places of the lab and at one that it does not have. */
const hops: fc.Arbitrary<Hop[]> = fc
  .array(
    fc.record({
      place: fc.constantFrom(...PLACES, "gone/for ever"),
      direction: fc.constantFrom("in" as const, "out" as const, "unknown" as const),
      layers: fc.constantFrom(...LAYERS),
      ttl: fc.integer({ min: 0, max: 255 }),
      parent: fc.option(fc.nat({ max: 12 }), { nil: undefined }),
    }),
    { maxLength: 12 },
  )
  .map((list) =>
    list.map(({ place, direction, layers, ttl, parent }, index): Hop => {
      const [netns = "", dev = ""] = place.split(" ");
      const titles = layers.map((layer) => (layer === "ipv4" ? `IPv4 172.26.0.1 > 172.26.0.65 ttl ${ttl}` : layer));
      const more = parent === undefined ? {} : { parent };
      return { netns, interface: dev, direction, at: index, layers, titles, changes: [], frame: index, ...more };
    }),
  );

function indexes(rows: readonly ComparedRow[], side: "left" | "right"): number[] {
  return rows.flatMap((row) => row[side]?.hop ?? []);
}

describe("any two journeys", async () => {
  const topology = await topologyOf("calico-ipip");
  const compare = (left: Hop[], right: Hop[]) => compareJourneys({ made: left, topology }, { made: right, topology });

  test("have each hop in one row, in the same order whatever is on the other side", () => {
    fc.assert(
      fc.property(hops, hops, (left, right) => {
        const rows = compare(left, right);
        expect(indexes(rows, "left")).toEqual(indexes(compare(left, []), "left"));
        expect(indexes(rows, "right")).toEqual(indexes(compare([], right), "right"));
        expect([...indexes(rows, "left")].sort((a, b) => a - b)).toEqual([...left.keys()]);
        expect([...indexes(rows, "right")].sort((a, b) => a - b)).toEqual([...right.keys()]);
        expect(rows.every((row) => row.left !== undefined || row.right !== undefined)).toBe(true);
      }),
    );
  });

  test("put a hop after the one that it follows", () => {
    fc.assert(
      fc.property(hops, (any) => {
        const order = indexes(compare(any, []), "left");
        for (const [index, { parent }] of any.entries()) {
          if (parent !== undefined && parent < index) expect(order.indexOf(parent)).toBeLessThan(order.indexOf(index));
        }
      }),
    );
  });

  test("are wholly alike where they are the same one", () => {
    fc.assert(
      fc.property(hops, (any) => {
        for (const { left, right, differs } of compare(any, any)) {
          expect(left?.hop).toBe(right?.hop);
          expect(differs).toEqual([]);
        }
      }),
    );
  });

  test("have as much in common when the sides are swapped, and only rows of the same place in it", () => {
    fc.assert(
      fc.property(hops, hops, (left, right) => {
        const both = (rows: ComparedRow[]) => rows.filter((row) => row.left && row.right);
        expect(both(compare(left, right))).toHaveLength(both(compare(right, left)).length);
        for (const row of both(compare(left, right))) {
          const [ours, theirs] = [left[row.left!.hop]!, right[row.right!.hop]!];
          expect([ours.netns, ours.interface, ours.direction]).toEqual([
            theirs.netns,
            theirs.interface,
            theirs.direction,
          ]);
        }
      }),
    );
  });
});

describe("packets and their counterparts", () => {
  test("a reply that came on one side only stands alone, and those after it keep their places", async () => {
    const one = await recorded("calico-ipip", "172.26.0.1", "172.26.0.65");
    const [request, reply] = one.made;
    const packets = comparePackets(one, { made: [request!, request!, reply!], topology: one.topology });
    expect(packets.map(({ left, right }) => [left?.id, right?.id])).toEqual([
      [request!.id, request!.id],
      [undefined, request!.id],
      [reply!.id, reply!.id],
    ]);
    expect(marks(packets[1])).toBe(">".repeat(request!.hops.length));
  });
});
