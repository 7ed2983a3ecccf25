/** Datagrams that are cut into pieces, and ICMP errors about them: one journey each, whatever cut them. */

import { describe, expect, test } from "vitest";
import { flannelTopology } from "./flannel-topology.ts";
import { echo, eth, icmpError, ipv4, mac, seen, udp, vxlan } from "./packet.ts";
import { Followed, type Recorded } from "./recording.ts";

const A = "10.244.1.2";
const C = "10.244.2.2";

/** The bytes of an IPv4 packet's payload from and up to there, as a packet of its own. */
function piece(packet: Buffer, from: number, to: number): Buffer {
  const part = Buffer.concat([packet.subarray(0, 20), packet.subarray(20 + from, 20 + to)]);
  const more = 20 + to < packet.length ? 0x2000 : 0;
  part.writeUInt16BE(part.length, 2);
  part.writeUInt16BE(more | (from / 8), 6);
  return part;
}

function at(place: string, microseconds: number, packet: Buffer): Recorded {
  return seen(place, microseconds, eth(mac(1), mac(2), 0x0800, packet));
}

function routed(packet: Buffer): Buffer {
  const copy = Buffer.from(packet);
  copy[8]! -= 1;
  return copy;
}

const packet = ipv4({ src: A, dst: C, id: 77 }, 1, echo("request", 7, 1, "x".repeat(392)));
const first = piece(routed(packet), 0, 256);
const second = piece(routed(packet), 256, 400);

const cutByRouter = [
  at("a/eth0 out", 0, packet),
  at("r/eth0 in", 1, packet),
  at("r/eth1 out", 10, first),
  at("c/eth0 in", 12, first),
  at("r/eth1 out", 11, second),
  at("c/eth0 in", 13, second),
];

/** Without a topology who sent from an address owns it: the reply tells where the packet was for. */
const reply = at("c/eth0 out", 20, ipv4({ src: C, dst: A, id: 78 }, 1, echo("reply", 7, 1)));

describe("a datagram that a router cuts", () => {
  const orders: [string, number[]][] = [
    ["as they came", [0, 1, 2, 3, 4, 5]],
    ["the later piece first", [0, 1, 4, 5, 2, 3]],
  ];

  test.each(orders)("is one journey with its pieces, taken in %s", (_, order) => {
    const followed = new Followed([...order.map((index) => cutByRouter[index]!), reply]);
    followed.follower.finish();
    const [journey, answer, ...others] = followed.journeys();
    expect(others).toEqual([]);
    expect(answer?.replyTo).toBe(journey?.id);
    expect(journey).toMatchObject({ end: "arrived", reply: answer?.id });
    const cut = journey?.hops.flatMap((hop, index) =>
      hop.changes.filter(({ kind }) => kind === "fragmented").map(({ bytes }) => ({ bytes, from: hop.parent, index })),
    );
    expect(cut?.map(({ bytes, from }) => ({ bytes, from }))).toEqual([
      { bytes: [0, 256], from: 1 },
      { bytes: [256, 400], from: 1 },
    ]);
    expect(followed.follower.hopCount(journey?.id ?? -1)).toBe(6);
  });

  test("has arrived where it was answered, although a piece was not seen", () => {
    const followed = new Followed([...cutByRouter.slice(0, 5), reply]);
    followed.follower.finish();
    expect(followed.journeys()[0]).toMatchObject({ end: "arrived" });
  });

  test("is lost where one of its pieces is", () => {
    const known = at("c/eth0 out", 0, ipv4({ src: C, dst: A, id: 5 }, 17, udp(1, 2, Buffer.alloc(4))));
    const followed = new Followed([known, ...cutByRouter.slice(0, 5)]);
    followed.follower.finish();
    const lost = followed.journeys().find(({ summary }) => summary.startsWith("ICMP echo request"));
    expect(lost).toMatchObject({ end: "lost", lastSeen: "r/eth1" });
  });

  test("keeps its pieces where its source is translated as it is cut", () => {
    const translated = ipv4({ src: "10.9.9.9", dst: C, id: 77, ttl: 63 }, 1, echo("request", 999, 1, "x".repeat(392)));
    const followed = new Followed([
      ...cutByRouter.slice(0, 2),
      at("r/eth1 out", 10, piece(translated, 0, 256)),
      at("r/eth1 out", 11, piece(translated, 256, 400)),
    ]);
    followed.follower.finish();
    expect(followed.journeys()).toHaveLength(1);
    expect(followed.journeys()[0]?.hops[2]?.changes.map(({ kind }) => kind)).toEqual(["snat", "routed", "fragmented"]);
  });
});

