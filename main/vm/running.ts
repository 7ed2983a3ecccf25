/**
 * The VM's QEMU, found again by whoever comes later: what it was started with is in a file, its pid in one that QEMU
 * itself writes, and it is ours only if its command line has the uuid of that start. Never looked for by name.
 */

import { readFile, rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import { channelSchema } from "./channel.ts";
import { isAlive } from "./lock.ts";
import type { VmPlaces } from "./places.ts";
import { runProgram } from "./program.ts";
import { Qmp } from "./qmp.ts";
import { readStored } from "./stored.ts";

const recordSchema = z.object({
  uuid: z.string().min(36),
  port: z.int(),
  memoryMiB: z.int(),
  accelerator: z.enum(["kvm", "hvf", "whpx", "tcg"]),
  imageId: z.string(),
  qmp: channelSchema,
  control: channelSchema,
  startedAt: z.number(),
  /** Whether it came up wholly. One whose start was cut off is ended by the next. */
  ready: z.boolean(),
});
export type RunningRecord = z.infer<typeof recordSchema>;

export interface RunningVm extends RunningRecord {
  pid: number;
}

/** What the last start was given, whether or not its QEMU still runs. */
export function readRecord(places: VmPlaces): Promise<RunningRecord | undefined> {
  return readStored(places.running, recordSchema);
}

/** The QEMU of the last start where it still runs. */
export async function findRunning(places: VmPlaces): Promise<RunningVm | undefined> {
  const record = await readRecord(places);
  const pid = Number(await readFile(places.pidFile, "utf8").catch(() => ""));
  return record && pid > 0 && (await isOurs(pid, record.uuid)) ? { ...record, pid } : undefined;
}

/** Whether that process is the QEMU that was started with that uuid, and not a later process with the same pid. */
async function isOurs(pid: number, uuid: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  return (await commandLine(pid)).includes(uuid);
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === "linux") return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const ran = await runProgram(
    process.platform === "win32"
      ? [
          "powershell",
          "-NoProfile",
          "-Command",
          `(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').CommandLine`,
        ]
      : ["ps", "-ww", "-o", "command=", "-p", String(pid)],
  );
  return ran.ok ? ran.value.stdout : "";
}

/**
 * Why a VM that runs is not well, or that it is: QEMU answers, and the guest is not stopped by an error of the disk.
 * Faults: `gone`, `timeout`, `storage`.
 */
export async function checkRunning(running: RunningVm): Promise<Result<"running" | "paused">> {
  const connected = await Qmp.connect(running.qmp);
  if (!connected.ok) return connected;
  using qmp = connected.value;
  const answer = await qmp.execute("query-status");
  if (!answer.ok) return answer;
  const { data } = z.object({ status: z.string() }).safeParse(answer.value);
  if (data?.status === "io-error") {
    return fail("storage", "the VM is stopped: this machine's disk is full, or its disk file can't be written", {
      fix: "Make room, then `hoplab vm up`: the VM goes on where it was.",
    });
  }
  return ok(data?.status === "running" ? "running" : "paused");
}

/** Ends it at once: nothing in the VM is to be kept. Faults: `timeout` where the process does not go away. */
export async function endRunning(places: VmPlaces, running: RunningVm): Promise<Result<null>> {
  const connected = await Qmp.connect(running.qmp, 2);
  if (connected.ok) {
    using qmp = connected.value;
    await qmp.execute("quit", {}, 2);
  }
  if (!(await waitForEnd(running, connected.ok ? 5 : 0))) {
    if (await isOurs(running.pid, running.uuid)) process.kill(running.pid, "SIGKILL");
    if (!(await waitForEnd(running, 10))) {
      return fail("timeout", `the VM's QEMU (pid ${running.pid}) does not end`, {
        fix: `It hangs in this machine's kernel, most likely in its disk. Look at it with: ps -o stat,wchan -p ${running.pid}`,
      });
    }
  }
  await forget(places, running);
  return ok(null);
}

/** Ended means that its files are closed too: the next QEMU wants the disk. */
async function waitForEnd({ pid, uuid }: RunningVm, seconds: number): Promise<boolean> {
  const deadline = performance.now() + seconds * 1000;
  while (process.platform === "linux" ? await isStillThere(pid, uuid) : await isOurs(pid, uuid)) {
    if (performance.now() > deadline) return false;
    await wait(25);
  }
  return true;
}

/** On its way out a process loses its command line first, then its files, and then it is a zombie or gone. */
async function isStillThere(pid: number, uuid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  if (stat === "" || state === "Z" || state === "X") return false;
  const line = await commandLine(pid);
  return line === "" || line.includes(uuid);
}

/** Removes what a QEMU that is gone has left. */
export async function forget(places: VmPlaces, record: RunningRecord | undefined): Promise<void> {
  const sockets = record ? [record.qmp, record.control].flatMap((one) => ("path" in one ? one.path : [])) : [];
  await Promise.all([...sockets, places.pidFile, places.running].map((file) => rm(file, { force: true })));
}
