/** The built-in VM of a user: what it is doing, stopping it, deleting it, and how it is reached. */

import { readFile, rm, stat } from "node:fs/promises";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { addressOf } from "./address.ts";
import { setGuestClock } from "./control.ts";
import { readImage, removeImages } from "./image.ts";
import { isAlive, withLock } from "./lock.ts";
import type { VmAddress, VmMachine } from "./machine.ts";
import { type VmPlaces, vmPlaces } from "./places.ts";
import { checkRunning, endRunning, findRunning, forget, readRecord } from "./running.ts";
import { storageFault } from "./storage-fault.ts";

/** What the VM is doing. Never changes anything. */
export async function vmStatus(dataDir: string): Promise<VmMachine> {
  const places = vmPlaces(dataDir);
  const image = await readImage(places.images);
  const vm = await findRunning(places);
  const diskBytes = await bytesOf(places.disk);
  const told = {
    diskBytes,
    ...(image
      ? { image: { builtAt: image.builtAt, bytes: image.bytes, kernel: image.kernel, current: image.current } }
      : {}),
  };
  if (!vm) {
    const state = !image ? "none" : (await bytesOf(places.saved)) > 0 && diskBytes > 0 ? "saved" : "stopped";
    return { state, ...told };
  }
  const { pid, port, memoryMiB, accelerator, startedAt } = vm;
  const running = { pid, port, memoryMiB, accelerator, startedAt };
  if (!vm.ready && (await isBusy(places))) return { state: "starting", ...told, running };
  const checked = await checkRunning(vm);
  if (!checked.ok) return { state: "broken", ...told, running, problem: checked.fault };
  if (vm.ready && checked.value === "running") return { state: "running", ...told, running };
  const { fault } = fail("gone", vm.ready ? "the VM is paused" : "the VM's start was cut off", {
    fix: "Start it again: hoplab vm up",
  });
  return { state: "broken", ...told, running, problem: fault };
}

/** How a VM that runs is reached. Faults: `gone`. */
export async function vmAddress(dataDir: string): Promise<Result<VmAddress>> {
  const places = vmPlaces(dataDir);
  const vm = await findRunning(places);
  if (vm?.ready) return ok(addressOf(places, vm.port));
  return fail("gone", "the built-in VM is not running", { fix: "Start it: hoplab vm up" });
}

/** Sets the VM's clock to this machine's, which may have slept. Answers what is left of the difference, in milliseconds. */
export async function syncVmClock(dataDir: string): Promise<Result<number>> {
  const vm = await findRunning(vmPlaces(dataDir));
  if (!vm?.ready) return fail("gone", "the built-in VM is not running", { fix: "Start it: hoplab vm up" });
  return setGuestClock(vm.control, { seconds: 10 });
}

/**
 * Ends the VM at once, with every lab in it. Its saved state is that of just after the first start, so that the next
 * start is quick and clean. Answers whether it ran. Faults: `timeout`, `storage`.
 */
export async function stopVm(dataDir: string, signal?: AbortSignal): Promise<Result<{ ran: boolean }>> {
  const places = vmPlaces(dataDir);
  return withLock(places.lock, { signal }, () => stop(places));
}

async function stop(places: VmPlaces): Promise<Result<{ ran: boolean }>> {
  try {
    const vm = await findRunning(places);
    if (!vm) {
      await forget(places, await readRecord(places));
      return ok({ ran: false });
    }
    const ended = await endRunning(places, vm);
    return ended.ok ? ok({ ran: true }) : ended;
  } catch (error) {
    return storageFault("stop the VM", error);
  }
}

/** Stops the VM and removes its disk, saved state, keys and logs; the image too where asked. Faults: as stopVm. */
export async function deleteVm(dataDir: string, { image = false } = {}): Promise<Result<{ ran: boolean }>> {
  const places = vmPlaces(dataDir);
  return withLock(places.lock, {}, async () => {
    const stopped = await stop(places);
    if (!stopped.ok) return stopped;
    const { disk, saved, log, console: said, accelerator, identity, hostKey, authorizedKeys, knownHosts } = places;
    const files = [
      disk,
      saved,
      log,
      said,
      accelerator,
      identity,
      hostKey,
      `${hostKey}.pub`,
      authorizedKeys,
      knownHosts,
    ];
    try {
      for (const file of files) await rm(file, { force: true });
      if (image) await removeImages(places.images);
    } catch (error) {
      return storageFault("delete the VM's files", error);
    }
    return stopped;
  });
}

async function isBusy(places: VmPlaces): Promise<boolean> {
  const pid = Number(await readFile(places.lock, "utf8").catch(() => ""));
  return pid > 0 && isAlive(pid);
}

async function bytesOf(file: string): Promise<number> {
  return stat(file).then(
    ({ blocks, size }) => (blocks === undefined ? size : blocks * 512),
    () => 0,
  );
}
