/** The causes of the recorded Calico pings, found in the state that the kernel had just after them. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { explainCauses } from "../../main/cause/explain-causes.ts";
import { lookupKey, neededLookups } from "../../main/cause/lookup.ts";
import type { KernelState } from "../../main/cause/state.ts";
import { readLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import type { Layer } from "../../preload/contract/frame.ts";
import type { Hop, Journey } from "../../preload/contract/journey.ts";
import { expectGolden } from "../journey/golden.ts";
import { Followed, readRecording, renderJourney } from "../journey/recording.ts";

const lines = z.array(z.string());
const recording = z.object({
  at: z.number(),
  namespaces: z.record(
    z.string(),
    z.object({ links: lines, addresses: lines, routes: lines, neighbours: lines, fdb: lines, sysctls: lines }),
  ),
  lookups: z.record(z.string(), z.string()),
});

interface Explained {
  journey: Journey;
  layers: Layer[][];
  state: KernelState;
  lookups: Map<string, string>;
}

/** The first journey whose summary begins so, its layers, and what the kernel said. `without`: interfaces not captured. */
async function find(lab: string, start: string, without: string[] = []): Promise<Explained> {
  const read = await readLab(fileURLToPath(new URL(`../../labs/${lab}/lab.yaml`, import.meta.url)));
  if (!read.ok) throw new Error(read.fault.message);
  const file = new URL(`./fixtures/${lab}.state.json`, import.meta.url);
  const { lookups, ...state } = recording.parse(JSON.parse(readFileSync(file, "utf8")));
  const frames = readRecording(lab).filter((frame) => !without.includes(frame.interface));
  const followed = new Followed(frames, layOutLab(read.value.lab));
  followed.follower.finish();
  const journey = followed.journeys().find(({ summary }) => summary.startsWith(start))!;
  const seen = new Map(followed.seen(journey.id).map(({ frame, layers }) => [frame.index, layers]));
  const layers = journey.hops.map(({ frame }) => seen.get(frame)!);
  return { journey, layers, state, lookups: new Map(Object.entries(lookups)) };
}

function explain({ journey, layers, state, lookups }: Explained): Journey {
  return explainCauses(journey, layers, state, lookups);
}

function hopAt(journey: Journey, place: string): Hop {
  return journey.hops.find((hop) => `${hop.netns}/${hop.interface} ${hop.direction}` === place)!;
}

function causesAt(journey: Journey, place: string): string[] {
  return hopAt(journey, place).changes.flatMap(({ causes }) => causes?.map(({ text }) => text) ?? []);
}

