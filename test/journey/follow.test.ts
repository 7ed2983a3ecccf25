import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Follower } from "../../main/journey/follow.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { flannelTopology, namespace, veth } from "./flannel-topology.ts";
import { arp, echo, eth, FLAG, icmpError, ipv4, mac, passes, seen, tcp, udp, whoHas } from "./packet.ts";
import { Followed, type Recorded, readRecording } from "./recording.ts";

const SECOND = 1e6; // microseconds, as packet.ts counts

const A = "10.244.1.2";
const B = "10.244.1.3";
const C = "10.244.2.2";

function ping(seq: number, ttl = 64, id = seq): Buffer {
  return eth(mac(1), mac(2), 0x0800, ipv4({ src: A, dst: C, ttl, id }, 1, echo("request", 7, seq)));
}

function hopCounts(followed: Followed): number[] {
  return Array.from({ length: followed.follower.journeyCount }, (_, id) => followed.follower.hopCount(id));
}

describe("which frames are one packet", () => {
  test("frames in any order give the same journeys", () => {
    const frames = readRecording("flannel");
    const expected = new Followed(frames, flannelTopology).partition();
    fc.assert(
      fc.property(fc.shuffledSubarray(frames, { minLength: frames.length }), (shuffled) => {
        expect(new Followed(shuffled, flannelTopology).partition()).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test("frames in any order give the same journeys where no topology is known", () => {
    const frames = readRecording("flannel");
    const expected = new Followed(frames).partition();
    fc.assert(
      fc.property(fc.shuffledSubarray(frames, { minLength: frames.length }), (shuffled) => {
        expect(new Followed(shuffled).partition()).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  test("a question asked each second is a journey each time, a repeat of the first", () => {
    const question = whoHas(B, mac(2), A);
    const way = ["pod/a/eth0 out", "node/node1/vetha in", "node/node1/vethb out", "pod/b/eth0 in"];
    const frames = [0, 1, 2].flatMap((second) => passes(second * SECOND, question, ...way));
    const followed = new Followed(frames, flannelTopology);
    expect(hopCounts(followed)).toEqual([4, 4, 4]);
    expect([0, 1, 2].map((id) => followed.follower.facts(id).repeatOf)).toEqual([undefined, 0, 0]);
  });

  test("a question that was lost half-way does not take the sightings of the next one", () => {
    const question = whoHas(B, mac(2), A);
    const frames = [
      ...passes(0, question, "pod/a/eth0 out", "node/node1/vetha in"),
      ...passes(SECOND, question, "pod/a/eth0 out", "node/node1/vetha in", "node/node1/vethb out", "pod/b/eth0 in"),
    ];
    const followed = new Followed(frames, flannelTopology);
    followed.follower.finish();
    expect(hopCounts(followed)).toEqual([2, 4]);
    expect([0, 1].map((id) => followed.follower.end(id))).toEqual(["lost", "arrived"]);
  });

  test("nor where one sighting of the next one is missing", () => {
    const question = whoHas(B, mac(2), A);
    const frames = [
      ...passes(0, question, "pod/a/eth0 out", "node/node1/vetha in"),
      ...passes(SECOND, question, "pod/a/eth0 out", "node/node1/vethb out", "pod/b/eth0 in"),
    ];
    expect(hopCounts(new Followed(frames, flannelTopology))).toEqual([2, 3]);
  });

  test("repeats that are lost here and there are told apart in whatever order their frames come", () => {
    const question = whoHas(B, mac(2), A);
    const way = [
      "pod/a/eth0 out",
      "node/node1/vetha in",
      "node/node1/cni0 in",
      "node/node1/vethb out",
      "pod/b/eth0 in",
    ];
    const repeats = fc.array(
      fc.record({ wait: fc.integer({ min: 100_000, max: SECOND }), seenAt: fc.integer({ min: 1, max: 5 }) }),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(repeats, fc.infiniteStream(fc.nat()), (list, random) => {
        let start = 0;
        const packets = list.map(({ wait, seenAt }) => {
          start += wait;
          // The bridge and its port share a stamp.
          return way.slice(0, seenAt).map((place, index) => seen(place, start + (index === 2 ? 1 : index), question));
        });
        const expected = packets.flatMap((packet) => new Followed(packet, flannelTopology).partition()).sort();
        const sorted = packets.flat();
        expect(new Followed(sorted, flannelTopology).partition()).toEqual(expected);
        const keys = new Map(sorted.map((frame) => [frame, random.next().value]));
        const shuffled = [...sorted].sort((one, other) => keys.get(one)! - keys.get(other)!);
        expect(new Followed(shuffled, flannelTopology).partition()).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  }, 60_000);

  test("two equal packets in flight together keep their order", () => {
    const same = eth(mac(1), mac(2), 0x0800, ipv4({ src: A, dst: C, id: 0 }, 17, udp(4000, 5000, Buffer.from("same"))));
    const frames = [
      seen("pod/a/eth0 out", 0, same),
      seen("pod/a/eth0 out", 4, same),
      seen("node/node1/vetha in", 5, same),
      seen("node/node1/cni0 in", 5, same),
      seen("node/node1/vetha in", 9, same),
      seen("node/node1/cni0 in", 9, same),
      seen("node/node1/flannel.1 out", 11, same),
      seen("node/node1/flannel.1 out", 15, same),
    ];
    const followed = new Followed(frames, flannelTopology);
    const times = [0, 1].map((id) =>
      followed.follower.journeyFrames(id).map((frame) => followed.follower.frame(frame).at),
    );
    expect(times).toEqual([
      [0, 5000, 5000, 11000],
      [4000, 9000, 9000, 15000],
    ]);
  });

  test("equal bytes from two pods at once stay two journeys", () => {
    const say = (src: string) =>
      eth(mac(1), mac(2), 0x0800, ipv4({ src, dst: C, id: 0 }, 17, udp(4000, 5000, Buffer.from("same"))));
    const frames = [
      seen("pod/a/eth0 out", 0, say(A)),
      seen("pod/b/eth0 out", 1, say(B)),
      seen("node/node1/vethb in", 2, say(B)),
      seen("node/node1/vetha in", 3, say(A)),
      seen("node/node1/cni0 in", 4, say(B)),
      seen("node/node1/cni0 in", 5, say(A)),
    ];
    const followed = new Followed(frames, flannelTopology);
    expect(hopCounts(followed)).toEqual([3, 3]);
    expect(followed.partition().filter((way) => way.includes("pod/a"))[0]).not.toContain("vethb");
    expect(followed.follower.facts(1).repeatOf).toBeUndefined();
  });

  test("a packet that waits for an ARP answer is still one journey", () => {
    const frames = [
      ...passes(0, ping(1), "pod/a/eth0 out", "node/node1/vetha in", "node/node1/cni0 in"),
      ...passes(2.5 * SECOND, ping(1, 63), "node/node1/flannel.1 out"),
    ];
    const followed = new Followed(frames, flannelTopology);
    expect(hopCounts(followed)).toEqual([4]);
  });

  test("a packet seen again at one interface in one direction is a new journey", () => {
    const frames = passes(0, ping(1), "pod/a/eth0 out", "node/node1/vetha in", "node/node1/vetha in");
    const followed = new Followed(frames, flannelTopology);
    expect(hopCounts(followed)).toEqual([2, 1]);
    expect(followed.follower.facts(1).repeatOf).toBe(0);
  });

  test("a late frame mends journeys that were told apart without it", () => {
    const question = whoHas(B, mac(2), A);
    const early = [seen("pod/a/eth0 out", 0, question), seen("node/node1/vetha in", 2, question)];
    const later = [seen("pod/a/eth0 out", SECOND, question), seen("node/node1/vetha in", SECOND + 2, question)];
    const followed = new Followed([later[1]!, early[0]!, later[0]!, early[1]!], flannelTopology);
    expect(followed.partition()).toEqual(new Followed([...early, ...later], flannelTopology).partition());
  });
});

describe("IPv6", () => {
  function v6(nextHeader: number, hopLimit: number, src: string, dst: string, payload: Buffer): Buffer {
    const header = Buffer.from([0x60, 0, 0, 0, 0, payload.length, nextHeader, hopLimit]);
    return eth(
      mac(1),
      mac(2),
      0x86dd,
      Buffer.concat([header, Buffer.from(src, "hex"), Buffer.from(dst, "hex"), payload]),
    );
  }
  const one = "fd000000000000000000000000000a01";
  const two = "fd000000000000000000000000000a02";
  const solicited = "ff0200000000000000000001ff000a02";
  const topology: Topology = {
    lab: "v6",
    namespaces: [
      namespace("one", "host", [veth("eth0", ["r", "w"], { addresses: ["fd00::a01/64"] })]),
      namespace("r", "host", [veth("w", ["one", "eth0"]), veth("e", ["two", "eth0"])]),
      namespace("two", "host", [veth("eth0", ["r", "e"], { addresses: ["fd00::a02/64"] })]),
    ],
  };
  const message = (type: number, rest: string) =>
    Buffer.from(`${type.toString(16).padStart(2, "0")}000000${rest}`, "hex");

  test("an echo is followed through a router and linked to its reply", () => {
    const ask = (hops: number) => v6(58, hops, one, two, message(128, "00070001aabbccdd"));
    const answer = v6(58, 64, two, one, message(129, "00070001aabbccdd"));
    const frames = [
      ...passes(0, ask(64), "one/eth0 out", "r/w in"),
      ...passes(5, ask(63), "r/e out", "two/eth0 in"),
      ...passes(9, answer, "two/eth0 out"),
    ];
    const followed = new Followed(frames, topology);
    expect(hopCounts(followed)).toEqual([4, 1]);
    expect(followed.follower.facts(0)).toMatchObject({ end: "arrived", reply: 1, delivered: [3] });
    expect(followed.journey(0).hops[2]!.changes).toMatchObject([{ kind: "routed", ttl: [64, 63] }]);
  });

  test("a neighbour solicitation arrives at who has the target, and is linked to the advertisement", () => {
    const ask = v6(58, 255, one, solicited, message(135, `00000000${two}`));
    const answer = v6(58, 255, two, one, message(136, `60000000${two}`));
    const followed = new Followed(passes(0, ask, "one/eth0 out", "r/w in"), topology);
    expect(followed.follower.facts(0).delivered).toEqual([]);
    followed.add(seen("two/eth0 in", 4, ask));
    expect(followed.follower.facts(0)).toMatchObject({ end: "arrived", delivered: [2] });
    followed.add(seen("two/eth0 out", 5, answer));
    expect(followed.follower.facts(0).reply).toBe(1);
  });
});

describe("retransmissions and replies", () => {
  const way = (from: number, bytes: Buffer) => passes(from, bytes, "pod/a/eth0 out", "node/node1/vetha in");
  const segment = (id: number, seq: number, flags: number, payload = "", ack = 0) =>
    eth(
      mac(1),
      mac(2),
      0x0800,
      ipv4({ src: A, dst: C, id }, 6, tcp({ srcPort: 40000, dstPort: 80, seq, ack, flags, payload })),
    );
  const back = (id: number, ack: number, flags: number, payload = "") =>
    eth(
      mac(2),
      mac(1),
      0x0800,
      ipv4({ src: C, dst: A, id }, 6, tcp({ srcPort: 80, dstPort: 40000, seq: 500, ack, flags, payload })),
    );

  test("a TCP retransmission is a journey of its own that names the first", () => {
    const frames = [
      ...way(0, segment(1, 100, FLAG.syn)),
      ...way(SECOND, segment(2, 100, FLAG.syn)),
      ...way(3 * SECOND, segment(3, 100, FLAG.syn)),
      ...way(4 * SECOND, segment(4, 101, FLAG.ack | FLAG.psh, "hello")),
      ...way(5 * SECOND, segment(5, 106, FLAG.ack | FLAG.psh, "world")),
      ...way(6 * SECOND, segment(6, 101, FLAG.ack | FLAG.psh, "hello")),
    ];
    const followed = new Followed(frames, flannelTopology);
    expect([0, 1, 2, 3, 4, 5].map((id) => followed.follower.facts(id).repeatOf)).toEqual([
      undefined,
      0,
      0,
      undefined,
      undefined,
      3,
    ]);
  });

  test("acknowledgements without data are no retransmissions of each other", () => {
    const frames = [...way(0, segment(1, 100, FLAG.ack, "", 7)), ...way(9, segment(2, 100, FLAG.ack, "", 7))];
    const followed = new Followed(frames, flannelTopology);
    expect(followed.follower.facts(1).repeatOf).toBeUndefined();
  });

  test("a SYN, its SYN ACK, and data with its acknowledgement are linked, each once", () => {
    const from = "pod/c/eth0 out";
    const frames = [
      seen("pod/a/eth0 out", 0, segment(1, 100, FLAG.syn)),
      seen(from, 10, back(1, 101, FLAG.syn | FLAG.ack)),
      seen("pod/a/eth0 out", 20, segment(2, 101, FLAG.ack | FLAG.psh, "hello", 501)),
      seen(from, 30, back(2, 106, FLAG.ack)),
      seen(from, 40, back(3, 106, FLAG.ack)),
    ];
    const followed = new Followed(frames, flannelTopology);
    expect([0, 1, 2, 3, 4].map((id) => followed.follower.facts(id).reply)).toEqual([1, 2, 3, undefined, undefined]);
    expect([0, 1, 2, 3, 4].map((id) => followed.follower.facts(id).replyTo)).toEqual([undefined, 0, 1, 2, undefined]);
  });

  test("an echo reply is linked to its request and no other", () => {
    const reply = (seq: number) =>
      eth(mac(2), mac(1), 0x0800, ipv4({ src: C, dst: A, id: 900 + seq }, 1, echo("reply", 7, seq)));
    const frames = [
      seen("pod/a/eth0 out", 0, ping(1)),
      seen("pod/a/eth0 out", 5, ping(2)),
      seen("pod/c/eth0 out", 9, reply(2)),
      seen("pod/c/eth0 out", 10, reply(1)),
    ];
    const followed = new Followed(frames, flannelTopology);
    expect([0, 1, 2, 3].map((id) => followed.follower.facts(id).reply)).toEqual([3, 2, undefined, undefined]);
    expect([2, 3].map((id) => followed.follower.facts(id).replyTo)).toEqual([1, 0]);
  });

  test("an answer that is read before its question is linked all the same", () => {
    const reply = eth(mac(2), mac(1), 0x0800, ipv4({ src: C, dst: A, id: 901 }, 1, echo("reply", 7, 1)));
    const followed = new Followed([seen("pod/c/eth0 out", 9, reply)], flannelTopology);
    followed.add(seen("pod/a/eth0 out", 0, ping(1)));
    expect(followed.follower.facts(1)).toMatchObject({ reply: 0, end: "arrived" });
    expect(followed.follower.facts(0).replyTo).toBe(1);
  });

  test("of a question asked twice, the second is answered where the first was lost", () => {
    const question = whoHas(B, mac(2), A);
    const answer = eth(mac(2), mac(3), 0x0806, arp(2, [mac(3), B], [mac(2), A]));
    const frames = [
      seen("pod/a/eth0 out", 0, question),
      seen("pod/a/eth0 out", SECOND, question),
      seen("pod/b/eth0 out", SECOND + 9, answer),
    ];
    const inOrder = new Followed(frames, flannelTopology, ["node/node1/vetha"]);
    inOrder.follower.finish();
    expect([0, 1].map((id) => inOrder.follower.facts(id))).toMatchObject([
      { end: "lost" },
      { end: "arrived", reply: 2 },
    ]);
    const backwards = new Followed([...frames].reverse(), flannelTopology);
    expect(backwards.partition()).toEqual(inOrder.partition());
  });

  test("a question by ARP is linked to its answer", () => {
    const answer = eth(mac(2), mac(3), 0x0806, arp(2, [mac(3), B], [mac(2), A]));
    const frames = [seen("pod/a/eth0 out", 0, whoHas(B, mac(2), A)), seen("pod/b/eth0 out", 9, answer)];
    const followed = new Followed(frames, flannelTopology);
    expect(followed.follower.facts(0)).toMatchObject({ reply: 1, end: "arrived" });
    expect(followed.follower.facts(1)).toMatchObject({ replyTo: 0 });
  });

  test("datagrams answer the one before them, the other way", () => {
    const datagram = (src: string, dst: string, ports: [number, number], text: string) =>
      eth(mac(1), mac(2), 0x0800, ipv4({ src, dst, id: 3 }, 17, udp(ports[0], ports[1], Buffer.from(text))));
    const frames = [
      seen("pod/a/eth0 out", 0, datagram(A, C, [4000, 5000], "one")),
      seen("pod/c/eth0 out", 1, datagram(C, A, [5000, 4000], "ONE")),
      seen("pod/a/eth0 out", 2, datagram(A, C, [4000, 5000], "two")),
      seen("pod/c/eth0 out", 3, datagram(C, A, [5000, 4000], "TWO")),
      seen("pod/c/eth0 out", 4, datagram(C, A, [5000, 4001], "other port")),
    ];
    const followed = new Followed(frames, flannelTopology);
    expect([0, 1, 2, 3, 4].map((id) => followed.follower.facts(id).replyTo)).toEqual([
      undefined,
      0,
      undefined,
      2,
      undefined,
    ]);
  });

  test("an ICMP error is about the packet that it quotes, which has not arrived", () => {
    const packet = ipv4({ src: A, dst: C, id: 9, ttl: 1 }, 17, udp(4000, 33434, Buffer.from("probe")));
    const error = ipv4({ src: "10.244.1.1", dst: A, id: 10 }, 1, icmpError(11, 0, packet));
    const frames = [
      seen("pod/a/eth0 out", 0, eth(mac(1), mac(2), 0x0800, packet)),
      seen("node/node1/vetha in", 1, eth(mac(1), mac(2), 0x0800, packet)),
      seen("node/node1/cni0 out", 9, eth(mac(2), mac(1), 0x0800, error)),
    ];
    const followed = new Followed(frames, flannelTopology);
    followed.follower.finish();
    expect(followed.follower.facts(1)).toMatchObject({ replyTo: undefined, errorOf: 0 });
    expect(followed.follower.facts(0)).toMatchObject({ reply: undefined, error: 1, end: "lost" });
  });
});

describe("how a journey ends", () => {
  test("it is in flight while young, lost when it stays quiet, and arrived when it comes after all", () => {
    const sent = passes(0, ping(1), "pod/a/eth0 out", "node/node1/vetha in");
    const followed = new Followed(sent, flannelTopology, ["node/node1/cni0"]);
    const { follower } = followed;
    expect(follower.settle(0.5e9)).toEqual([0]);
    expect(follower.end(0)).toBe("in flight");
    expect(follower.settle(0.6e9)).toEqual([]);
    expect(follower.settle(1.5e9)).toEqual([0]);
    expect(follower.end(0)).toBe("lost");
    expect(follower.settle(1.6e9)).toEqual([]);
    followed.add(seen("pod/c/eth0 in", 1.7 * SECOND, ping(1, 62)));
    expect(follower.settle(1.8e9)).toEqual([0]);
    expect(follower.end(0)).toBe("arrived");
    expect(follower.settle(9e9)).toEqual([]);
  });

  test.each([
    ["pod/a/eth0 out", []],
    ["node/node1/vetha in", ["pod/a/eth0"]],
    ["node/node1/cni0 out", ["node/node1/eth0"]],
    ["node/node1/flannel.1 out", ["node/node1/cni0"]],
  ])("it is out of sight where it left by the last interface that is captured: %s, %j", (where, quiet) => {
    const { follower } = new Followed([seen(where, 0, ping(1))], flannelTopology, quiet);
    follower.finish();
    expect(follower.end(0)).toBe("out of sight");
  });

  test.each([
    ["pod/a/eth0 out", ["node/node1/vetha"]],
    ["node/node1/vetha in", ["node/node1/cni0"]],
    ["node/node1/cni0 out", ["node/node1/vetha"]],
    ["node/node1/flannel.1 out", ["node/node1/eth0"]],
    ["pod/c/eth0 in", []],
  ])("it is lost where it would have been seen again: %s, %j", (where, quiet) => {
    const stranger = eth(mac(1), mac(2), 0x0800, ipv4({ src: A, dst: "10.9.9.9" }, 1, echo("request", 1, 1)));
    const { follower } = new Followed([seen(where, 0, stranger)], flannelTopology, quiet);
    follower.finish();
    expect(follower.end(0)).toBe("lost");
  });

  test("a packet for the node itself arrives at the node, not before", () => {
    const toNode = eth(mac(1), mac(2), 0x0800, ipv4({ src: A, dst: "192.168.32.121" }, 1, echo("request", 1, 1)));
    const followed = new Followed([seen("pod/a/eth0 out", 0, toNode)], flannelTopology);
    expect(followed.follower.end(0)).toBe("in flight");
    followed.add(seen("node/node1/vetha in", 2, toNode));
    expect(followed.follower.end(0)).toBe("arrived");
  });

  test("a packet is not delivered to a node that only forwards it", () => {
    const frames = passes(0, ping(1), "pod/a/eth0 out", "node/node1/vetha in", "node/node1/cni0 in");
    const followed = new Followed(frames, flannelTopology);
    followed.follower.finish();
    expect(followed.follower.facts(0)).toMatchObject({ end: "lost", delivered: [] });
  });
});

describe("lists of journeys", () => {
  test("are paged, and filtered by an interface", () => {
    const frames = [1, 2, 3, 4].flatMap((seq) =>
      passes(seq * 100, ping(seq), "pod/a/eth0 out", ...(seq % 2 === 0 ? ["node/node1/vetha in"] : [])),
    );
    const followed = new Followed(frames, flannelTopology);
    const { follower } = followed;
    const at = follower.addInterface({ netns: "node/node1", interface: "vetha" });
    expect(follower.listJourneys({ first: 1, count: 2 })).toEqual({ total: 4, ids: [1, 2] });
    expect(follower.listJourneys({ first: 0, count: 9, at })).toEqual({ total: 2, ids: [1, 3] });
    for (const frame of passes(900, ping(5), "node/node1/vetha in", "node/node1/vetha out")) followed.add(frame);
    expect(follower.listJourneys({ first: 1, count: 9, at })).toEqual({ total: 3, ids: [3, 4] });
    expect(follower.frame(follower.firstFrame(1))).toMatchObject({ netns: "pod/a", direction: "out", at: 200_000 });
    expect(follower.journeyOf(follower.firstFrame(3))).toBe(3);
  });
});

describe("bad bytes and large captures", () => {
  test("every prefix and bit flip of a recording is followed without throwing", () => {
    const frames = readRecording("flannel");
    const follower = new Follower({ interfaces: frames, topology: flannelTopology });
    for (const [index, { bytes, at }] of frames.entries()) {
      for (let end = 0; end <= bytes.length; end++) follower.add(index % 15, 1, at, bytes, 0, end, bytes.length);
      const flipped = Uint8Array.from(bytes);
      for (let bit = 0; bit < flipped.length * 8; bit += 3) {
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        follower.add(index % 15, 2, at, flipped, 0, flipped.length, flipped.length);
      }
    }
    follower.finish();
    const lengths = Array.from({ length: follower.journeyCount }, (_, id) => follower.hopCount(id));
    expect(lengths.reduce((sum, hops) => sum + hops, 0)).toBe(follower.frameCount);
  });

  test("a million random frames are followed without throwing, with bounded memory of what is open", () => {
    const noise = new Uint8Array(1 << 16);
    let state = 1;
    for (let at = 0; at < noise.length; at++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      noise[at] = state >>> 24;
    }
    // Half of them begin as a real packet does, so that noise gets past Ethernet.
    const frames: Recorded[] = readRecording("flannel");
    const follower = new Follower({ interfaces: frames, topology: flannelTopology });
    const buffer = new Uint8Array(256);
    let remembered = 0;
    for (let count = 0; count < 1_000_000; count++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const from = (state >>> 9) & 0x7fff;
      buffer.set(noise.subarray(from, from + buffer.length));
      const real = frames[count % frames.length]!.bytes;
      if (count % 2 === 0) buffer.set(real.subarray(0, 14 + (count % 60)));
      buffer[40] = count;
      buffer[41] = count >> 8;
      buffer[42] = count >> 16;
      follower.add(count % 15, count % 2 === 0 ? 1 : 2, count * 100_000, buffer, 0, (state >>> 20) % 257, 256);
      remembered = Math.max(remembered, follower.remembered);
    }
    follower.finish();
    expect(follower.frameCount).toBe(1_000_000);
    expect(remembered).toBeLessThan(600_000);
    expect(follower.settle(Number.POSITIVE_INFINITY)).toEqual([]);
  }, 60_000);
});
