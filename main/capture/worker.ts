/**
 * The thread that holds captures: pcap streams come in as bytes, packets and journeys go out. Decoding and
 * following run here, so that a flood of packets never holds up the rest of Hoplab.
 */

import { parentPort, workerData } from "node:worker_threads";
import type { Packet } from "../../preload/contract/calls.ts";
import { messageOf } from "../../preload/contract/result.ts";
import { configurationDiffers } from "../cause/era.ts";
import { lookupKey, neededLookups, type RouteLookup } from "../cause/lookup.ts";
import { type KernelState, vxlanPortsIn } from "../cause/state.ts";
import type { DirectionNumber } from "../journey/wiring.ts";
import { CaptureReader } from "./reader.ts";
import { CaptureStore, requireLinkType } from "./store.ts";
import type { FromWorker, StoreCalls, ToWorker, WorkerStart } from "./worker-messages.ts";

/** Changes are told at most this often. */
const TICK_MS = 30;
/** Journeys looked at for new route lookups in one tick. More wait for their turn. */
const LOOKUPS_PER_TICK = 50;
const MOST_WAYS = 10_000;

const port = parentPort;
if (!port) throw new Error("this file runs as a worker thread only");
const start: WorkerStart = workerData;

const store = new CaptureStore({ path: start.path, topology: start.topology, write: start.write });
const streams = new Map<number, CaptureReader>();
const known = new Set<string>();
/** Ways that were looked at with the state as it is: who to whom, over how many hops, to what end. */
const ways = new Set<string>();
let told = 0;
let clockOffset = start.write?.clockOffset ?? 0;
let state: KernelState | undefined;

function tell(message: FromWorker): void {
  port?.postMessage(message);
}

function openStream(stream: number, interfaceIndex: number, direction: DirectionNumber): void {
  let linkType = 0;
  streams.set(
    stream,
    new CaptureReader({
      onInterface: (_index, _name, type) => {
        requireLinkType(type);
        linkType = type;
      },
      onPacket: (_index, _direction, seconds, nanos, bytes, first, end, length) => {
        store.receive(interfaceIndex, direction, linkType, seconds, nanos, bytes.subarray(first, end), length);
      },
    }),
  );
}

/** `now`: milliseconds since 1970 where the capture runs; at the end of time nothing is in flight any more. */
function tick(now = Date.now() + clockOffset): void {
  store.advance(now === Number.POSITIVE_INFINITY);
  const packets = store.changed(now);
  if (packets.length === 0 && told === store.frameCount) return;
  told = store.frameCount;
  tell({
    type: "changed",
    packets,
    lookups: newLookups(packets),
    total: store.packetCount,
    frames: store.frameCount,
    bytes: store.size,
  });
}

/** Route lookups that these packets need and that were not asked for before. One packet of each way is enough. */
function newLookups(packets: readonly Packet[]): RouteLookup[] {
  const lookups: RouteLookup[] = [];
  if (!state) return lookups;
  let looked = 0;
  for (const { journey, protocol, source, destination, hops, end } of packets) {
    const way = `${protocol} ${source} ${destination} ${hops} ${end}`;
    if (ways.has(way)) continue;
    if (looked++ >= LOOKUPS_PER_TICK) break; // a later packet of that way will do
    if (ways.size > MOST_WAYS) ways.clear();
    ways.add(way);
    const found = store.journey(journey);
    for (const lookup of found ? neededLookups(found.journey, found.layers, state) : []) {
      const key = lookupKey(lookup);
      if (known.has(key)) continue;
      known.add(key);
      lookups.push(lookup);
    }
  }
  return lookups;
}

const answers: { [M in keyof StoreCalls]: (...args: Parameters<StoreCalls[M]>) => ReturnType<StoreCalls[M]> } = {
  addInterface: (ref) => store.addInterface(ref),
  rewire: (topology) => {
    store.rewire(topology);
    known.clear();
    return null;
  },
  packets: (first, count, at) => store.packets(first, count, at),
  packetCount: () => {
    tick();
    return store.packetCount;
  },
  packetsFrom: (first) => {
    tick();
    return store.packetsFrom(first);
  },
  received: () => store.received,
  journey: (id) => store.journey(id),
  frame: (index) => store.frame(index),
  readAll: () => ({
    problem: store.readAll(),
    interfaces: store.interfaces.map((ref) => `${ref.netns}/${ref.interface}`),
    frames: store.frameCount,
    packets: store.packetCount,
  }),
  finish: () => {
    clearInterval(timer);
    tick(Number.POSITIVE_INFINITY);
    store.finish();
    return null;
  },
};

function answer<M extends keyof StoreCalls>(id: number, method: M, args: Parameters<StoreCalls[M]>): void {
  try {
    tell({ type: "answer", id, value: answers[method](...args) });
  } catch (error) {
    tell({ type: "failed", id, message: messageOf(error) });
  }
}

function setState(now: KernelState): void {
  if (state && configurationDiffers(state, now)) known.clear();
  store.addVxlanPorts(vxlanPortsIn(now));
  state = now;
  ways.clear();
}

const timer = setInterval(() => {
  try {
    tick();
  } catch (error) {
    clearInterval(timer);
    tell({ type: "broken", message: messageOf(error) });
  }
}, TICK_MS);
if (!start.write) clearInterval(timer);

port.on("message", (message: ToWorker) => {
  if (message.type === "bytes") streams.get(message.stream)?.push(message.bytes);
  else if (message.type === "state") setState(message.state);
  else if (message.type === "clock") clockOffset = message.offset;
  else if (message.type === "stream") openStream(message.stream, message.interface, message.direction);
  else answer(message.id, message.method, message.args);
});