describe("the causes of a ping to another node", () => {
  test.each([
    ["calico-ipip", "ICMP echo request 172.26.0.1 > 172.26.0.65"],
    ["calico-ipip-crosssubnet", "ICMP echo request 172.26.0.1 > 172.26.0.129"],
  ])("of %s are the lines that the kernel printed", async (lab, start) => {
    const explained = await find(lab, start);
    expectGolden(new URL(`./fixtures/${lab}.golden.txt`, import.meta.url), renderJourney(explain(explained)));
    // Nothing was asked that the recording has no answer to.
    const asked = neededLookups(explained.journey, explained.layers, explained.state).map(lookupKey);
    expect(asked.filter((key) => !explained.lookups.has(key))).toEqual([]);
  });

  test("are the route into the tunnel, and the tunnel with the way of the outer packet", async () => {
    const journey = explain(await find("calico-ipip", "ICMP echo request 172.26.0.1 > 172.26.0.65"));
    expect(causesAt(journey, "node/node1/tunl0 out")).toEqual([
      "172.26.0.64/26 via 192.168.32.128 dev tunl0 proto 80 onlink",
    ]);
    expect(causesAt(journey, "node/node1/eth0 out")).toEqual([
      "tunl0: ipip any remote any local any ttl inherit nopmtudisc",
      "192.168.32.0/24 dev eth0 proto kernel scope link src 192.168.32.127",
      "192.168.32.128 dev eth0 lladdr 02:0b:a6:60:00:20 REACHABLE",
    ]);
    expect(causesAt(journey, "node/node2/tunl0 in")).toEqual([
      "tunl0: ipip any remote any local any ttl inherit nopmtudisc",
    ]);
    expect(causesAt(journey, "node/node2/calidbc51878acf out")[0]).toBe("172.26.0.65 dev calidbc51878acf scope link");
  });

  test("are found also where tunl0 was not captured", async () => {
    const journey = explain(await find("calico-ipip", "ICMP echo request 172.26.0.1 > 172.26.0.65", ["tunl0"]));
    expect(hopAt(journey, "node/node1/eth0 out").changes.map(({ kind, cause }) => [kind, cause])).toEqual([
      ["routed", "172.26.0.64/26 via 192.168.32.128 dev tunl0 proto 80 onlink"],
      ["wrapped", "tunl0: ipip any remote any local any ttl inherit nopmtudisc"],
    ]);
    expect(hopAt(journey, "node/node2/calidbc51878acf out").changes.map(({ kind, cause }) => [kind, cause])).toEqual([
      ["unwrapped", "tunl0: ipip any remote any local any ttl inherit nopmtudisc"],
      ["routed", "172.26.0.65 dev calidbc51878acf scope link"],
    ]);
  });

  test("in the same subnet with CrossSubnet are the route by the card itself", async () => {
    const journey = explain(await find("calico-ipip-crosssubnet", "ICMP echo request 172.26.0.1 > 172.26.0.65"));
    expect(causesAt(journey, "node/node1/eth0 out")[0]).toBe(
      "172.26.0.64/26 via 192.168.32.128 dev eth0 proto 80 onlink",
    );
  });
});

describe("proxy ARP", () => {
  const setting = {
    kind: "sysctl",
    text: "net.ipv4.conf.caliacd53aa4120.proxy_arp = 1",
    command: "ip netns exec node.node1 sysctl net.ipv4.conf.caliacd53aa4120.proxy_arp",
  };
  const route = {
    kind: "route",
    text: "default via 192.168.32.1 dev eth0",
    command: "ip -n node.node1 route get fibmatch 169.254.1.1 from 172.26.0.1 iif caliacd53aa4120",
  };

  test("is why the node answers for 169.254.1.1: the setting, and a route by another interface", async () => {
    const answer = explain(await find("calico-ipip", "ARP reply 169.254.1.1"));
    expect(answer.hops[0]?.causes).toEqual([setting, route]);
    const question = explain(await find("calico-ipip", "ARP who-has 169.254.1.1"));
    expect(question.hops.map(({ causes }) => causes)).toEqual([undefined, [setting, route]]);
  });

  test("is not the reason where the interface has it off, or its state was not read", async () => {
    const found = await find("calico-ipip", "ARP reply 169.254.1.1");
    const node = found.state.namespaces["node/node1"]!;
    node.sysctls = node.sysctls?.map((line) => line.replace("= 1", "= 0"));
    expect(explain(found).hops[0]?.causes).toBeUndefined();
    node.sysctls = undefined;
    expect(explain(found).hops[0]?.causes).toBeUndefined();
  });

  test("is not the reason where a pod answers for itself", async () => {
    const answer = explain(await find("calico-ipip", "ARP reply 172.26.0.2"));
    expect(answer.hops.flatMap(({ causes }) => causes ?? [])).toEqual([]);
  });
});

test("what is for an address that no pod has is dropped by the block's blackhole", async () => {
  const journey = explain(await find("calico-ipip", "ICMP echo request 172.26.0.1 > 172.26.0.50"));
  expect(hopAt(journey, "node/node1/caliacd53aa4120 in").causes).toEqual([
    {
      kind: "route",
      text: "blackhole 172.26.0.0/26 proto 80",
      command: "ip -n node.node1 route show match 172.26.0.50",
    },
  ]);
});
