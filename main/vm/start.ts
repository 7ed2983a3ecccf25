/**
 * Starts the built-in VM: goes on from its saved state where there is one that fits, else boots it from the image and
 * saves its state for the next time. Whatever an earlier start left behind (a QEMU that was killed, half a state, a
 * broken disk, a port that another program took) is mended here.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rm, statfs } from "node:fs/promises";
import { cpus as hostCpus, release } from "node:os";
import * as z from "zod";
import type { Progress } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { chooseAccelerator } from "./accelerator.ts";
import { addressOf, waitForSshd } from "./address.ts";
import { freePort, nameChannel, tryPort } from "./channel.ts";
import { setGuestClock } from "./control.ts";
import { type Image, readImage } from "./image.ts";
import { ensureKeys, writeKnownHosts } from "./keys.ts";
import { withLock } from "./lock.ts";
import type { Accelerator, VmStarted } from "./machine.ts";
import { type VmPlaces, vmPlaces } from "./places.ts";
import { missingProgram, QEMU, runProgram } from "./program.ts";
import { HOST, qemuArguments, SAVED_STATE } from "./qemu.ts";
import { Qmp } from "./qmp.ts";
import { checkRunning, endRunning, findRunning, forget, type RunningVm, readRecord } from "./running.ts";
import { storageFault } from "./storage-fault.ts";
import { readStored, store } from "./stored.ts";

export interface StartOptions {
  memoryMiB?: number;
  cpus?: number;
  /** The port of the loopback interface for SSH. Without it the last one, or another where that is taken. */
  port?: number;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

/** A cold start needs room for what the guest writes, and for its memory in the saved state. */
const ROOM_MIB = 512;
const ROOM_TO_GO_ON_MIB = 64;
/** Much more than a start takes on a slow machine; a guest that hangs is told from one that is slow. */
const BOOT_SECONDS = { tcg: 240, other: 90 };
const RESUME_SECONDS = 45;
const SAVE_SECONDS = 120;
const STEPS = 4;

const savedSchema = z.object({ fits: z.string() });

/** One start of QEMU: everything that does not change between its tries. */
interface Attempt {
  places: VmPlaces;
  image: Image;
  accelerator: Accelerator;
  memoryMiB: number;
  cpus: number;
  port: number;
  signal: AbortSignal | undefined;
}

/**
 * Starts the VM, or finds it running. Faults: `missing` (no image, no QEMU), `exists` (the port that was asked for is
 * taken; another QEMU has the disk), `storage`, `timeout`, `cancelled`, `command-failed` with what QEMU said.
 */
export async function startVm(dataDir: string, options: StartOptions = {}): Promise<Result<VmStarted>> {
  const places = vmPlaces(dataDir);
  const { signal, onProgress = () => {} } = options;
  const tell = (done: number, why: string) => onProgress({ done, total: STEPS, why });
  const onWait = (pid: number) => tell(0, `waiting for process ${pid}, which is busy with the VM`);
  return withLock(places.lock, { signal, onWait }, async () => {
    const began = performance.now();
    try {
      const found = await findUsable(places, options, tell);
      if (!found.ok) return found;
      if (found.value) return ok(started(places, found.value.vm, "found", began, found.value.offset));
      return await startNew(places, options, tell, began);
    } catch (error) {
      return storageFault("write the VM's files", error);
    }
  });
}

type Tell = (done: number, why: string) => void;

/** The VM that runs already, with its clock set; ended where it is of no use. */
async function findUsable(
  places: VmPlaces,
  { port, signal }: StartOptions,
  tell: Tell,
): Promise<Result<{ vm: RunningVm; offset: number } | undefined>> {
  const vm = await findRunning(places);
  if (!vm) return ok(undefined);
  if (vm.ready && (port === undefined || port === vm.port)) {
    tell(1, "the VM is running; setting its clock");
    const woken = await wake(places, vm);
    const offset = woken.ok ? await setGuestClock(vm.control, { signal, seconds: 15 }) : woken;
    if (offset.ok) return ok({ vm, offset: offset.value });
    if (offset.fault.code === "cancelled" || offset.fault.code === "storage") return offset;
    tell(1, `${offset.fault.message}; starting it again`);
  } else {
    tell(1, vm.ready ? "starting the VM again with the other port" : "an earlier start was cut off; starting again");
  }
  const ended = await endRunning(places, vm);
  return ended.ok ? ok(undefined) : ended;
}

