/** Builds a lab with its printed script in a sandbox of its own, runs a command in it and tells what it said. */

import { spawn } from "node:child_process";
import { argvThere, isRootThere, scriptThere } from "./there.ts";

export type Who = "root" | "user";

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

const AS_ROOT = ["unshare", "-mnpf", "--mount-proc"];
const AS_USER = ["unshare", "-Urmnpf", "--mount-proc"];
/** `nobody`, who owns nothing. */
const DROP_ROOT = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
/** With a /dev/net/tun that everyone may open, as systemd makes it; some machines for tests have it for root alone. */
const OPEN_TUN = [
  ...["unshare", "-m", "sh", "-c"],
  'mkdir -p /dev/net && mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec "$@"',
  "sh",
];

/** Why this machine can't build labs as `who`; undefined where it can. */
export async function lacks(who: Who): Promise<string | undefined> {
  if (who === "root" && !isRootThere) return "this test does not run as root";
  const { code, stderr } = await run([...prefix(who), "true"]);
  return code === 0 ? undefined : `no namespaces for ${who}: ${stderr.trim()}`;
}

/** Why this machine can't build labs with IPIP as `who`; undefined where it can. */
export async function lacksIpip(who: Who): Promise<string | undefined> {
  const reason = await lacks(who);
  if (reason) return reason;
  const probe = "ip link add probe type ipip local 192.0.2.1 remote 192.0.2.2 && ipset create probe hash:net";
  const { code, stderr } = await run([...prefix(who), "sh", "-c", probe]);
  return code === 0 ? undefined : `no ipip or no ipset for ${who}: ${stderr.trim().split("\n")[0]}`;
}

/** Why this machine can't make TUN devices as `who`; undefined where it can. */
export async function lacksTun(who: Who): Promise<string | undefined> {
  const reason = await lacks(who);
  if (reason) return reason;
  const { code, stderr } = await run([...prefix(who), "ip", "tuntap", "add", "dev", "probe", "mode", "tun"]);
  return code === 0 ? undefined : `no TUN devices for ${who}: ${stderr.trim().split("\n")[0]}`;
}

/** Runs the script with `sh FILE COMMAND…`; the command is a shell script, after which the lab is gone. */
export function buildAndRun(who: Who, script: string, command: string): Promise<Run> {
  return withFile(script, (file) => run([...prefix(who), "sh", file, "sh", "-c", command]));
}

/** Runs the script from stdin, with the command's words as its arguments. */
export function buildFromStdin(who: Who, script: string, words: string[]): Promise<Run> {
  return run([...prefix(who), "sh", "-s", ...words], script);
}

async function withFile<T>(text: string, use: (file: string) => Promise<T>): Promise<T> {
  // Any user may read it: the lab may be built by one without privileges.
  const made = await run(["sh", "-c", 'f=$(mktemp) && chmod 644 "$f" && cat > "$f" && echo "$f"'], text);
  const file = made.stdout.trim();
  try {
    return await use(file);
  } finally {
    await run(["rm", file]);
  }
}

function prefix(who: Who): string[] {
  if (who === "root") return AS_ROOT;
  return isRootThere ? [...OPEN_TUN, ...DROP_ROOT, ...AS_USER] : AS_USER;
}

function run(there: string[], input = ""): Promise<Run> {
  const [program = "", ...argv] = argvThere(there);
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { stdio: "pipe" });
    const said = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...said }));
    child.stdin.on("error", () => {}); // it may end before it has read everything
    child.stdin.end(input);
  });
}

/** The pids of processes that are in one of these network namespaces, given by inode number. */
export async function processesIn(inodes: ReadonlySet<string>): Promise<string[]> {
  const all = scriptThere('for p in /proc/[0-9]*; do echo "${p#/proc/} $(readlink "$p/ns/net")"; done');
  const processes = all.split("\n").map((line) => line.split(" "));
  return processes.flatMap(([pid = "", link = ""]) => (inodes.has(/\d+/.exec(link)?.[0] ?? "") ? pid : []));
}

/** The mount points of the machine that lie in /run/netns or belong to Hoplab. */
export async function mountsLeft(): Promise<string[]> {
  const mounts = scriptThere("cat /proc/self/mountinfo");
  return mounts.split("\n").filter((line) => /\/run\/(netns|hoplab)/.test(line));
}
