/** The ways to targets: SSH, any command, the embedded VM. */

import { type Fault, ok, type Result } from "../../preload/contract/result.ts";
import type { TargetSpec } from "../../preload/contract/target.ts";
import { commandWay, type Way } from "../target/connect.ts";
import { connectSsh } from "../target/ssh/connect.ts";
import { resolveSsh, type SshConfig } from "../target/ssh/resolve.ts";
import type { OpenWay, WayOptions } from "../target/targets.ts";

export interface WaysOptions {
  /** Unknown host keys are accepted and written down without asking; changed ones never. */
  acceptNewHostKey: boolean;
  /** How the VM is reached while it runs. */
  vmConfig: () => Promise<Result<SshConfig>>;
}

export function openWays(options: WaysOptions): OpenWay {
  return async (spec, more) => {
    if (spec !== "vm" && spec.kind === "command") return ok(commandWay(spec.command));
    const config = spec === "vm" ? await options.vmConfig() : configOf(spec, options);
    return config.ok ? sshWay(config.value, more) : config;
  };
}

function configOf(spec: Extract<TargetSpec, { kind: "ssh" }>, options: WaysOptions): Result<SshConfig> {
  const { name, address, identity, jump } = spec;
  return resolveSsh(address, {
    target: name,
    acceptNewHostKey: options.acceptNewHostKey,
    ...(identity ? { identities: [identity] } : {}),
    ...(jump ? { jump: jump.join(",") } : {}),
  });
}

async function sshWay(config: SshConfig, { ask, signal, onStep }: WayOptions): Promise<Result<Way>> {
  /** What each host on the way said at a step, the nearest first. */
  const said = new Map<string, string[]>();
  const tell = (step: string, host: string, detail: string) => {
    const details = [...(said.get(step) ?? []), config.jump.length > 0 ? `${host}: ${detail}` : detail];
    said.set(step, details);
    return details.join("; ");
  };
  const connection = await connectSsh(config, {
    ...(ask ? { ask: (question) => ask(question, signal) } : {}),
    ...(signal ? { signal } : {}),
    onStep: ({ step, host, detail, fault }) =>
      onStep?.({
        step,
        state: fault ? "failed" : "ok",
        detail: tell(step, host, detail),
        ...(fault?.fix ? { fix: fault.fix } : {}),
      }),
  });
  if (!connection.ok) return connection;
  const { value } = connection;
  let lost: Fault | undefined;
  void value.lost.then((fault) => {
    lost = fault;
  });
  return ok({
    several: true,
    open: (argv) => {
      const process = value.exec(argv.map(quoteWord).join(" "));
      // The connection knows better than its channels why they ended.
      return { ...process, exited: process.exited.then((exit) => (lost ? { ...exit, lost } : exit)) };
    },
    [Symbol.asyncDispose]: () => value[Symbol.asyncDispose](),
  });
}

/** Single quotes mean the same to sh, fish and tcsh, as long as there is no quote, backslash or `!` between them. */
function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`;
}