/** Lets a VM go on that QEMU has paused. Faults: as checkRunning; `storage` only where there is still no room. */
async function wake(places: VmPlaces, vm: RunningVm): Promise<Result<null>> {
  const checked = await checkRunning(vm);
  if (checked.ok && checked.value === "running") return ok(null);
  if (!checked.ok && (checked.fault.code !== "storage" || (await freeMiB(places.folder)) < ROOM_TO_GO_ON_MIB)) {
    return checked;
  }
  const connected = await Qmp.connect(vm.qmp);
  if (!connected.ok) return connected;
  using qmp = connected.value;
  const going = await qmp.execute("cont");
  return going.ok ? ok(null) : going;
}

async function startNew(
  places: VmPlaces,
  options: StartOptions,
  tell: Tell,
  began: number,
): Promise<Result<VmStarted>> {
  const { memoryMiB = 1024, cpus = 2, signal } = options;
  const image = await readImage(places.images);
  if (!image) {
    return fail("missing", "the built-in VM has no image yet", { fix: "Build it, once: hoplab vm build" });
  }
  const version = await runProgram([QEMU, "--version"], { ...(signal ? { signal } : {}) });
  if (!version.ok) return version;
  const qemuVersion = version.value.stdout.split("\n")[0] ?? "";
  await mkdir(places.folder, { recursive: true, mode: 0o700 });
  const last = await readRecord(places);
  await forget(places, last);
  const port = await choosePort(options.port, last?.port ?? (await lastPort(places)), tell);
  if (!port.ok) return port;
  await ensureKeys(places);
  const { kernelFile } = image;
  const accelerator = await chooseAccelerator({ file: places.accelerator, qemuVersion, kernelFile, signal });
  if (!accelerator.ok) return accelerator;

  const attempt = { places, image, accelerator: accelerator.value, memoryMiB, cpus, port: port.value, signal };
  const fits = whatStateNeeds(attempt, qemuVersion);
  const saved = await readStored(places.saved, savedSchema);
  if (saved?.fits === fits) {
    tell(1, "going on from the saved state");
    const resumed = await run(attempt, true);
    if (resumed.ok) return ok(started(places, resumed.value.vm, "resumed", began, resumed.value.offset));
    if (!isWorthBooting(resumed.fault.code)) return resumed;
    tell(1, `the saved state can't be used (${resumed.fault.message}); booting`);
  } else if (saved) tell(1, "QEMU, the image or the machine changed since the state was saved; booting");

  return boot(attempt, fits, tell, began);
}

/** What a broken state or disk can cause; anything else would only happen again. */
function isWorthBooting(code: string): boolean {
  return code === "command-failed" || code === "timeout" || code === "gone";
}

/** A cold start, from nothing but the image, and the saved state for the next. */
async function boot(attempt: Attempt, fits: string, tell: Tell, began: number): Promise<Result<VmStarted>> {
  const { places, image, accelerator } = attempt;
  await rm(places.saved, { force: true });
  await rm(places.disk, { force: true });
  const room = await freeMiB(places.folder);
  if (room < ROOM_MIB) {
    return fail("storage", `only ${room} MiB are free in ${places.folder}; the VM needs ${ROOM_MIB} MiB`, {
      fix: "Make room there, or put Hoplab's data elsewhere with HOPLAB_DATA.",
    });
  }
  tell(1, "making its disk");
  const made = await runProgram(
    ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.disk, places.disk],
    { ...(attempt.signal ? { signal: attempt.signal } : {}) },
  );
  if (!made.ok) return made;
  tell(2, accelerator === "tcg" ? "booting, without hardware support (10 to 30 s)" : `booting, with ${accelerator}`);
  const booted = await run(attempt, false);
  if (!booted.ok) return booted;
  const { vm } = booted.value;
  const seconds = (performance.now() - began) / 1000;
  tell(3, "saving its state, so that later starts are quick");
  const saved = await saveState(vm);
  if (saved.ok)
    await store(places.saved, { fits }).catch(() => {}); // then the next start boots again
  else tell(3, `its state could not be saved, so the next start takes as long: ${saved.fault.message}`);
  // The guest stood still meanwhile.
  const offset = await setGuestClock(vm.control, { signal: attempt.signal, seconds: 15 });
  if (!offset.ok) {
    await endRunning(places, vm);
    return offset;
  }
  return ok({ ...started(places, vm, "booted", began, offset.value), seconds });
}

