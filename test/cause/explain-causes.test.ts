import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { explainCauses } from "../../main/cause/explain-causes.ts";
import { lookupKey, neededLookups } from "../../main/cause/lookup.ts";
import type { KernelState } from "../../main/cause/state.ts";
import type { Layer } from "../../preload/contract/frame.ts";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { flannelTopology } from "../journey/flannel-topology.ts";
import { expectGolden } from "../journey/golden.ts";
import { eth, ipv4, mac, passes, udp } from "../journey/packet.ts";
import { Followed, readRecording, renderJourney } from "../journey/recording.ts";

const lines = z.array(z.string());
const recording = z.object({
  at: z.number(),
  namespaces: z.record(
    z.string(),
    z.object({ links: lines, addresses: lines, routes: lines, neighbours: lines, fdb: lines }),
  ),
  lookups: z.record(z.string(), z.string()),
});

/** What the kernel said just after the packets of the recording. */
function readState(): { state: KernelState; lookups: Map<string, string> } {
  const file = new URL("./fixtures/flannel.state.json", import.meta.url);
  const { lookups, ...state } = recording.parse(JSON.parse(readFileSync(file, "utf8")));
  return { state, lookups: new Map(Object.entries(lookups)) };
}

const followed = new Followed(readRecording("flannel"), flannelTopology);
followed.follower.finish();

function layersOf(source: Followed, journey: Journey): Layer[][] {
  const seen = new Map(source.seen(journey.id).map(({ frame, layers }) => [frame.index, layers]));
  return journey.hops.map(({ frame }) => seen.get(frame)!);
}

function find(start: string): { journey: Journey; layers: Layer[][] } {
  const journey = followed.journeys().find(({ summary }) => summary.startsWith(start))!;
  return { journey, layers: layersOf(followed, journey) };
}

function hopAt(journey: Journey, place: string): Hop {
  return journey.hops.find((hop) => `${hop.netns}/${hop.interface} ${hop.direction}` === place)!;
}

const ping = find("ICMP echo request 10.244.1.2 > 10.244.2.2");

describe("the causes of a recorded ping between nodes", () => {
  const { state, lookups } = readState();

  test("are the lines that the kernel printed", () => {
    const journey = explainCauses(ping.journey, ping.layers, state, lookups);
    expectGolden(new URL("./fixtures/ping.golden.txt", import.meta.url), renderJourney(journey));
  });

  test("need these questions asked of the kernel, each once", () => {
    expect(neededLookups(ping.journey, ping.layers, state).map(lookupKey)).toEqual([
      "ip -n pod.a route get fibmatch 10.244.2.2 from 10.244.1.2",
      "ip -n node.node1 route get fibmatch 10.244.2.2 from 10.244.1.2 iif cni0",
      "ip -n node.node1 route get fibmatch 192.168.32.122 from 192.168.32.121",
      "ip -n node.node2 route get fibmatch 10.244.2.2 from 10.244.1.2 iif flannel.1",
    ]);
  });

  test("are asked for the bridge where only its port was captured", () => {
    const frames = readRecording("flannel").filter((frame) => frame.interface !== "cni0");
    const other = new Followed(frames, flannelTopology);
    const journey = other.journeys().find(({ summary }) => summary.startsWith("ICMP echo request"))!;
    const keys = neededLookups(journey, layersOf(other, journey), state).map(lookupKey);
    expect(keys).toContain("ip -n node.node1 route get fibmatch 10.244.2.2 from 10.244.1.2 iif cni0");
    const explained = explainCauses(journey, layersOf(other, journey), state, lookups);
    expect(hopAt(explained, "node/node2/vethc out").changes[0]).toMatchObject({
      kind: "routed",
      cause: "10.244.2.0/24 dev cni0 proto kernel scope link src 10.244.2.1",
    });
  });

  test("tell the pod's own choice of route on the hop that sends it", () => {
    const journey = explainCauses(ping.journey, ping.layers, state, lookups);
    expect(journey.hops[0]!.causes?.map(({ text }) => text)).toEqual([
      "10.244.0.0/16 via 10.244.1.1 dev eth0",
      "10.244.1.1 dev eth0 lladdr 02:00:00:00:03:01 REACHABLE",
    ]);
  });
});

