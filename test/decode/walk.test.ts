import { describe, expect, test } from "vitest";
import { decodeFrame } from "../../main/decode/decode.ts";
import { LINK_TYPE } from "../../main/decode/payload.ts";
import { createWalk, MAX_LAYERS, walkFrame } from "../../main/decode/walk.ts";
import { PROTOCOLS } from "../../preload/contract/frame.ts";
import { arp, ascii, concat, eth, hex, icmpEcho, ipv4, ipv6, tcp, udp, vxlan } from "./build-frame.ts";

const ping = ipv4(1, icmpEcho(7, 1), { src: "10.244.0.2", dst: "10.244.1.2", ttl: 63 });
const wrapped = eth(0x0800, ipv4(17, udp(46334, 8472, vxlan(1, eth(0x0800, ping)))));

function walkOf(bytes: Uint8Array, start = 0, end = bytes.length) {
  const walk = createWalk();
  walkFrame(bytes, start, end, walk);
  const protocols = Array.from(walk.protocols.subarray(0, walk.count), (index) => PROTOCOLS[index]);
  return { ...walk, protocols, offsets: Array.from(walk.offsets.subarray(0, walk.count)) };
}

describe("walkFrame", () => {
  test("finds the layers of a VXLAN ping and where each starts", () => {
    expect(walkOf(wrapped)).toMatchObject({
      protocols: ["eth", "ipv4", "udp", "vxlan", "eth", "ipv4", "icmp"],
      offsets: [0, 14, 34, 42, 50, 64, 84],
      inner: 5,
      innerEnd: wrapped.length,
      cut: false,
    });
  });

  test("counts offsets from the start of the buffer, not of the frame", () => {
    const buffer = concat(new Uint8Array(100), wrapped, new Uint8Array(100).fill(0xff));
    const walk = walkOf(buffer, 100, 100 + wrapped.length);
    expect(walk.offsets).toEqual([100, 114, 134, 142, 150, 164, 184]);
    expect(walk.innerEnd).toBe(100 + wrapped.length);
  });

  test("the innermost packet ends where it says, before the padding", () => {
    const frame = eth(0x0800, concat(ipv4(17, udp(1, 2, ascii("x"))), new Uint8Array(17)));
    expect(walkOf(frame)).toMatchObject({ inner: 1, innerEnd: 14 + 29, protocols: ["eth", "ipv4", "udp", "data"] });
    const who = arp(1, "02:00:00:00:00:01", "10.0.0.1", "00:00:00:00:00:00", "10.0.0.2");
    expect(walkOf(eth(0x0806, concat(who, new Uint8Array(18))))).toMatchObject({ inner: 1, innerEnd: 14 + 28 });
  });

  test("a packet cut short is walked as far as it goes and marked as cut", () => {
    const walk = walkOf(wrapped, 0, 90);
    expect(walk).toMatchObject({ cut: true, inner: 5, innerEnd: 90 });
    expect(walk.protocols).toEqual(["eth", "ipv4", "udp", "vxlan", "eth", "ipv4", "broken"]);
  });

  test("an end after the buffer counts as the buffer's end", () => {
    expect(walkOf(wrapped, 0, wrapped.length + 1000)).toMatchObject({ innerEnd: wrapped.length, cut: false });
  });

  test("a frame of a device without link headers begins with its IP header, of either version", () => {
    const walk = createWalk();
    walkFrame(ping, 0, ping.length, walk, LINK_TYPE.raw);
    expect(walk).toMatchObject({ count: 2, inner: 0, innerEnd: ping.length, cut: false });
    const protocols = (bytes: Uint8Array) =>
      decodeFrame(bytes, { linkType: LINK_TYPE.raw }).map((each) => each.protocol);
    expect(protocols(ping)).toEqual(["ipv4", "icmp"]);
    expect(protocols(ipv6(6, tcp(2, new Uint8Array())))).toEqual(["ipv6", "tcp"]);
    expect(protocols(hex("ff00"))).toEqual(["data"]);
    expect(decodeFrame(ping, { linkType: LINK_TYPE.raw })[0]).toMatchObject({ offset: 0, length: 20 });
  });

  test("what one frame left in the walk does not show in the next", () => {
    const walk = createWalk();
    walkFrame(wrapped, 0, 90, walk);
    const plain = eth(0x88cc, ascii("lldp"));
    walkFrame(plain, 0, plain.length, walk);
    expect(walk).toMatchObject({ count: 2, inner: -1, innerEnd: plain.length, cut: false });
  });

  test("a frame with more layers than fit is walked to the last that fits and marked as cut", () => {
    const deep = Array.from({ length: 20 }).reduce<Uint8Array>((packet) => ipv4(4, packet), ping);
    expect(walkOf(eth(0x0800, deep))).toMatchObject({ count: MAX_LAYERS, inner: MAX_LAYERS - 1, cut: true });
  });
});
