/**
 * Somebody who reads a guide and types its commands, each exactly as it is written. The labs keep their own ids: the
 * reader has a process table of its own, in which there are no other sandboxes than those that it brings up. (In the VM
 * there are no others anyway.) Ending it ends all that it started.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLI, finish, type Ran, until } from "./hoplab.ts";

/** A command that takes longer has no end. In the emulated VM all takes some ten times as long. */
const SECONDS = process.env.HOPLAB_TEST_SSH ? 300 : 60;

export interface Typed extends Ran {
  /** What stands on the terminal then. */
  printed: string;
  /** It was ended, since it did not end itself. */
  endless: boolean;
}

export class GuideReader implements AsyncDisposable {
  readonly #folder: string;
  readonly #holder: ChildProcess | undefined;
  /** Enters the holder's process table. */
  readonly #enter: readonly string[];
  /** Commands that go on in terminals of their own. */
  readonly #meanwhile: Promise<Typed>[] = [];

  private constructor(folder: string, holder: ChildProcess | undefined, enter: readonly string[]) {
    this.#folder = folder;
    this.#holder = holder;
    this.#enter = enter;
  }

  /** `folder` is its working directory. */
  static async start(folder: string): Promise<GuideReader> {
    mkdirSync(join(folder, "bin"), { recursive: true });
    writeFileSync(join(folder, "bin", "hoplab"), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`, {
      mode: 0o755,
    });
    if (process.env.HOPLAB_TEST_SSH) return new GuideReader(folder, undefined, []);
    const unshare = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];
    const holder = spawn("unshare", [...unshare, "sleep", "infinity"], { stdio: "ignore" });
    const children = () => readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8").trim();
    // It has its own /proc as soon as it is the program that it was to become.
    const isReady = (pid: string) => pid !== "" && readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n";
    const pid = await until(children, isReady);
    return new GuideReader(folder, holder, ["nsenter", "-t", pid, "-m", "-p", `--wd=${folder}`, "--"]);
  }

  /** Types a command and waits for its end. */
  async type(command: string): Promise<Typed> {
    return this.#end(this.#start(command));
  }

  /** Types a command into a terminal of its own, and waits until it says that it is at work. */
  async typeMeanwhile(command: string, sign: RegExp): Promise<void> {
    const child = this.#start(command);
    let said = "";
    child.stderr?.on("data", (chunk) => {
      said += chunk;
    });
    this.#meanwhile.push(this.#end(child));
    await until(
      () => said,
      (seen) => sign.test(seen) || child.exitCode !== null,
      SECONDS,
    );
  }

  /** Waits until the commands in the other terminals have ended. */
  async ended(): Promise<Typed[]> {
    return Promise.all(this.#meanwhile);
  }

  #start(command: string): ChildProcess {
    // Through env, which is there also where nothing has to be entered.
    return spawn("env", [...this.#enter, "sh", "-c", command], {
      cwd: this.#folder,
      env: {
        ...process.env,
        PATH: `${join(this.#folder, "bin")}:${process.env.PATH}`,
        HOPLAB_DATA: join(this.#folder, "data"),
      },
      detached: true,
    });
  }

  async #end(child: ChildProcess): Promise<Typed> {
    let endless = false;
    const timer = setTimeout(() => {
      endless = true;
      if (child.pid) process.kill(-child.pid, "SIGINT");
    }, SECONDS * 1000);
    const ran = await finish(child);
    clearTimeout(timer);
    return { ...ran, printed: `${ran.stdout}${ran.stderr}`, endless };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const holder = this.#holder;
    if (!holder) return;
    // Any other signal it would ignore, as long as its child lives.
    holder.kill("SIGKILL");
    await until(
      () => holder.exitCode ?? holder.signalCode,
      (code) => code !== null,
    );
  }
}