test("a datagram that its sender cuts is one journey, and two of them are two", () => {
  const again = ipv4({ src: A, dst: C, id: 79 }, 17, udp(5000, 6000, Buffer.alloc(400)));
  const before = ipv4({ src: A, dst: C, id: 78 }, 17, udp(5000, 6000, Buffer.alloc(400)));
  const frames = [before, again].flatMap((each, index) =>
    [piece(each, 0, 200), piece(each, 200, 408)].flatMap((part, place) => [
      at("a/eth0 out", index * 100 + place, part),
      at("r/eth0 in", index * 100 + place + 10, part),
    ]),
  );
  const followed = new Followed(frames);
  followed.follower.finish();
  expect(followed.journeys().map(({ hops }) => hops.length)).toEqual([4, 4]);
});

describe("a datagram that its sender cuts, and that a bridge puts together for connection tracking", () => {
  const [one, two] = [piece(packet, 0, 256), piece(packet, 256, 400)];
  const frames = [
    at("pod/b/eth0 out", 0, one),
    at("node/node1/veth2 in", 1, one),
    at("pod/b/eth0 out", 2, two),
    at("node/node1/veth2 in", 3, two),
    at("node/node1/cni0 in", 4, packet),
    at("node/node1/flannel.1 out", 5, piece(routed(packet), 0, 256)),
    at("node/node1/flannel.1 out", 6, piece(routed(packet), 256, 400)),
  ];
  const orders: [string, number[]][] = [
    ["as they came", [0, 1, 2, 3, 4, 5, 6]],
    ["the whole before the later piece", [0, 1, 4, 2, 3, 5, 6]],
    ["the whole before all pieces", [4, 0, 1, 2, 3, 5, 6]],
    ["the whole between the later piece and the first one", [2, 3, 4, 0, 1, 5, 6]],
    ["all pieces before the whole", [0, 1, 2, 3, 5, 6, 4]],
  ];

  test.each(orders)("is one journey, taken in %s", (_, order) => {
    const followed = new Followed(
      order.map((index) => frames[index]!),
      flannelTopology,
    );
    followed.follower.finish();
    const journeys = followed.journeys();
    expect(journeys.map(({ hops }) => hops.length)).toEqual([7]);
    const kinds = journeys[0]?.hops.map((hop) => hop.changes.map(({ kind }) => kind).join(" "));
    expect(kinds?.slice(4)).toEqual(["bridged reassembled", "routed fragmented", "routed fragmented"]);
  });

  test("is answered, whichever of its frames was taken in first", () => {
    const back = at("pod/b/eth0 in", 30, ipv4({ src: C, dst: A, id: 78 }, 1, echo("reply", 7, 1)));
    const followed = new Followed([frames[4]!, back, ...frames.slice(0, 4)], flannelTopology);
    followed.follower.finish();
    const [journey, answer] = ["request", "reply"].map((kind) =>
      followed.journeys().find(({ summary }) => summary.startsWith(`ICMP echo ${kind}`)),
    );
    expect(journey).toMatchObject({ end: "arrived", reply: answer?.id });
    expect(answer?.replyTo).toBe(journey?.id);
  });

  test("is another datagram where it is longer, although its identification is the same", () => {
    const other = ipv4({ src: A, dst: C, id: 77 }, 1, echo("request", 8, 1, "x".repeat(500)));
    const followed = new Followed([...frames.slice(0, 4), at("node/node1/cni0 in", 40, other)], flannelTopology);
    followed.follower.finish();
    expect(followed.journeys()).toHaveLength(2);
  });
});

