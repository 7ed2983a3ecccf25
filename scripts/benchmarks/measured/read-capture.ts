/** Reads one capture file from bytes to journeys; prints the milliseconds, what was found and the peak memory, as JSON. */

import { readFileSync } from "node:fs";
import { CaptureStore } from "../../../main/capture/store.ts";

const [path = "", topologyFile] = process.argv.slice(2);
const topology = topologyFile ? JSON.parse(readFileSync(topologyFile, "utf8")) : undefined;

const began = performance.now();
const store = new CaptureStore({ path, topology });
const problem = store.readAll();
const ms = performance.now() - began;
if (problem) throw new Error(problem);
const page = store.packets(0, 1000);
console.log(
  JSON.stringify({
    ms,
    frames: store.frameCount,
    packets: store.packetCount,
    hops: page.packets.map((packet) => packet.hops),
    /** KiB */
    peak: process.resourceUsage().maxRSS,
  }),
);
store.close();