async function saveState(vm: RunningVm): Promise<Result<null>> {
  const connected = await Qmp.connect(vm.qmp);
  if (!connected.ok) return connected;
  using qmp = connected.value;
  return await qmp.monitor(`savevm ${SAVED_STATE}`, SAVE_SECONDS);
}

/** Starts QEMU and waits until the guest answers and sshd greets. Where that fails, QEMU is ended again. */
async function run(attempt: Attempt, resume: boolean): Promise<Result<{ vm: RunningVm; offset: number }>> {
  const { places, image, accelerator, memoryMiB, port, signal } = attempt;
  if (signal?.aborted) return fail("cancelled", "the VM was not started: cancelled");
  const qmp = await nameChannel(places.folder, "qmp");
  const control = await nameChannel(places.folder, "control");
  const uuid = randomUUID();
  const record = { uuid, port, memoryMiB, accelerator, imageId: image.id, qmp, control, startedAt: Date.now() };
  await forget(places, { ...record, ready: false });
  await store(places.running, { ...record, ready: false });
  await writeKnownHosts(places, HOST, port);

  const argv = qemuArguments({ ...attempt, uuid, qmp, control, resume });
  const child = startDetached(argv, places.log);
  const ended = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(null));
    child.once("exit", resolve);
  });
  const over = new AbortController();
  void ended.then(() => over.abort());
  const up = await waitUntilUp({ ...record, pid: child.pid ?? 0, ready: false }, resume, signal, over.signal);
  if (up.ok) {
    await store(places.running, { ...record, ready: true });
    child.removeAllListeners();
    child.unref();
    return ok({ vm: { ...record, pid: child.pid ?? 0, ready: true }, offset: up.value });
  }
  const endedItself = over.signal.aborted;
  if (!endedItself) child.kill("SIGKILL");
  const exitCode = await ended;
  await forget(places, { ...record, ready: false });
  if (!endedItself) return up;
  if (child.pid === undefined) return missingProgram(argv[0] ?? "");
  return qemuFault(argv, exitCode, await readFile(places.log, "utf8").catch(() => ""), attempt);
}

async function waitUntilUp(
  vm: RunningVm,
  resume: boolean,
  signal: AbortSignal | undefined,
  over: AbortSignal,
): Promise<Result<number>> {
  const limit = resume ? RESUME_SECONDS : vm.accelerator === "tcg" ? BOOT_SECONDS.tcg : BOOT_SECONDS.other;
  const stop = signal ? AbortSignal.any([signal, over]) : over;
  const cancelled = () => signal?.aborted === true;
  const began = performance.now();
  const left = () => limit - (performance.now() - began) / 1000;
  let offset: Result<number>;
  do offset = await setGuestClock(vm.control, { signal: stop, seconds: left() });
  while (!offset.ok && offset.fault.code === "gone" && !stop.aborted && left() > 0 && (await aMoment(stop)));
  if (cancelled()) return fail("cancelled", "the start of the VM was cancelled");
  if (!offset.ok) {
    const fix = `Look at ${"path" in vm.control ? "console.log and qemu.log beside its disk" : "its logs"}, then \`hoplab vm delete\` and \`hoplab vm up\`.`;
    return offset.fault.code === "timeout" ? fail("timeout", offset.fault.message, { fix }) : offset;
  }
  const greeted = await waitForSshd(vm.port, Math.max(10, left()), stop);
  if (cancelled()) return fail("cancelled", "the start of the VM was cancelled");
  return greeted.ok ? offset : greeted;
}

