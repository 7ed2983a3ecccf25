/** From a capture file to journeys, in frames per second on one core, beside tcpdump and tshark on the same file. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Benchmark } from "./benchmark.ts";
import { flannelTopology, writePcap, writePcapng } from "./capture-file.ts";
import { type Figure, median } from "./figure.ts";
import { run } from "./program.ts";

/** 83,334 packets of 12 frames. */
const FRAMES = 1_000_008;
const TARGET = 300_000;
const ROUNDS = 5;
/** tshark takes a minute for all of them. */
const TSHARK_FRAMES = 100_000;
/** Node's compiler and collector would else use a second core beside the one that reads. */
const ONE_CORE = ["taskset", "--cpu-list", "0"];

export interface ReadCapture {
  ms: number;
  frames: number;
  packets: number;
  hops: number[];
  peak: number;
}

export const journeys: Benchmark = {
  name: "journeys",
  async run({ folder, bundle, say }) {
    const topology = await flannelTopology();
    const topologyFile = join(folder, "topology.json");
    await writeFile(topologyFile, JSON.stringify(topology));
    const program = await bundle("read-capture");
    const captures = [
      {
        name: "12 interfaces, pcapng",
        file: join(folder, "all.pcapng"),
        write: writePcapng,
        hops: 12,
        with: [topologyFile],
      },
      { name: "one interface, pcap", file: join(folder, "eth0.pcap"), write: writePcap, hops: 1, with: [] },
    ];
    const figures: Figure[] = [];
    for (const { name, file, write, hops, with: more } of captures) {
      say(`writing ${FRAMES} frames: ${name}`);
      write(file, topology, FRAMES);
      const rates: number[] = [];
      const tcpdump: number[] = [];
      const tshark: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const { stdout } = await run([...ONE_CORE, process.execPath, program, file, ...more]);
        const read: ReadCapture = JSON.parse(stdout);
        if (read.frames !== FRAMES || read.packets !== FRAMES / hops || read.hops.some((count) => count !== hops)) {
          throw new Error(
            `${read.frames} frames became ${read.packets} packets: ${FRAMES / hops} of ${hops} hops were sent`,
          );
        }
        rates.push((read.frames / read.ms) * 1000);
        say(`round ${round + 1}: ${rates.at(-1)?.toFixed(0)} frames/s`);
        if (round >= 3) continue;
        const text = await run([...ONE_CORE, "tcpdump", "-nn", "-r", file], { quiet: true });
        tcpdump.push((FRAMES / text.ms) * 1000);
        const fields = ["ip.src", "ip.dst", "frame.time_epoch", "icmp.seq", "vxlan.vni"].flatMap((field) => [
          "-e",
          field,
        ]);
        const limit = ["-c", String(TSHARK_FRAMES)];
        const table = await run([...ONE_CORE, "tshark", "-n", "-r", file, ...limit, "-T", "fields", ...fields], {
          quiet: true,
        });
        tshark.push((TSHARK_FRAMES / table.ms) * 1000);
      }
      const rate = median(rates);
      const compare = (others: number[]) =>
        `${tellRate(others)}; Hoplab is ${(rate / median(others)).toFixed(2)} × as fast`;
      figures.push(
        { name: `journeys: ${name}`, measured: tellRate(rates), target: `≥ ${TARGET} frames/s`, met: rate >= TARGET },
        { name: "journeys: tcpdump -nn, same file", measured: compare(tcpdump) },
        { name: `journeys: tshark -T fields, its first ${TSHARK_FRAMES}`, measured: compare(tshark) },
      );
    }
    return figures;
  },
};

function tellRate(rates: readonly number[]): string {
  const thousands = (rate: number) => `${Math.round(rate / 1000)},000`;
  return `median ${thousands(median(rates))} frames/s (best ${thousands(Math.max(...rates))}, ${rates.length} runs)`;
}
