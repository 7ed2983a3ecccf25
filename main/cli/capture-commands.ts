/** Commands on captures: capture and read. */

import { constants } from "node:fs";
import { access, copyFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Events, Packet } from "../../preload/contract/calls.ts";
import { fail, messageOf, ok } from "../../preload/contract/result.ts";
import type { Topology } from "../../preload/contract/topology.ts";
import { readBeside } from "../capture/shelf.ts";
import { CaptureStore } from "../capture/store.ts";
import { eraOf } from "../cause/era.ts";
import { explainCauses } from "../cause/explain-causes.ts";
import { findLab } from "../lab/catalogue.ts";
import { layOutLab } from "../layout/layout.ts";
import type { EventListener } from "../rpc/backend.ts";
import { sandboxName } from "./lab-commands.ts";
import { LABS_DIR } from "./places.ts";
import { paint, printJourney, printTable } from "./print.ts";
import { type CliOptions, CliSession, EXIT_FAILED, printFaultAs } from "./session.ts";

export interface CaptureOptions {
  write: string;
  interfaces?: string[];
  filter?: string;
  duration?: number;
}

/** Captures until Ctrl-C, the duration, or what ends the capture by itself, then leaves the pcapng at the place asked for. */
export async function runCapture(options: CliOptions, lab: string, more: CaptureOptions): Promise<void> {
  if (await may(more.write, constants.F_OK)) {
    return printFaultAs(
      fail("exists", `${more.write} is there already`, { fix: "Choose another name." }).fault,
      options.json === true,
    );
  }
  // Not only after an hour of capturing.
  const folder = dirname(more.write);
  if (more.write === "" || !(await may(folder, constants.W_OK))) {
    return printFaultAs(
      fail("bad-input", `${more.write || '""'} can't be written: there is no folder ${folder} that you may write to`, {
        fix: "Name a file in a folder of yours.",
      }).fault,
      options.json === true,
    );
  }
  await using session = await CliSession.open(options);
  const listed = await session.sandboxes();
  if (!listed.ok) return session.fault(listed.fault);
  const sandbox = await sandboxName(lab, listed.value);
  const { interfaces, filter } = more;
  const started = await session.call("capture.start", {
    sandbox,
    ...(interfaces ? { interfaces } : {}),
    ...(filter ? { filter } : {}),
  });
  if (!started.ok) return session.fault(started.fault);
  if (started.value.left) process.stderr.write(`${started.value.left.why}\n`);
  process.stderr.write(`Capturing on ${started.value.interfaces.length} interfaces; Ctrl-C ends it.\n`);
  await end(session, started.value.id, more.duration);
  const stopped = await session.call("capture.stop", { capture: started.value.id });
  if (!stopped.ok) return session.fault(stopped.fault);
  try {
    await copyFile(stopped.value.file, more.write);
  } catch (error) {
    const reason = messageOf(error);
    return session.fault(
      fail("storage", `${more.write} can't be written: ${reason}`, {
        fix: `The capture is kept in ${stopped.value.file}.`,
      }).fault,
    );
  }
  session.print(
    ok({ ...stopped.value, file: more.write }),
    ({ frames, packets, dropped }) =>
      `${frames} frames of ${packets} packets in ${more.write}${dropped > 0 ? paint("red", `, ${dropped} dropped`) : ""}`,
  );
  const { problem } = stopped.value;
  if (problem === undefined) return;
  process.stderr.write(`hoplab: the capture ended by itself: ${problem}\n`);
  process.exitCode = EXIT_FAILED;
}

/** Waits for Ctrl-C, for some seconds, or until the capture has ended by itself. */
function end(session: CliSession, capture: string, seconds: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = seconds === undefined ? setInterval(() => {}, 2 ** 30) : setTimeout(resolve, seconds * 1000);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    session.signal.addEventListener("abort", stop);
    const listen: EventListener = (event, data) => {
      if (event !== "capture.changed") return;
      const { id, running } = data as Events["capture.changed"];
      if (id === capture && !running) stop();
    };
    // Questions are for the terminal.
    session.backend.subscribe(listen, { answers: false });
  });
}

async function may(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

export interface ReadOptions {
  lab?: string;
  journey?: number;
  limit: number;
}

/** Files with at most this many packets are printed hop by hop without being asked. */
const SHORT_FILE = 12;

export async function runRead(options: CliOptions, file: string, more: ReadOptions): Promise<void> {
  const json = options.json === true;
  const beside = await readBeside(dirname(file));
  let topology: Topology | undefined = beside.topology;
  if (more.lab) {
    const found = await findLab(more.lab, LABS_DIR);
    if (!found.ok) return printFaultAs(found.fault, json);
    topology = layOutLab(found.value.lab);
  }
  const store = openStore(file, topology);
  if (typeof store === "string") {
    return printFaultAs(
      fail("bad-input", `${file} can't be read: ${store}`, { fix: "Name a pcap or pcapng file." }).fault,
      json,
    );
  }
  const problem = store.readAll();
  if (problem && store.frameCount === 0) return printFaultAs(fail("bad-input", `${file}: ${problem}`).fault, json);
  if (problem) {
    process.stderr.write(`hoplab: ${file}: ${problem}\n`);
    process.exitCode = EXIT_FAILED;
  }
  const open = (id: number) => {
    const found = store.journey(id);
    const era = found && eraOf(beside.eras, found.at);
    return era ? explainCauses(found.journey, found.layers, era.state, era.lookups) : found?.journey;
  };
  if (more.journey !== undefined) {
    const journey = open(more.journey);
    if (!journey)
      return printFaultAs(
        fail("not-found", `${file} has no packet number ${more.journey}; it has ${store.packetCount}`).fault,
        json,
      );
    process.stdout.write(json ? `${JSON.stringify(journey)}\n` : `${printJourney(journey)}\n`);
    return;
  }
  const listed = store.packets(0, more.limit);
  const page = { ...listed, packets: listed.packets.filter((packet) => packet.hops > 0) };
  // Some were found to be part of another: pieces, or copies.
  const packets = store.packetCount - (listed.packets.length - page.packets.length);
  if (json) {
    const journeys = page.packets.map((packet) => open(packet.journey));
    process.stdout.write(`${JSON.stringify({ file, frames: store.frameCount, packets, journeys })}\n`);
  } else {
    const short = store.packetCount <= SHORT_FILE;
    const journeys = short ? page.packets.flatMap((packet) => open(packet.journey) ?? []) : [];
    process.stdout.write(`${short ? journeys.map(printJourney).join("\n\n") : printPackets(page.packets)}\n\n`);
    process.stdout.write(
      `${store.frameCount} frames of ${packets} packets${packets > page.packets.length ? `; the first ${page.packets.length} are printed` : ""}\n`,
    );
  }
  store.close();
}

/** The store on a file; where it can't be opened, why. */
function openStore(path: string, topology: Topology | undefined): CaptureStore | string {
  try {
    return new CaptureStore({ path, ...(topology ? { topology } : {}) });
  } catch (error) {
    return messageOf(error);
  }
}

function printPackets(packets: readonly Packet[]): string {
  return printTable(
    ["no", "ms", "protocol", "packet", "hops", "end"],
    packets.map(({ journey, at, protocol, summary, hops, end }) => [
      String(journey),
      (at / 1e6).toFixed(3),
      protocol,
      summary,
      String(hops),
      end,
    ]),
  );
}