describe("a cause is left out rather than wrong", () => {
  test("where no state was read", () => {
    const journey = explainCauses(ping.journey, ping.layers, { at: 0, namespaces: {} }, new Map());
    expect(journey).toEqual(ping.journey);
  });

  test("where the route leads out of another interface than the packet took", () => {
    const { state, lookups } = readState();
    for (const key of lookups.keys()) lookups.set(key, "default via 10.0.0.1 dev eth9");
    const journey = explainCauses(ping.journey, ping.layers, state, lookups);
    const kinds = journey.hops
      .flatMap(({ changes }) => changes.flatMap(({ causes }) => causes ?? []))
      .map(({ kind }) => kind);
    expect(kinds).not.toContain("route");
    expect(kinds).not.toContain("neighbour");
    expect(kinds).toContain("fdb");
  });

  test("where the neighbour or the FDB entry has another MAC or node by now", () => {
    const { state, lookups } = readState();
    const node = state.namespaces["node/node1"]!;
    node.neighbours = node.neighbours.map((line) => line.replace(/lladdr \S+/, "lladdr 02:ff:ff:ff:ff:ff"));
    node.fdb = node.fdb.map((line) => line.replace("dst 192.168.32.122", "dst 192.168.32.199"));
    const journey = explainCauses(ping.journey, ping.layers, state, lookups);
    const causesAt = (place: string) => hopAt(journey, place).changes[0]!.causes?.map(({ kind }) => kind);
    expect(causesAt("node/node1/flannel.1 out")).toEqual(["route"]);
    expect(causesAt("node/node1/eth0 out")).toEqual(["route"]);
  });
});

describe("other causes", () => {
  const { state, lookups } = readState();

  test("a multipath route is told with the next hop that was taken", () => {
    const several = new Map(lookups);
    several.set(
      "ip -n node.node1 route get fibmatch 10.244.2.2 from 10.244.1.2 iif cni0",
      "10.244.2.0/24 \n\tnexthop via 10.9.9.9 dev eth0 weight 1 \n\tnexthop via 10.244.2.0 dev flannel.1 weight 1 onlink \n",
    );
    const journey = explainCauses(ping.journey, ping.layers, state, several);
    expect(hopAt(journey, "node/node1/flannel.1 out").changes[0]!.causes?.map(({ text }) => text)).toEqual([
      "10.244.2.0/24 nexthop via 10.244.2.0 dev flannel.1 weight 1 onlink",
      "10.244.2.0 dev flannel.1 lladdr 02:00:00:00:02:02 PERMANENT",
    ]);
  });

  test("a broadcast is flooded because it is one", () => {
    const { journey, layers } = find("ARP who-has 10.244.1.1 tell 10.244.1.2");
    const explained = explainCauses(journey, layers, state, lookups);
    expect(hopAt(explained, "node/node1/vethb out").changes).toMatchObject([
      {
        kind: "flooded",
        cause: "ff:ff:ff:ff:ff:ff is broadcast: bridge cni0 sends it to all its ports",
        causes: [{ kind: "flood", command: "bridge -n node.node1 fdb show br cni0" }],
      },
    ]);
  });

  const unknown = eth(
    mac(0x4444),
    mac(1),
    0x0800,
    ipv4({ src: "10.244.1.2", dst: "10.244.1.99" }, 17, udp(1, 2, Buffer.alloc(4))),
  );
  const places = ["pod/a/eth0 out", "node/node1/vetha in", "node/node1/vethb out", "node/node1/vetha out"];

  test("a frame is flooded because its bridge has no entry for the MAC", () => {
    const other = new Followed(passes(0, unknown, ...places), flannelTopology);
    const journey = other.journey(0);
    const explained = explainCauses(journey, layersOf(other, journey), state, lookups);
    expect(hopAt(explained, "node/node1/vethb out").changes).toMatchObject([
      { kind: "flooded", cause: "no FDB entry for 02:00:00:00:44:44 on bridge cni0" },
    ]);
  });

  test("where the bridge has learned the MAC since, both are told", () => {
    const { state: learned } = readState();
    learned.namespaces["node/node1"]!.fdb.push("02:00:00:00:44:44 dev vethb master cni0 ");
    const other = new Followed(passes(0, unknown, ...places), flannelTopology);
    const journey = other.journey(0);
    const explained = explainCauses(journey, layersOf(other, journey), learned, lookups);
    const since = "since then 02:00:00:00:44:44 dev vethb master cni0";
    expect(hopAt(explained, "node/node1/vethb out").changes).toMatchObject([
      { kind: "flooded", cause: `no FDB entry yet for 02:00:00:00:44:44 on bridge cni0; ${since}` },
    ]);
  });

  test("a packet for an address that nobody has was lost because the neighbour does not answer", () => {
    const { journey, layers } = find("ICMP echo request 10.244.1.2 > 10.244.2.77");
    expect(neededLookups(journey, layers, state).map(lookupKey)).toContain(
      "ip -n node.node2 route get fibmatch 10.244.2.77 from 10.244.1.2 iif flannel.1",
    );
    const explained = explainCauses(journey, layers, state, lookups);
    expect(hopAt(explained, "node/node2/flannel.1 in").causes?.map(({ text }) => text)).toEqual([
      "10.244.2.0/24 dev cni0 proto kernel scope link src 10.244.2.1",
      "10.244.2.77 dev cni0 INCOMPLETE",
      "nobody in the lab has 10.244.2.77",
    ]);
  });
});
