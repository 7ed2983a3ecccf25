/** Sends traffic in a sandbox while a capture runs, and finds the packets that it made. */

import type { Packet } from "../../preload/contract/calls.ts";
import type { Traffic } from "../../preload/contract/lab.ts";
import { ok, type Result } from "../../preload/contract/result.ts";
import type { InterfaceRef, Topology } from "../../preload/contract/topology.ts";
import { interfacesOnTheWay } from "../journey/way.ts";
import { addressesOf, sendTraffic, type TrafficResult, type Way } from "../sandbox/traffic.ts";
import { allInterfaces, type Choice } from "./interfaces.ts";
import type { CaptureSession } from "./session.ts";

/** Labs with at most this many interfaces are captured whole. */
export const WHOLE_LAB_INTERFACES = 64;

export interface SentPackets extends TrafficResult {
  /** What the traffic itself made, in the order of time: requests and answers, and the ICMP errors about them. */
  packets: Packet[];
  /** What else was seen meanwhile: ARP and the like. */
  others: Packet[];
}

/** What to capture for traffic on a way: all of a small lab, of a large one what can be on the way. */
export function interfacesFor(topology: Topology, way?: Way): Choice {
  const all = allInterfaces(topology);
  if (all.length <= WHOLE_LAB_INTERFACES) return { interfaces: all, left: [], why: "" };
  const why = `The lab has ${all.length} interfaces; of so many, only those that can be on the way are captured.`;
  if (way?.to) return { ...interfacesOnTheWay(topology, way.from.name, way.to.name), why };
  const pods = new Set(
    topology.namespaces.filter((namespace) => namespace.kind === "pod").map((namespace) => namespace.name),
  );
  const inside = (ref: InterfaceRef): boolean => {
    if (ref.netns === way?.from.name) return true;
    const item = topology.namespaces
      .find((namespace) => namespace.name === ref.netns)
      ?.interfaces.find((one) => one.name === ref.interface);
    return (
      !pods.has(ref.netns) &&
      !(item?.kind === "veth" && pods.has(item.peer.netns) && item.peer.netns !== way?.from.name)
    );
  };
  const interfaces = all.filter(inside);
  return {
    interfaces,
    left: all.filter((ref) => !inside(ref)),
    why: `The lab has ${all.length} interfaces; of so many, those of the other pods are not captured.`,
  };
}

/** Packets count as complete when nothing arrived for this long. */
const QUIET_MS = 80;
/** What is still in flight after this is told as it is. */
const PATIENCE_MS = 3000;
const POLL_MS = 20;

/** Sends, waits until its packets have arrived or are lost, and answers with them. */
export async function sendAndFollow(
  session: CaptureSession,
  way: Way,
  traffic: Traffic,
  signal?: AbortSignal,
): Promise<Result<SentPackets>> {
  // Not by time: the clock of a target over SSH is another one.
  const first = await session.store.call("packetCount");
  const sent = await sendTraffic(session.sandbox, way, traffic, signal);
  if (!sent.ok) return sent;
  const own = (packet: Packet): boolean => isTraffic(packet, way);
  const packets = await untilQuiet(session, first, own, signal);
  // Who is asked by a translated address answers that one, and errors come from whoever is on the way.
  const ids = new Set<number | undefined>();
  for (const packet of packets) {
    if (own(packet) || ids.has(packet.replyTo) || ids.has(packet.errorOf)) ids.add(packet.journey);
  }
  const mine = (packet: Packet) => ids.has(packet.journey);
  await session.refreshState();
  return ok({ ...sent.value, packets: packets.filter(mine), others: packets.filter((packet) => !mine(packet)) });
}

function isTraffic(packet: Packet, way: Way): boolean {
  if (packet.protocol === "ARP") return false;
  const own = addressesOf(way.from);
  const ends = (source: string, destination: string) => own.includes(source) && destination === way.address;
  return ends(packet.source, packet.destination) || ends(packet.destination, packet.source);
}

async function untilQuiet(
  session: CaptureSession,
  first: number,
  mine: (packet: Packet) => boolean,
  signal?: AbortSignal,
): Promise<Packet[]> {
  const started = performance.now();
  let received = -1;
  let quietSince = started;
  for (;;) {
    const now = performance.now();
    const seen = await session.store.call("received");
    if (seen !== received) {
      received = seen;
      quietSince = now;
    }
    if (now - quietSince >= QUIET_MS || now - started > PATIENCE_MS) {
      const packets = await session.store.call("packetsFrom", first);
      const flying = packets.some((packet) => mine(packet) && packet.end === "in flight");
      if (!flying || now - started > PATIENCE_MS || signal?.aborted) return packets;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
