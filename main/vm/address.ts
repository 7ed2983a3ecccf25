/** How the VM is reached over SSH. */

import { createConnection } from "node:net";
import { fail, ok, type Result } from "../../preload/contract/result.ts";
import type { VmAddress } from "./machine.ts";
import type { VmPlaces } from "./places.ts";
import { HOST } from "./qemu.ts";

export function addressOf(places: VmPlaces, port: number): VmAddress {
  // The whole machine is Hoplab's and is thrown away: as root nothing in a lab needs sudo.
  return { host: HOST, port, user: "root", identityFile: places.identity, knownHostsFile: places.knownHosts };
}

/**
 * Waits for sshd's greeting. QEMU accepts a connection before the guest does, so that one alone proves nothing; and
 * each connection costs a guest without hardware support a process, so there is one try, and another only after it failed.
 */
export async function waitForSshd(port: number, seconds: number, signal: AbortSignal): Promise<Result<null>> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const left = deadline - performance.now();
    if (signal.aborted || left <= 0)
      return fail("timeout", `the VM's sshd did not answer within ${seconds.toFixed(0)} s`);
    if (await isGreeted(port, left, signal)) return ok(null);
  }
}

function isGreeted(port: number, milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: HOST, port });
    let pause: NodeJS.Timeout | undefined;
    const end = (greeted: boolean) => {
      clearTimeout(timer);
      clearTimeout(pause);
      signal.removeEventListener("abort", abort);
      socket.destroy();
      resolve(greeted);
    };
    const abort = () => end(false);
    const timer = setTimeout(abort, milliseconds);
    signal.addEventListener("abort", abort, { once: true });
    socket.on("error", () => {});
    socket.on("close", () => {
      pause = setTimeout(abort, 100);
    });
    let text = "";
    socket.on("data", (data: Buffer) => {
      text += data.toString("latin1");
      if (text.startsWith("SSH-2.0-")) end(true);
    });
  });
}
