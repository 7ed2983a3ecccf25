import fc from "fast-check";
import { describe, test } from "vitest";
import { decodeFrame } from "../../main/decode/decode.ts";
import { LINK_TYPE } from "../../main/decode/payload.ts";
import { summarizeFrame } from "../../main/decode/summary.ts";
import { checkFrame } from "./check-layers.ts";
import { craftedFrames } from "./crafted-frames.ts";
import { fixture } from "./golden.ts";
import { readPcap } from "./pcap-file.ts";
import { Random } from "./random.ts";

const frames = [
  ...["plain.pcap", "vxlan.pcap"].flatMap((name) => readPcap(fixture(name))),
  ...craftedFrames.map(({ bytes }) => bytes),
];

describe("whatever the bytes, fields lie inside the frame, layers are in order, and walk and decode agree", () => {
  test("for every frame of the fixtures", () => {
    for (const frame of frames) checkFrame(frame);
  });

  test("for every frame of the fixtures, cut short at every byte", { timeout: 60_000 }, () => {
    for (const frame of frames) {
      for (let length = 1; length < frame.length; length++) checkFrame(frame.subarray(0, length));
    }
  });

  test("for frames of the fixtures with flipped bits", () => {
    const flipped = fc.constantFrom(...frames).chain((frame) =>
      fc.array(fc.nat(frame.length * 8 - 1), { minLength: 1, maxLength: 8 }).map((bits) => {
        const bytes = frame.slice();
        for (const bit of bits) bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
        return bytes;
      }),
    );
    fc.assert(
      fc.property(flipped, (frame) => checkFrame(frame)),
      { numRuns: 5000 },
    );
  });

  test("for bytes that are no frame at all", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 300 }), (bytes) => checkFrame(bytes)),
      { numRuns: 2000 },
    );
  });

  test("for frames that begin with the IP header, whole, cut short at every byte and with flipped bits", {
    timeout: 60_000,
  }, () => {
    const random = new Random(101);
    const isIp = (frame: Uint8Array) => frame[12] === 0x08 && frame[13] === 0x00;
    const raw = frames.filter((frame) => frame.length > 34 && isIp(frame)).map((frame) => frame.subarray(14));
    for (const frame of raw) {
      for (let length = 0; length <= frame.length; length++) checkFrame(frame.subarray(0, length), LINK_TYPE.raw);
      for (let i = 0; i < 200; i++) checkFrame(random.mutate(frame), LINK_TYPE.raw);
    }
  });

  test("for a million frames, half of them random and half a valid one changed", { timeout: 120_000 }, () => {
    const random = new Random(20261121);
    for (let i = 0; i < 500_000; i++) {
      checkFrame(random.mutate(frames[random.below(frames.length)]!));
      checkFrame(randomFrame(random));
    }
  });

  test("a summary is one line without gaps", () => {
    const random = new Random(7);
    for (let i = 0; i < 20_000; i++) {
      const layers = decodeFrame(random.mutate(frames[random.below(frames.length)]!));
      const { protocol, summary } = summarizeFrame(layers);
      if (protocol === "" || summary === "" || /undefined|NaN|\n| {2}/.test(summary)) {
        throw new Error(`Summary ${JSON.stringify(summary)} of ${layers.map(({ title }) => title).join(" / ")}`);
      }
    }
  });
});

/** EtherTypes that lead on to a decoder; without them nearly every random frame would be data. */
const ETHER_TYPES = [0x0800, 0x0806, 0x8100, 0x86dd, 0x88a8, 0x6558];

function randomFrame(random: Random): Uint8Array {
  const bytes = random.bytes(random.below(160));
  if (bytes.length > 14 && random.below(4) !== 0) {
    const etherType = ETHER_TYPES[random.below(ETHER_TYPES.length)]!;
    bytes[12] = etherType >> 8;
    bytes[13] = etherType;
    if (etherType === 0x0800) bytes[14] = 0x45;
    if (etherType === 0x86dd) bytes[14] = 0x60;
  }
  return bytes;
}