/** QEMU makes its sockets a few milliseconds after it starts. */
function aMoment(stop: AbortSignal): Promise<true> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      resolve(true);
    };
    const timer = setTimeout(end, 20);
    stop.addEventListener("abort", end, { once: true });
  });
}

/** In a session of its own: it lives on when Hoplab and its terminal end. */
function startDetached(argv: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, "w", 0o600);
  try {
    return spawn(argv[0] ?? "", argv.slice(1), { detached: true, stdio: ["ignore", log, log], cwd: "/" });
  } finally {
    closeSync(log);
  }
}

/** What QEMU's last words mean. */
function qemuFault(
  argv: string[],
  exitCode: number | null,
  stderr: string,
  { port, memoryMiB }: Attempt,
): Result<never> {
  const command = { argv, exitCode, stderr: stderr.trim() };
  if (stderr.includes("host forwarding rule")) {
    return fail("exists", `port ${port} was taken by another program while the VM started`, {
      fix: "Try again: another port is chosen.",
      command,
    });
  }
  if (/Failed to get .*lock/.test(stderr)) {
    return fail("exists", "another QEMU has the VM's disk open", {
      fix: "End it: `fuser` on disk.qcow2 in Hoplab's data folder shows its pid.",
      command,
    });
  }
  if (stderr.includes("No space left")) {
    return fail("storage", "the VM could not start: this machine's disk is full", {
      fix: "Make room, then try again.",
      command,
    });
  }
  if (/cannot set up guest memory|Cannot allocate memory/.test(stderr)) {
    return fail("storage", `this machine has no ${memoryMiB} MiB of memory for the VM`, {
      fix: "End other programs, or give the VM less memory.",
      command,
    });
  }
  const last = stderr.trim().split("\n").at(-1);
  return fail("command-failed", `the VM's QEMU ended${last ? `: ${last}` : " without a word"}`, {
    fix: "If it happens again: `hoplab vm delete`, then `hoplab vm up`; `hoplab vm build` makes a new image.",
    command,
  });
}

/** A state fits only the QEMU, machine and disk that it was saved with. */
function whatStateNeeds({ image, accelerator, memoryMiB, cpus }: Attempt, qemuVersion: string): string {
  // A hardware accelerator shows the guest this processor, through this kernel.
  const processor = accelerator === "tcg" ? [] : [hostCpus()[0]?.model, release()];
  return JSON.stringify([image.id, qemuVersion, accelerator, memoryMiB, cpus, ...processor]);
}

async function choosePort(wanted: number | undefined, last: number | undefined, tell: Tell): Promise<Result<number>> {
  if (wanted !== undefined) {
    if (await tryPort(wanted)) return ok(wanted);
    return fail("exists", `port ${wanted} of ${HOST} is taken by another program`, {
      fix: "Choose another port, or none: then a free one is taken.",
    });
  }
  const port = await freePort(last);
  if (last !== undefined && port !== last)
    tell(0, `port ${last} is taken by another program; SSH goes through ${port} now`);
  return ok(port);
}

/** The port stays the same over a stop, so that what people wrote down goes on working. */
async function lastPort({ knownHosts }: VmPlaces): Promise<number | undefined> {
  const [, port] = /^\[.*\]:(\d+) /.exec(await readFile(knownHosts, "utf8").catch(() => "")) ?? [];
  return port ? Number(port) : undefined;
}

async function freeMiB(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return Math.floor((bavail * bsize) / 2 ** 20);
}

function started(
  places: VmPlaces,
  vm: RunningVm,
  how: VmStarted["how"],
  began: number,
  clockOffsetMs: number,
): VmStarted {
  const { accelerator, port } = vm;
  const seconds = (performance.now() - began) / 1000;
  return { address: addressOf(places, port), how, accelerator, seconds, clockOffsetMs };
}