test("a tunnel's packet that is cut, and put together at the other end, stays one journey", () => {
  const inner = ipv4({ src: A, dst: C, id: 77, ttl: 63 }, 1, echo("request", 7, 1, "x".repeat(392)));
  const frame = eth(mac(3), mac(4), 0x0800, inner);
  const outer = vxlan({ src: "192.168.32.121", dst: "192.168.32.122", id: 500 }, 1, frame);
  const pieces = [piece(outer, 0, 256), piece(outer, 256, outer.length - 20)];
  const followed = new Followed(
    [
      seen("node/node1/flannel.1 out", 0, frame),
      ...pieces.map((part, index) => at("node/node1/eth0 out", 5 + index, part)),
      ...pieces.map((part, index) => at("node/node2/eth0 in", 10 + index, part)),
      seen("node/node2/flannel.1 in", 12, frame),
    ],
    flannelTopology,
  );
  followed.follower.finish();
  const journeys = followed.journeys();
  expect(journeys).toHaveLength(1);
  const kinds = journeys[0]?.hops.map((hop) => hop.changes.map(({ kind }) => kind));
  expect(kinds).toEqual([[], ["wrapped", "fragmented"], ["fragmented"], [], [], ["unwrapped", "reassembled"]]);
});

describe("an ICMP error", () => {
  test("about an echo reply is about that journey", () => {
    const answer = ipv4({ src: C, dst: A, id: 9 }, 1, echo("reply", 7, 1));
    const error = ipv4({ src: "10.244.2.1", dst: C, id: 10 }, 1, icmpError(3, 0, answer));
    const followed = new Followed([
      at("c/eth0 out", 0, answer),
      at("r/eth1 in", 1, answer),
      at("r/eth1 out", 5, error),
    ]);
    followed.follower.finish();
    expect(followed.follower.facts(0)).toMatchObject({ error: 1, end: "lost" });
    expect(followed.follower.facts(1)).toMatchObject({ errorOf: 0, replyTo: undefined });
    expect(followed.journey(0).error).toEqual({
      journey: 1,
      summary: "ICMP net unreachable 10.244.2.1 > 10.244.2.2",
      by: "r",
    });
  });

  test("that quotes a tunnel's packet is about what that carries", () => {
    const inner = ipv4({ src: A, dst: C, id: 77 }, 1, echo("request", 7, 1));
    const frame = eth(mac(3), mac(4), 0x0800, inner);
    const outer = vxlan({ src: "192.168.32.121", dst: "192.168.32.122", id: 500 }, 1, frame);
    const error = ipv4({ src: "192.168.32.122", dst: "192.168.32.121", id: 10 }, 1, icmpError(3, 3, outer));
    const followed = new Followed([
      seen("node/node1/flannel.1 out", 0, frame),
      at("node/node1/eth0 out", 5, outer),
      at("node/node2/eth0 in", 10, outer),
      at("node/node2/eth0 out", 15, error),
    ]);
    followed.follower.finish();
    expect(followed.follower.facts(0)).toMatchObject({ error: 1 });
  });

  test("does not take the place of the answer that comes all the same", () => {
    const asked = ipv4({ src: A, dst: C, id: 77 }, 1, echo("request", 7, 1));
    const redirect = ipv4({ src: "10.244.1.1", dst: A, id: 10 }, 1, icmpError(5, 1, asked));
    const answer = ipv4({ src: C, dst: A, id: 11 }, 1, echo("reply", 7, 1));
    const followed = new Followed([
      at("a/eth0 out", 0, asked),
      at("a/eth0 in", 5, redirect),
      at("a/eth0 in", 9, answer),
    ]);
    followed.follower.finish();
    expect(followed.follower.facts(0)).toMatchObject({ error: 1, reply: 2, end: "arrived" });
  });
});
