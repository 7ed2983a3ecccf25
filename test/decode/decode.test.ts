import { describe, expect, test } from "vitest";
import { type DecodeOptions, decodeFrame } from "../../main/decode/decode.ts";
import { field } from "../../main/decode/field.ts";
import { summarizeFrame } from "../../main/decode/summary.ts";
import { ascii, eth, ipv4, ipv6, tcp, udp, vxlan } from "./build-frame.ts";
import { craftedFrames, wellFormedFrames } from "./crafted-frames.ts";
import { expectGolden, fixture } from "./golden.ts";
import { readPcap } from "./pcap-file.ts";
import { printLayers } from "./print-layers.ts";

function print(title: string, bytes: Uint8Array): string {
  const layers = decodeFrame(bytes);
  return `${title}: ${summarizeFrame(layers).summary}\n${printLayers(layers)}\n`;
}

describe("golden text", () => {
  for (const name of ["plain", "vxlan"]) {
    test(`the frames in ${name}.pcap read as reviewed`, () => {
      const text = readPcap(fixture(`${name}.pcap`)).map((bytes, i) => print(`frame ${i + 1}`, bytes));
      expectGolden(`${name}.golden.txt`, text.join("\n"));
    });
  }

  test("crafted frames read as reviewed", () => {
    const text = craftedFrames.map(({ title, bytes }) => print(title, bytes));
    expectGolden("crafted.golden.txt", text.join("\n"));
  });
});

describe("decodeFrame", () => {
  test("what a real kernel sends has no problem", () => {
    const frames = ["plain.pcap", "vxlan.pcap"].flatMap((name) => readPcap(fixture(name)));
    expect(frames.length).toBeGreaterThan(80);
    const problems = frames.flatMap((bytes) => decodeFrame(bytes)).filter(({ problem }) => problem !== undefined);
    expect(problems).toEqual([]);
  });

  test("a well-formed crafted frame has no problem", () => {
    const problems = wellFormedFrames.filter(({ bytes }) => decodeFrame(bytes).some(({ problem }) => problem));
    expect(problems.map(({ title }) => title)).toEqual([]);
  });

  test("VXLAN is found on a port that the caller names, and is data without", () => {
    const inside = eth(0x0800, ipv4(6, tcp(2, new Uint8Array())));
    const bytes = eth(0x0800, ipv4(17, udp(1, 9000, vxlan(77, inside))));
    const protocols = (options?: DecodeOptions) => decodeFrame(bytes, options).map((layer) => layer.protocol);
    expect(protocols({ tunnelPorts: { vxlan: [9000], ip: [] } })).toEqual([
      "eth",
      "ipv4",
      "udp",
      "vxlan",
      "eth",
      "ipv4",
      "tcp",
    ]);
    expect(protocols()).toEqual(["eth", "ipv4", "udp", "data"]);
  });

  test("a whole IP packet in UDP is found on a port that the caller names, and is data without", () => {
    const bytes = eth(0x0800, ipv4(17, udp(8285, 8285, ipv4(6, tcp(2, new Uint8Array())))));
    const protocols = (options?: DecodeOptions) => decodeFrame(bytes, options).map((layer) => layer.protocol);
    expect(protocols({ tunnelPorts: { vxlan: [], ip: [8285] } })).toEqual(["eth", "ipv4", "udp", "ipv4", "tcp"]);
    expect(protocols()).toEqual(["eth", "ipv4", "udp", "data"]);
    const other = eth(0x0800, ipv4(17, udp(8285, 8285, ascii("0123"))));
    expect(decodeFrame(other, { tunnelPorts: { vxlan: [], ip: [8285] } }).at(-1)?.protocol).toBe("data");
  });

  test("the fields that others rely on have their names", () => {
    const names = (bytes: Uint8Array, protocol: string) =>
      decodeFrame(bytes)
        .find((layer) => layer.protocol === protocol)
        ?.fields.map((each) => each.name);
    const frame = eth(0x0800, ipv4(17, udp(1, 8472, vxlan(1, eth(0x86dd, ipv6(6, tcp(2, new Uint8Array())))))));
    expect(names(frame, "eth")).toEqual(["dst", "src", "etherType"]);
    expect(names(frame, "ipv4")).toEqual([
      "version",
      "headerLength",
      "tos",
      "totalLength",
      "id",
      "flags",
      "fragmentOffset",
      "ttl",
      "protocol",
      "checksum",
      "src",
      "dst",
    ]);
    expect(names(frame, "ipv6")).toEqual([
      "version",
      "trafficClass",
      "flowLabel",
      "payloadLength",
      "nextHeader",
      "hopLimit",
      "src",
      "dst",
    ]);
    expect(names(frame, "udp")).toEqual(["srcPort", "dstPort", "length", "checksum"]);
    expect(names(frame, "vxlan")).toEqual(expect.arrayContaining(["flags", "vni"]));
    expect(names(frame, "tcp")).toEqual(
      expect.arrayContaining(["srcPort", "dstPort", "seq", "ack", "flags", "window"]),
    );
  });

  test("a wrong IPv4 header checksum is shown with the right one and is no problem", () => {
    const bytes = eth(0x0800, ipv4(17, udp(1, 2, ascii("x"))));
    const right = field(decodeFrame(bytes)[1]!, "checksum")!.value;
    expect(right).toMatch(/^0x[0-9a-f]{4} \(correct\)$/);
    bytes[24] = bytes[24]! ^ 0x01;
    const layer = decodeFrame(bytes)[1]!;
    expect(field(layer, "checksum")!.value).toContain(`(should be ${right.slice(0, 6)})`);
    expect(layer.problem).toBeUndefined();
  });

  test("bytes after the IP packet are padding of the Ethernet frame, not data", () => {
    const bytes = new Uint8Array(60);
    bytes.set(eth(0x0800, ipv4(17, udp(1, 2, ascii("x")))));
    const layers = decodeFrame(bytes);
    expect(field(layers[0]!, "padding")).toMatchObject({ offset: 43, length: 17 });
    expect(layers.at(-1)).toMatchObject({ protocol: "data", offset: 42, length: 1 });
  });

  test("a header that says more bytes than are left is broken and says both numbers", () => {
    const bytes = eth(0x0800, ipv4(17, udp(1, 2, ascii("x")))).subarray(0, 46);
    bytes[14] = 0x4f;
    expect(decodeFrame(bytes)[1]).toMatchObject({
      protocol: "broken",
      problem: "IPv4 header says 60 bytes, 29 are left",
    });
  });
});
