/** The embedded VM as the contract tells of it. */

import type { Progress } from "../../preload/contract/lab.ts";
import { ok, type Result } from "../../preload/contract/result.ts";
import type { VmStatus } from "../../preload/contract/target.ts";
import type { SshConfig } from "../target/ssh/resolve.ts";
import { buildImage } from "../vm/image.ts";
import { startVm } from "../vm/start.ts";
import { deleteVm, stopVm, syncVmClock, vmAddress, vmStatus } from "../vm/vm.ts";
import type { CallContext } from "./backend.ts";

const CONNECT_TIMEOUT_MS = 10_000;

export class Vm {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  async status(): Promise<Result<VmStatus>> {
    const { state, problem, ...told } = await vmStatus(this.#dataDir);
    return ok({ ...told, state: state === "none" ? "absent" : state, ...(problem ? { fault: problem } : {}) });
  }

  async build({ signal, progress }: CallContext<Progress>): Promise<Result<VmStatus>> {
    const built = await buildImage(this.#dataDir, { signal, onProgress: progress });
    return built.ok ? this.status() : built;
  }

  /** Builds the image first where there is none. */
  async up(context: CallContext<Progress>): Promise<Result<VmStatus>> {
    const { signal, progress } = context;
    const before = await vmStatus(this.#dataDir);
    if (before.state === "none") {
      const built = await this.build(context);
      if (!built.ok) return built;
    }
    const started = await startVm(this.#dataDir, { signal, onProgress: progress });
    return started.ok ? this.status() : started;
  }

  async down(): Promise<Result<VmStatus>> {
    const stopped = await stopVm(this.#dataDir);
    return stopped.ok ? this.status() : stopped;
  }

  async delete(): Promise<Result<VmStatus>> {
    const deleted = await deleteVm(this.#dataDir, { image: true });
    return deleted.ok ? this.status() : deleted;
  }

  /** How the target is reached. Its clock is set on the way: this machine may have slept. Faults: `gone` where it does not run. */
  async sshConfig(): Promise<Result<SshConfig>> {
    const synced = await syncVmClock(this.#dataDir);
    if (!synced.ok) return synced;
    const address = await vmAddress(this.#dataDir);
    if (!address.ok) return address;
    const { host, port, user, identityFile, knownHostsFile } = address.value;
    return ok({
      target: "vm",
      host,
      port,
      user,
      identities: [identityFile],
      identitiesOnly: true,
      agent: undefined,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      knownHostsFiles: [knownHostsFile],
      newHostKey: "refuse",
      hashKnownHosts: false,
      jump: [],
    });
  }

  /** Where it is, for a list; empty while it does not run. */
  async address(): Promise<string> {
    const address = await vmAddress(this.#dataDir);
    return address.ok ? `ssh://${address.value.user}@${address.value.host}:${address.value.port}` : "";
  }

  /** The system's own ssh with what it needs to get into the VM. Faults: `gone` where it does not run. */
  async sshArgv(): Promise<Result<string[]>> {
    const address = await vmAddress(this.#dataDir);
    if (!address.ok) return address;
    const { host, port, user, identityFile, knownHostsFile } = address.value;
    const options = [`UserKnownHostsFile=${knownHostsFile}`, "GlobalKnownHostsFile=none", "IdentitiesOnly=yes"];
    return ok([
      ...["ssh", "-i", identityFile, "-p", String(port)],
      ...options.flatMap((option) => ["-o", option]),
      `${user}@${host}`,
    ]);
  }
}
