/** A throw-away user of this machine, with a password and a login shell: what PAM and a shell's start-up files need. */

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";

/** Why no users can be made here; undefined where they can. Goes into a test's title. */
export const noAccounts = process.getuid?.() === 0 ? undefined : "only root can make users";

export interface Account extends Disposable {
  name: string;
  password: string;
  home: string;
}

/** Makes a user (as root). Disposing removes it with its home and whatever runs as it. */
export function makeAccount(shell = "/bin/bash"): Account {
  const name = `hoplab-${randomBytes(4).toString("hex")}`;
  const password = randomBytes(9).toString("base64url");
  execFileSync("useradd", ["--create-home", "--shell", shell, name]);
  execFileSync("chpasswd", { input: `${name}:${password}\n` });
  return {
    name,
    password,
    home: `/home/${name}`,
    [Symbol.dispose]: () => {
      for (const pid of processesOf(name)) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It ended by itself.
        }
      }
      execFileSync("userdel", ["--force", "--remove", name], { stdio: "ignore" });
    },
  };
}

/** The path of a shell where it is installed. */
export function findShell(name: string): string | undefined {
  return [`/bin/${name}`, `/usr/bin/${name}`].find((path) => existsSync(path));
}

function processesOf(name: string): number[] {
  try {
    return execFileSync("ps", ["-u", name, "-o", "pid="], { encoding: "utf8" }).trim().split(/\s+/).map(Number);
  } catch {
    return []; // ps fails where there is none
  }
}
