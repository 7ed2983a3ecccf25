/** Becomes what labs are built as on a target: root, root through sudo, or an ordinary user with namespaces of its own. */

import { type Fault, fail, ok, type Result } from "../../preload/contract/result.ts";
import type { PrivilegeChoice } from "../../preload/contract/target.ts";
import { Hub } from "./hub.ts";
import { probeTarget } from "./probe.ts";
import { run } from "./run.ts";
import type { Ask } from "./secrets.ts";
import type { Process } from "./target.ts";

export interface Privileged {
  hub: Hub;
  runsAs: "root" | "sudo" | "rootless";
}

export interface PrivilegeOptions {
  target: string;
  choice: PrivilegeChoice;
  /** Starts a command line on the target, as the user that logged in. */
  open: (argv: readonly string[]) => Process;
  ask?: Ask;
  signal?: AbortSignal;
}

/** What sudo is told to print where it wants a password, and what is printed once it is content. */
const PROMPT = "hoplab-password:";
const CONTENT = "hoplab-sudo-ok";
const MOST_TRIES = 3;

/**
 * Chooses by what is there, in this order: already root; sudo that asks for nothing; rootless, where the kernel lets
 * users make namespaces; sudo with a password. Answers with the hub to use, which is the one given or a new one. Faults: `denied`, `missing` (no sudo), `cancelled`.
 */
export async function becomePrivileged(hub: Hub, options: PrivilegeOptions): Promise<Result<Privileged>> {
  const { choice, target } = options;
  const isRoot = hub.greeting.uid === 0;
  if (isRoot) {
    if (choice !== "rootless") return ok({ hub, runsAs: choice === "sudo" ? "sudo" : "root" });
    return fail("denied", `${target} was logged in to as root, so labs can't be rootless there`, {
      fix: "Log in as another user, or choose root.",
    });
  }
  if (choice === "root") {
    return fail("denied", `${target} was logged in to as user id ${hub.greeting.uid}, not as root`, {
      fix: "Log in as root (ssh://root@HOST), or choose sudo.",
    });
  }
  const mayRootless = choice === "auto" || choice === "rootless";
  const maySudo = choice === "auto" || choice === "sudo";
  if (maySudo && (await sudoAsksNothing(hub))) {
    const elevated = await startHub(options, ["sudo", "-n", "perl"]);
    return elevated.ok ? ok({ hub: elevated.value, runsAs: "sudo" }) : elevated;
  }
  const asUser = { id: target, root: false, spawn: (argv: readonly string[]) => hub.spawn(argv) };
  const rootless = mayRootless ? await probeTarget(asUser, []) : undefined;
  if (rootless?.ok) return ok({ hub, runsAs: "rootless" });
  if (!maySudo) return rootless ?? fail("denied", `${target} was not tried`);
  const elevated = await startWithPassword(options);
  if (elevated.ok) return ok({ hub: elevated.value, runsAs: "sudo" });
  return rootless ? { ok: false, fault: bothFaults(elevated.fault, rootless.fault) } : elevated;
}

function bothFaults(sudo: Fault, rootless: Fault): Fault {
  return {
    ...sudo,
    message: `${sudo.message}; and without root: ${rootless.message}`,
    fix: [sudo.fix, rootless.fix].filter(Boolean).join("\n"),
  };
}

async function sudoAsksNothing(hub: Hub): Promise<boolean> {
  const tried = await run({ id: "", spawn: (argv) => hub.spawn(argv) }, ["sudo", "-n", "true"], { exitCodes: "any" });
  return tried.ok && tried.value.exitCode === 0;
}

function startHub({ open, target, signal }: PrivilegeOptions, argv: readonly string[]): Promise<Result<Hub>> {
  return Hub.start(open(argv), { name: target, watched: true, ...(signal ? { signal } : {}) });
}

/** sudo reads the password from stdin, byte by byte, and leaves what follows to perl. */
async function startWithPassword(options: PrivilegeOptions): Promise<Result<Hub>> {
  const { open, ask, target, signal } = options;
  const process = open(["sudo", "-k", "-S", "-p", PROMPT, "sh", "-c", `echo ${CONTENT} >&2; exec perl`]);
  process.stdin.on("error", () => {});
  let said = "";
  let tries = 0;
  const contentOrFault = new Promise<Result<null>>((resolve) => {
    process.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (said.includes(CONTENT)) return resolve(ok(null));
      while (said.includes(PROMPT)) {
        said = said.slice(said.indexOf(PROMPT) + PROMPT.length);
        tries += 1;
        void answer().then((denied) => denied && resolve(denied));
      }
    });
    void process.exited.then((exit) => resolve(exit.lost ? { ok: false, fault: exit.lost } : sudoFault(target, said)));
  });
  async function answer(): Promise<Result<never> | undefined> {
    if (tries > MOST_TRIES) return sudoFault(target, "the password is wrong");
    const password = await ask?.(
      { kind: "sudo-password", target, text: `sudo on ${target} asks for a password`, echo: false },
      signal,
    );
    if (password === undefined) {
      return fail("denied", `sudo on ${target} asks for a password, and none was given`, {
        fix: "Give it when asked, allow sudo without one, or log in as root.",
      });
    }
    process.stdin.write(`${password}\n`);
    return undefined;
  }
  const content = await contentOrFault;
  if (!content.ok) {
    process.stdin.destroy();
    process.kill("SIGKILL");
    return content;
  }
  return Hub.start(process, { name: target, watched: true, ...(signal ? { signal } : {}) });
}

function sudoFault(target: string, said: string): Result<never> {
  const last = said.trim().split("\n").at(-1) ?? "";
  if (/must have a tty/.test(said)) {
    return fail("denied", `sudo on ${target} works on a terminal only: ${last}`, {
      fix: "Take `Defaults requiretty` out of its /etc/sudoers (visudo), log in as root, or choose rootless.",
    });
  }
  if (/not found|No such file/.test(said)) {
    return fail("missing", `${target} has no sudo`, { fix: "Install it there, log in as root, or choose rootless." });
  }
  return fail("denied", `sudo on ${target} did not let Hoplab become root: ${last}`, {
    fix: "Is this user in the group sudo there? Else log in as root, or choose rootless.",
  });
}
