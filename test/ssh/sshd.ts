/**
 * A real sshd on a free loopback port, with its own keys and configuration in a temporary folder: nothing of the machine's
 * own sshd, users' keys or known hosts is read or written. Any user may start one, but only root's lets others in.
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

export interface SshdOptions {
  /** Lines of sshd_config that come first, and so win: `MaxSessions 2`, `PasswordAuthentication yes`, `Subsystem …` */
  config?: readonly string[];
  /** Default: one ed25519, one ecdsa and one rsa key. */
  hostKeyTypes?: readonly KeyType[];
  /** Default: a free one. Given, to start one anew where another was. */
  port?: number;
  /** Host keys to use instead of fresh ones, e.g. those of an sshd that was stopped. */
  hostKeys?: readonly string[];
}

export type KeyType = "ed25519" | "ecdsa" | "rsa";

export interface Sshd extends AsyncDisposable {
  readonly port: number;
  /** Files of the private host keys; their public halves end in `.pub`. */
  readonly hostKeys: readonly string[];
  /** A private key file (ed25519, without passphrase) that lets this user, and any other that is there, in. */
  readonly userKey: string;
  /** Who runs this test. */
  readonly user: string;
  /** This sshd's folder; tests may put files there. It goes with `stop`. */
  readonly folder: string;
  /** The listening process; each connection has a child of its own. */
  readonly pid: number;
  /** Lets one more public key in. */
  authorize(publicKeyFile: string): void;
  /** What it logged so far (LogLevel VERBOSE). */
  log(): string;
  /** Lines of a known_hosts file under which it is known. */
  knownHosts(host?: string): string;
  /** Ends only the listener: connections go on, as when sshd is restarted. */
  stopListening(): Promise<void>;
  /**
   * Kills it and every connection without a farewell, as a crash does. What runs over the connections is not killed: it
   * loses its input and output.
   */
  kill(): Promise<void>;
}

/** Throws where sshd is not installed or does not come up: its log is in the message. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].find((path) => existsSync(path));
  if (!program) throw new Error("sshd is not installed (Debian: openssh-server)");
  const folder = mkdtempSync(join(tmpdir(), "hoplab-sshd-"));
  // Others must be able to read the authorized keys: sshd reads them as the user that logs in.
  chmodSync(folder, 0o755);
  const hostKeys =
    options.hostKeys ??
    (options.hostKeyTypes ?? ["ed25519", "ecdsa", "rsa"]).map((type) => makeKey(join(folder, `host-${type}`), type));
  const userKey = makeKey(join(folder, "user-key"), "ed25519");
  const authorized = join(folder, "authorized_keys");
  writeFileSync(authorized, readFileSync(`${userKey}.pub`), { mode: 0o644 });
  const port = options.port ?? (await freePort());
  const logFile = join(folder, "log");
  const configFile = join(folder, "sshd_config");
  const root = process.getuid?.() === 0;
  writeFileSync(
    configFile,
    [
      ...(options.config ?? []),
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      ...hostKeys.map((file) => `HostKey ${file}`),
      `AuthorizedKeysFile ${authorized}`,
      "PidFile none",
      "LogLevel VERBOSE",
      "StrictModes no", // the temporary folder is below /tmp
      "PermitRootLogin yes",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      `UsePAM ${root ? "yes" : "no"}`,
      "PrintMotd no",
      "MaxStartups 100",
      "",
    ].join("\n"),
  );
  // Where its unprivileged child lives; a fresh Debian without systemd lacks it.
  if (root) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const child = spawn(program, ["-D", "-f", configFile, "-E", logFile], { stdio: ["ignore", "ignore", "pipe"] });
  // A test that ran out of time disposes of nothing: however this process ends, the guard's input ends with it.
  const guard = spawn("sh", ["-c", 'cat > /dev/null; kill -9 "$1"', "sh", String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  child.once("exit", () => guard.kill("SIGKILL"));
  const said: string[] = [];
  child.stderr?.on("data", (text: Buffer) => said.push(text.toString()));
  const log = () => said.join("") + (existsSync(logFile) ? readFileSync(logFile, "utf8") : "");
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async () => {
    for (const pid of processesBelow(child).filter(isSshd)) end(pid);
    await ended;
  };
  try {
    await comesUp(port, child, log);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    port,
    hostKeys,
    userKey,
    user: userInfo().username,
    folder,
    pid: child.pid ?? 0,
    authorize: (file) => writeFileSync(authorized, readFileSync(file), { flag: "a" }),
    log,
    knownHosts: (host = "127.0.0.1") =>
      hostKeys.map((file) => `[${host}]:${port} ${readFileSync(`${file}.pub`, "utf8").trim()}\n`).join(""),
    stopListening: async () => {
      child.kill("SIGTERM");
      await ended;
    },
    kill,
    [Symbol.asyncDispose]: async () => {
      const programs = processesBelow(child).filter((pid) => !isSshd(pid));
      await kill();
      programs.forEach(end);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Makes a private key file (and its `.pub`) and answers with its path. */
export function makeKey(file: string, type: KeyType, ...more: readonly string[]): string {
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "hoplab-test", ...more, "-f", file]);
  return file;
}

/** A port on loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function comesUp(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`sshd did not start:\n${log()}`);
    const taken = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", () => resolve(false));
      // It has to greet: somebody else may listen there.
      socket.once("data", () => {
        socket.destroy();
        resolve(true);
      });
    });
    if (taken) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A process and all below it, parents first. Those of a connection are in sessions of their own, so no group has them. */
function processesBelow({ pid }: ChildProcess): number[] {
  const parents = execFileSync("ps", ["-e", "-o", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const from = (parent: number): number[] => [
    parent,
    ...parents.flatMap(([child = 0, of]) => (of === parent ? from(child) : [])),
  ];
  return pid === undefined ? [] : from(pid);
}

function isSshd(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("sshd");
  } catch {
    return false;
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
