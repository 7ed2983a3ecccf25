import { PassThrough } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameReader, type HubFrame, writeFrame } from "../../main/target/hub-frames.ts";

const frame: fc.Arbitrary<HubFrame> = fc.record({
  type: fc.constantFrom("ready", "spawn", "stdin", "end", "kill", "stdout", "stderr", "exit"),
  id: fc.nat(0xffffffff),
  data: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
});

test("frames come out as they went in, whatever pieces the pipe makes of them", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 10 }), fc.integer({ min: 1, max: 64 }), (frames, chunk) => {
      const pipe = new PassThrough();
      for (const one of frames) writeFrame(pipe, one);
      const bytes: Buffer = pipe.read() ?? Buffer.alloc(0);
      const got: HubFrame[] = [];
      const reader = new FrameReader((one) => got.push({ ...one, data: Buffer.from(one.data) }));
      for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
      expect(got).toEqual(frames);
    }),
  );
});

test("a stream that no hub sends is refused", () => {
  const reader = new FrameReader(() => {});
  expect(() => reader.push(Buffer.from("sudo: 3 incorrect password attempts\n"))).toThrow("broken");
});
