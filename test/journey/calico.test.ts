/** Pings of the labs calico-ipip and calico-ipip-crosssubnet, recorded from a kernel with ipip (fixtures/record-calico.sh). */

import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readLab } from "../../main/lab/read.ts";
import { layOutLab } from "../../main/layout/layout.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import { expectGolden } from "./golden.ts";
import { Followed, readRecording, renderJourney, wayOf } from "./recording.ts";

async function follow(lab: string, withTopology = true): Promise<Followed> {
  const read = await readLab(fileURLToPath(new URL(`../../labs/${lab}/lab.yaml`, import.meta.url)));
  if (!read.ok) throw new Error(read.fault.message);
  const followed = new Followed(readRecording(lab), withTopology ? layOutLab(read.value.lab) : undefined);
  followed.follower.finish();
  return followed;
}

function find(followed: Followed, start: string): Journey {
  return followed.journeys().find(({ summary }) => summary.startsWith(start))!;
}

function kinds(journey: Journey): string[] {
  return journey.hops.map(({ changes }) => changes.map(({ kind }) => kind).join());
}

describe.each(["calico-ipip", "calico-ipip-crosssubnet"])("the recorded lab %s", (lab) => {
  test("every journey reads as the kernel made it", async () => {
    const text = (await follow(lab)).journeys().map(renderJourney).join("\n");
    expectGolden(new URL(`./fixtures/${lab}.golden.txt`, import.meta.url), text);
  });

  test("without a topology the journeys are the same, and still end where they did", async () => {
    const [known, unknown] = [await follow(lab), await follow(lab, false)];
    expect(unknown.partition()).toEqual(known.partition());
    const pings = (followed: Followed) => followed.journeys().filter(({ summary }) => summary.startsWith("ICMP"));
    expect(pings(unknown).map((journey) => [journey.id, journey.end, wayOf(journey)])).toEqual(
      pings(known).map((journey) => [journey.id, journey.end, wayOf(journey)]),
    );
  });
});

describe("with ipipMode Always", () => {
  test("a ping to another node passes tunl0, and carries a second IP header between the nodes", async () => {
    const ping = find(await follow("calico-ipip"), "ICMP echo request 172.26.0.1 > 172.26.0.65");
    expect(wayOf(ping)).toEqual([
      "pod/a/eth0 out",
      "node/node1/caliacd53aa4120 in",
      "node/node1/tunl0 out",
      "node/node1/eth0 out",
      "net/lan/node1 in",
      "net/lan/node2 out",
      "node/node2/eth0 in",
      "node/node2/tunl0 in",
      "node/node2/calidbc51878acf out",
      "pod/c/eth0 in",
    ]);
    expect(kinds(ping)).toEqual(["", "", "routed", "wrapped", "", "bridged", "", "unwrapped", "routed", "delivered"]);
    expect(ping.end).toBe("arrived");
    expect(ping.hops[2]).toMatchObject({ layers: ["ipv4", "icmp"], changes: [{ ttl: [64, 63] }] });
    expect(ping.hops[3]).toMatchObject({
      layers: ["eth", "ipv4", "ipv4", "icmp"],
      changes: [{ kind: "wrapped", layers: ["eth", "ipv4"] }],
    });
    // The nodes outside and the pods inside; the MACs are those of the nodes' cards.
    expect(ping.hops[3]!.titles).toMatchObject([
      expect.stringContaining("02:75:58:70:0e:ed > 02:0b:a6:60:00:20"),
      expect.stringContaining("192.168.32.127 > 192.168.32.128"),
      expect.stringContaining("172.26.0.1 > 172.26.0.65"),
      expect.stringContaining("ICMP"),
    ]);
    expect(ping.hops[7]).toMatchObject({ changes: [{ kind: "unwrapped", layers: ["eth", "ipv4"] }] });
    // The kernel does not restamp a received packet: card and tunnel show the same nanosecond.
    expect(ping.hops[6]!.at).toBe(ping.hops[7]!.at);
    expect(ping.hops[8]).toMatchObject({ changes: [{ ttl: [63, 62] }] });
  });

  test("a ping to a pod of the same node is routed once and never meets tunl0", async () => {
    const ping = find(await follow("calico-ipip"), "ICMP echo request 172.26.0.1 > 172.26.0.2");
    expect(wayOf(ping)).toEqual([
      "pod/a/eth0 out",
      "node/node1/caliacd53aa4120 in",
      "node/node1/califf6fc35a693 out",
      "pod/b/eth0 in",
    ]);
    expect(kinds(ping)).toEqual(["", "", "routed", "delivered"]);
  });

  test("the question for 169.254.1.1 is answered with ee:ee:ee:ee:ee:ee, where nobody has that address", async () => {
    const followed = await follow("calico-ipip");
    const [question, answer] = followed.journeys();
    expect(question).toMatchObject({ summary: "ARP who-has 169.254.1.1 tell 172.26.0.1", end: "arrived", reply: 1 });
    expect(answer).toMatchObject({ summary: "ARP reply 169.254.1.1 is-at ee:ee:ee:ee:ee:ee", replyTo: 0 });
    expect(wayOf(answer!)).toEqual(["node/node1/caliacd53aa4120 out", "pod/a/eth0 in"]);
  });

  test("a ping to an address of the node's block that no pod has ends at the node", async () => {
    const ping = find(await follow("calico-ipip"), "ICMP echo request 172.26.0.1 > 172.26.0.50");
    expect(ping).toMatchObject({ end: "lost", lastSeen: "node/node1/caliacd53aa4120" });
  });
});

describe("with ipipMode CrossSubnet", () => {
  test("a ping within the subnet goes as it is, without tunl0", async () => {
    const ping = find(await follow("calico-ipip-crosssubnet"), "ICMP echo request 172.26.0.1 > 172.26.0.65");
    expect(wayOf(ping)).toEqual([
      "pod/a/eth0 out",
      "node/node1/caliacd53aa4120 in",
      "node/node1/eth0 out",
      "net/lan-a/node1 in",
      "net/lan-a/node2 out",
      "node/node2/eth0 in",
      "node/node2/calidbc51878acf out",
      "pod/c/eth0 in",
    ]);
    expect(ping.hops.every(({ layers }) => layers.join() === "eth,ipv4,icmp")).toBe(true);
  });

  test("a ping across the router is in the tunnel all the way, and the router sees only the nodes", async () => {
    const ping = find(await follow("calico-ipip-crosssubnet"), "ICMP echo request 172.26.0.1 > 172.26.0.129");
    expect(wayOf(ping)).toEqual([
      "pod/a/eth0 out",
      "node/node1/caliacd53aa4120 in",
      "node/node1/tunl0 out",
      "node/node1/eth0 out",
      "net/lan-a/node1 in",
      "net/lan-a/router out",
      "router/eth0 in",
      "router/eth1 out",
      "net/lan-b/router in",
      "net/lan-b/node3 out",
      "node/node3/eth0 in",
      "node/node3/tunl0 in",
      "node/node3/cali2ca070a7e2d out",
      "pod/d/eth0 in",
    ]);
    // The outer TTL begins as the inner one; only the outer goes down at the router.
    expect(ping.hops[7]).toMatchObject({ changes: [{ kind: "routed", ttl: [63, 62] }] });
    expect(ping.hops[12]).toMatchObject({ changes: [{ kind: "routed", ttl: [63, 62] }] });
    expect(ping.end).toBe("arrived");
  });
});
