import { describe, expect, test } from "vitest";
import { bridge, flannelTopology, namespace, veth } from "./flannel-topology.ts";
import { expectGolden } from "./golden.ts";
import { BROADCAST, echo, eth, FLAG, ipv4, mac, passes, seen, tcp, vxlan, whoHas } from "./packet.ts";
import { Followed, readRecording, renderJourney, wayOf } from "./recording.ts";

const FLANNEL_WAY = [
  "pod/a/eth0 out",
  "node/node1/vetha in",
  "node/node1/cni0 in",
  "node/node1/flannel.1 out",
  "node/node1/eth0 out",
  "net/lan/node1 in",
  "net/lan/node2 out",
  "node/node2/eth0 in",
  "node/node2/flannel.1 in",
  "node/node2/cni0 out",
  "node/node2/vethc out",
  "pod/c/eth0 in",
];

function flannelPing(): Followed {
  const followed = new Followed(readRecording("flannel"), flannelTopology);
  followed.follower.finish();
  return followed;
}

describe("a recorded Flannel VXLAN lab", () => {
  test("every journey reads as the kernel made it", () => {
    const text = flannelPing().journeys().map(renderJourney).join("\n");
    expectGolden(new URL("./fixtures/flannel.golden.txt", import.meta.url), text);
  });

  test("a ping between nodes is in order although bridge and port, tunnel and underlay share a nanosecond", () => {
    const followed = flannelPing();
    const ping = followed.journeys().find(({ summary }) => summary.startsWith("ICMP echo request"))!;
    expect(wayOf(ping)).toEqual(FLANNEL_WAY);
    expect(ping.hops.map(({ parent }) => parent)).toEqual([undefined, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(ping.hops[1]!.at).toBe(ping.hops[2]!.at);
    expect(ping.hops[7]!.at).toBe(ping.hops[8]!.at);
    expect(ping.end).toBe("arrived");
    expect(ping.hops.map(({ changes }) => changes.map(({ kind }) => kind).join())).toEqual([
      "",
      "",
      "bridged",
      "routed",
      "wrapped",
      "",
      "bridged",
      "",
      "unwrapped",
      "routed",
      "bridged",
      "delivered",
    ]);
  });

  test("the order is the same whichever way interfaces are numbered", () => {
    const frames = readRecording("flannel");
    const followed = new Followed([], flannelTopology);
    for (const frame of [...frames].reverse()) followed.follower.addInterface(frame);
    for (const frame of frames) followed.add(frame);
    const ping = followed.journeys().find(({ summary }) => summary.startsWith("ICMP echo request"))!;
    expect(wayOf(ping)).toEqual(FLANNEL_WAY);
  });

  test("without a topology the journeys are the same, and still end where they did", () => {
    const known = flannelPing();
    const unknown = new Followed(readRecording("flannel"));
    unknown.follower.finish();
    expect(unknown.partition()).toEqual(known.partition());
    expect(unknown.journeys().map(({ id, end }) => [id, end])).toEqual(
      known.journeys().map(({ id, end }) => [id, end]),
    );
    const ping = unknown.journeys()[2]!;
    expect(ping.hops.find((hop) => hop.interface === "eth0" && hop.netns === "node/node1")!.changes).toMatchObject([
      { kind: "wrapped", layers: ["eth", "ipv4", "udp", "vxlan"] },
    ]);
    expect(ping.hops.at(-1)).toMatchObject({ netns: "pod/c", changes: [{ kind: "delivered" }] });
  });

  test("where only nodes' cards are captured, the ping is wrapped there and lost from sight", () => {
    const frames = readRecording("flannel").filter(
      (frame) => frame.interface === "eth0" && frame.netns.startsWith("node/"),
    );
    const followed = new Followed(frames, flannelTopology);
    followed.follower.finish();
    const ping = followed.journeys().find(({ summary }) => summary.startsWith("ICMP echo request"))!;
    expect(wayOf(ping)).toEqual(["node/node1/eth0 out", "node/node2/eth0 in"]);
    expect(ping.hops.flatMap(({ changes }) => changes)).toEqual([]);
    expect(ping.hops[1]!.parent).toBe(0);
  });

  test("where the tunnel device is not captured, the packet is routed and wrapped in one hop", () => {
    const frames = readRecording("flannel").filter((frame) => frame.interface !== "flannel.1");
    const followed = new Followed(frames, flannelTopology);
    const ping = followed.journeys().find(({ summary }) => summary.startsWith("ICMP echo request"))!;
    const out = ping.hops.find((hop) => hop.netns === "node/node1" && hop.interface === "eth0")!;
    expect(out.changes.map(({ kind }) => kind)).toEqual(["routed", "wrapped"]);
    expect(ping.hops[out.parent!]).toMatchObject({ interface: "cni0" });
    const inside = ping.hops.find((hop) => hop.netns === "node/node2" && hop.interface === "cni0")!;
    expect(inside.changes.map(({ kind }) => kind)).toEqual(["unwrapped", "routed"]);
  });
});

describe("a bridge", () => {
  const hosts = ["h1", "h2", "h3"];
  const topology = {
    lab: "bridge",
    namespaces: [
      namespace("sw", "host", [
        bridge("br0"),
        ...hosts.map((host) => veth(`to-${host}`, [host, "eth0"], { master: "br0", hairpin: true })),
      ]),
      ...hosts.map((host, index) =>
        namespace(host, "host", [veth("eth0", ["sw", `to-${host}`], { addresses: [`10.0.0.${index + 1}/24`] })]),
      ),
    ],
  };
  const question = whoHas("10.0.0.3", mac(1), "10.0.0.1");
  const flood = [
    seen("h1/eth0 out", 0, question),
    seen("sw/to-h1 in", 5, question),
    seen("sw/br0 in", 5, question),
    seen("sw/to-h3 out", 8, question),
    seen("sw/to-h2 out", 9, question),
    seen("sw/to-h1 out", 10, question),
    seen("h2/eth0 in", 12, question),
    seen("h3/eth0 in", 12, question),
    seen("h1/eth0 in", 13, question),
  ];

  test("floods a broadcast as a tree, hairpin back to the sender included", () => {
    const journey = new Followed(flood, topology).journey(0);
    const parentOf = (place: string) => {
      const hop = journey.hops.find((each) => `${each.netns}/${each.interface} ${each.direction}` === place)!;
      const parent = journey.hops[hop.parent!]!;
      return `${parent.netns}/${parent.interface} ${parent.direction}`;
    };
    expect(journey.hops).toHaveLength(9);
    for (const place of ["sw/br0 in", "sw/to-h1 out", "sw/to-h2 out", "sw/to-h3 out"]) {
      expect(parentOf(place)).toBe("sw/to-h1 in");
      const hop = journey.hops.find((each) => place === `${each.netns}/${each.interface} ${each.direction}`)!;
      expect(hop.changes.map(({ kind }) => kind)).toEqual(["flooded"]);
    }
    for (const host of hosts) expect(parentOf(`${host}/eth0 in`)).toBe(`sw/to-${host} out`);
    expect(journey.end).toBe("arrived");
    expect(journey.lastSeen).toBe("h3/eth0");
    const delivered = journey.hops.filter(({ changes }) => changes.some(({ kind }) => kind === "delivered"));
    expect(delivered.map(({ netns }) => netns)).toEqual(["h3"]);
  });

  test("a question for an address that nobody has is lost, however many heard it", () => {
    const nobody = whoHas("10.0.0.9", mac(1), "10.0.0.1");
    const followed = new Followed(
      flood.map((frame) => ({ ...frame, bytes: nobody })),
      topology,
    );
    followed.follower.finish();
    expect(followed.follower.end(0)).toBe("lost");
  });

  test("a broadcast for everybody has arrived once another host took it in", () => {
    const hello = eth(BROADCAST, mac(1), 0x0800, ipv4({ src: "10.0.0.1", dst: "10.0.0.255" }, 17, Buffer.alloc(8)));
    const [first, port, device, ...rest] = flood.map((frame) => ({ ...frame, bytes: hello }));
    const followed = new Followed([first!, port!], topology);
    expect(followed.follower.end(0)).toBe("in flight");
    followed.add(device!);
    expect(followed.follower.end(0)).toBe("arrived");
    for (const frame of rest) followed.add(frame);
    const delivered = followed
      .journey(0)
      .hops.filter(({ changes }) => changes.some(({ kind }) => kind === "delivered"));
    expect(delivered.map(({ netns }) => netns).sort()).toEqual(["h2", "h3", "sw"]);
  });

  test("a frame that its bridge knows the port for is bridged, not flooded", () => {
    const answer = eth(mac(1), mac(3), 0x0800, ipv4({ src: "10.0.0.3", dst: "10.0.0.1" }, 1, echo("reply", 1, 1)));
    const frames = passes(0, answer, "h3/eth0 out", "sw/to-h3 in", "sw/to-h1 out", "h1/eth0 in");
    const journey = new Followed(frames, topology).journey(0);
    expect(journey.hops.map(({ changes }) => changes.map(({ kind }) => kind).join())).toEqual([
      "",
      "",
      "bridged",
      "delivered",
    ]);
  });
});

describe("network address translation", () => {
  const request = { srcPort: 40000, seq: 100, flags: FLAG.syn };
  const toService = tcp({ ...request, dstPort: 80 });
  const toPod = tcp({ ...request, dstPort: 8080 });
  const fromNode = tcp({ ...request, srcPort: 61000, dstPort: 8080 });
  const at = (ttl: number, src: string, dst: string) => ({ src, dst, ttl, id: 77 });
  const inner = eth(mac(2), mac(1), 0x0800, ipv4(at(64, "10.244.1.2", "10.96.0.10"), 6, toService));
  const changed = eth(mac(4), mac(3), 0x0800, ipv4(at(63, "10.244.1.2", "10.244.2.2"), 6, toPod));
  const masqueraded = eth(mac(4), mac(3), 0x0800, ipv4(at(63, "10.244.1.0", "10.244.2.2"), 6, fromNode));

  test("a service's packet is one journey, and the hop says what was translated", () => {
    const frames = [
      ...passes(0, inner, "pod/a/eth0 out", "node/node1/vetha in", "node/node1/cni0 in"),
      ...passes(10, changed, "node/node1/flannel.1 out"),
      ...passes(
        20,
        eth(mac(6), mac(5), 0x0800, vxlan(at(64, "192.168.32.121", "192.168.32.122"), 1, changed)),
        "node/node1/eth0 out",
      ),
    ];
    const followed = new Followed(frames, flannelTopology);
    expect(followed.follower.journeyCount).toBe(1);
    const out = followed.journey(0).hops[3]!;
    expect(out.changes).toMatchObject([
      { kind: "dnat", address: ["10.96.0.10:80", "10.244.2.2:8080"] },
      { kind: "routed", ttl: [64, 63] },
    ]);
  });

  test("a masqueraded packet shows both translations, and its answer is linked", () => {
    const back = { ...at(64, "10.244.2.2", "10.244.1.0"), id: 5 };
    const answer = tcp({ srcPort: 8080, dstPort: 61000, seq: 900, ack: 101, flags: FLAG.syn | FLAG.ack });
    const frames = [
      ...passes(0, inner, "pod/a/eth0 out", "node/node1/vetha in", "node/node1/cni0 in"),
      ...passes(10, masqueraded, "node/node1/flannel.1 out", "node/node2/flannel.1 in"),
      ...passes(90, eth(mac(1), mac(2), 0x0800, ipv4(back, 6, answer)), "pod/c/eth0 out"),
    ];
    const followed = new Followed(frames, flannelTopology);
    expect(followed.journey(0).hops[3]!.changes.map(({ kind }) => kind)).toEqual(["dnat", "snat", "routed"]);
    expect(followed.journey(0).reply).toBe(1);
    expect(followed.journey(1).replyTo).toBe(0);
  });
});
