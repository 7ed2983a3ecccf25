/**
 * Frames recorded from a real kernel, one line each: nanoseconds, namespace, interface, direction, bytes in hex, and
 * pcap's link type where it is not Ethernet.
 */

import { readFileSync } from "node:fs";
import { decodeFrame } from "../../main/decode/decode.ts";
import { summarizeFrame } from "../../main/decode/summary.ts";
import { explainJourney, type SeenFrame } from "../../main/journey/explain.ts";
import { Follower } from "../../main/journey/follow.ts";
import type { DirectionNumber } from "../../main/journey/wiring.ts";
import type { Journey } from "../../preload/contract/journey.ts";
import { type InterfaceRef, interfaceName, type Topology } from "../../preload/contract/topology.ts";

export interface Recorded extends InterfaceRef {
  at: number;
  direction: "in" | "out" | "unknown";
  bytes: Uint8Array;
  linkType?: number;
}

export function readRecording(name: string): Recorded[] {
  const text = readFileSync(new URL(`./fixtures/${name}.frames.txt`, import.meta.url), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [at, netns, dev, direction, hex, linkType] = line.split(" ");
      if (direction !== "in" && direction !== "out") throw new Error(`no direction: ${line}`);
      const bytes = Buffer.from(hex!, "hex");
      return { at: Number(at), netns: netns!, interface: dev!, direction, bytes, linkType: Number(linkType ?? 1) };
    });
}

const NUMBER: Record<Recorded["direction"], DirectionNumber> = { unknown: 0, in: 1, out: 2 };

/** A follower that has taken the frames, with the frames by index. */
export class Followed {
  readonly follower: Follower;
  readonly frames: Recorded[] = [];
  readonly topology: Topology | undefined;

  /** `quiet`: captured interfaces as `netns/interface` that no frame, or a later one, is of. */
  constructor(frames: Recorded[], topology?: Topology, quiet: readonly string[] = []) {
    this.topology = topology;
    const interfaces = quiet.map((name) => ({
      netns: name.slice(0, name.lastIndexOf("/")),
      interface: name.slice(name.lastIndexOf("/") + 1),
    }));
    this.follower = new Follower({ interfaces, topology });
    for (const frame of frames) this.add(frame);
  }

  add(frame: Recorded): number {
    this.frames.push(frame);
    const { bytes, direction, at, linkType } = frame;
    return this.follower.add(
      this.follower.addInterface(frame),
      NUMBER[direction],
      at,
      bytes,
      0,
      bytes.length,
      bytes.length,
      linkType,
    );
  }

  seen(id: number): SeenFrame[] {
    return this.follower.journeyFrames(id).map((index) => {
      const { bytes, linkType } = this.frames[index]!;
      return { frame: this.follower.frame(index), layers: decodeFrame(bytes, { linkType }) };
    });
  }

  journey(id: number): Journey {
    const { error, ...facts } = this.follower.facts(id);
    const [frame] = error === undefined ? [] : this.seen(error);
    const by = frame && { journey: error ?? -1, summary: summarizeFrame(frame.layers).summary, by: frame.frame.netns };
    return explainJourney({ ...facts, error: by, frames: this.seen(id), topology: this.topology });
  }

  journeys(): Journey[] {
    const { ids } = this.follower.listJourneys({ first: 0, count: this.follower.journeyCount });
    return ids.map((id) => this.journey(id));
  }

  /** Each journey as the set of its sightings, and what it answers: what must not depend on the order of arrival. */
  partition(): string[] {
    const { ids } = this.follower.listJourneys({ first: 0, count: this.follower.journeyCount });
    const sightingsOf = (id: number) =>
      this.follower
        .journeyFrames(id)
        .map((index) => this.frames[index]!)
        .map((frame) => `${frame.at} ${frame.netns}/${frame.interface} ${frame.direction}`)
        .sort();
    return ids
      .map((id) => {
        const { replyTo } = this.follower.facts(id);
        const links = replyTo === undefined ? [] : ["answers", sightingsOf(replyTo)[0]];
        return [...sightingsOf(id), ...links].join(", ");
      })
      .sort();
  }
}

/** The way of a journey: `pod/a/eth0 out`, in order. */
export function wayOf(journey: Journey): string[] {
  return journey.hops.map((hop) => `${interfaceName(hop)} ${hop.direction}`);
}

export function renderJourney(journey: Journey): string {
  const links = [
    journey.replyTo === undefined ? "" : `, reply to ${journey.replyTo}`,
    journey.reply === undefined ? "" : `, reply ${journey.reply}`,
    journey.error === undefined ? "" : `, answered with ${journey.error.summary} (${journey.error.journey})`,
    journey.errorOf === undefined ? "" : `, about ${journey.errorOf}`,
    journey.repeatOf === undefined ? "" : `, repeat of ${journey.repeatOf}`,
  ];
  const lines = [
    `#${journey.id} ${journey.summary}`,
    `   ${journey.end}, last seen ${journey.lastSeen}${links.join("")}`,
  ];
  journey.hops.forEach((hop, index) => {
    const from = hop.parent === undefined ? "-" : String(hop.parent);
    const place = `${interfaceName(hop)} ${hop.direction}`.padEnd(28);
    lines.push(`   ${String(index).padStart(2)} < ${from.padStart(2)}  ${place} ${hop.layers.join("|")}`);
    for (const change of hop.changes) {
      const details = [
        change.ttl && `ttl ${change.ttl.join(" > ")}`,
        change.mac && `src ${change.mac.src.join(" > ")} dst ${change.mac.dst.join(" > ")}`,
        change.layers?.join("|"),
        change.address?.join(" > "),
        change.bytes && `bytes ${change.bytes.join(" to ")}`,
      ].filter((each) => each !== undefined);
      lines.push(`              ${[change.kind, ...details].join("  ")}`);
      for (const cause of change.causes ?? []) {
        lines.push(`                ${cause.kind}: ${cause.text}`, `                  $ ${cause.command}`);
      }
    }
  });
  return lines.join("\n");
}
