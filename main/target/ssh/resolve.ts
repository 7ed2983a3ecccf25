/** What is known about how to reach a machine: the address and options first, then ~/.ssh/config, then OpenSSH's defaults. */

import { existsSync } from "node:fs";
import { homedir, hostname, userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { fail, ok, type Result } from "../../../preload/contract/result.ts";
import { parsePort, parseSshAddress, printSshAddress, type SshAddress } from "./address.ts";
import { SshConfigFile } from "./config-file.ts";
import type { HostKeyPolicy } from "./host-key.ts";

/** One machine on the way, and how to get into it. */
export interface SshHop extends HostKeyPolicy {
  user: string;
  /** Private key files, tried in this order; those that don't exist are passed over. */
  identities: readonly string[];
  /** Whether of an agent's keys only those in `identities` are tried. */
  identitiesOnly: boolean;
  /** The agent's socket or pipe; undefined where none is to be used. */
  agent: string | undefined;
  /** For the TCP connection, and again for the server's greeting. */
  connectTimeoutMs: number;
}

export interface SshConfig extends SshHop {
  /** As `--target` names it; questions say it. */
  target: string;
  /** The machines to go through, the nearest first. */
  jump: readonly SshHop[];
}

/** What was given by hand; it wins over ~/.ssh/config. */
export interface SshOptions {
  /** How the target is called. Default: its address. */
  target?: string;
  /** Key files; they are tried before, and instead of, those of the configuration. */
  identities?: readonly string[];
  /** `user@host:port` of each machine to go through, the nearest first, with commas; `none`. */
  jump?: string;
  /** Whether to take an unknown host key without asking. A changed one is refused in any case. */
  acceptNewHostKey?: boolean;
  knownHostsFile?: string;
  /** Default: the user's and the machine's ssh_config. */
  configFile?: SshConfigFile;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;

/** Chains of ProxyJump that are longer than this run in a circle. */
const MAX_JUMPS = 8;

/** Faults: `bad-input` for an address, option or configuration that can't be used, and why. Touches no network. */
export function resolveSsh(addressText: string, options: SshOptions = {}): Result<SshConfig> {
  const config = options.configFile ?? SshConfigFile.read();
  const address = parseSshAddress(addressText);
  if (!address.ok) return address;
  const missing = options.identities?.map((file) => untilde(file, config.home)).find((file) => !existsSync(file));
  if (missing !== undefined) {
    return fail("bad-input", `There is no key file ${missing}`, { fix: "Check --identity; ssh-keygen makes a key." });
  }
  const hop = resolveHop(address.value, options, config);
  if (!hop.ok) return hop;
  const jumpText = options.jump ?? config.value(address.value.host, "ProxyJump");
  const jump = resolveJumps(jumpText, options, config, 0);
  if (!jump.ok) return jump;
  if (jumpText === undefined) {
    const command = config.find(address.value.host, "ProxyCommand")[0];
    if (command && command.values[0]?.toLowerCase() !== "none") {
      return fail(
        "bad-input",
        `${command.place} reaches ${address.value.host} by a ProxyCommand, which Hoplab does not run`,
        {
          fix: "Use ProxyJump or --jump, or a command target that runs ssh itself: --command 'ssh HOST --'.",
        },
      );
    }
  }
  const { target = printSshAddress({ ...hop.value, host: address.value.host }) } = options;
  return ok({ ...hop.value, target, jump: jump.value });
}

function resolveHop(address: SshAddress, options: SshOptions, config: SshConfigFile): Result<SshHop> {
  const name = address.host;
  const home = config.home;
  const localUser = userInfo().username;
  const user = address.user ?? config.value(name, "User") ?? localUser;
  const portSetting = config.find(name, "Port")[0];
  const port = address.port ?? (portSetting ? parsePort(portSetting.values[0] ?? "") : 22);
  if (port === undefined) {
    return fail("bad-input", `${portSetting?.place}: the port is not a number from 1 to 65535`);
  }
  const host = expand(config.value(name, "HostName") ?? name, { h: name });
  const tokens = {
    d: home,
    h: host,
    n: name,
    p: String(port),
    r: user,
    u: localUser,
    l: hostname(),
    L: hostname().split(".")[0] ?? "",
  };
  const path = (text: string) => untilde(expand(text, tokens), home);

  const given = options.identities?.map((file) => untilde(file, home));
  const configured = config.find(name, "IdentityFile").flatMap(({ values }) => values.slice(0, 1));
  const identities =
    given ??
    (configured.length > 0
      ? configured.filter((file) => file.toLowerCase() !== "none").map(path)
      : ["id_rsa", "id_ecdsa", "id_ed25519"].map((file) => join(home, ".ssh", file)));
  const strict = config.value(name, "StrictHostKeyChecking")?.toLowerCase();
  const timeout = Number(config.value(name, "ConnectTimeout"));
  return ok({
    host,
    port,
    user,
    identities: [...new Set(identities)],
    // A key given by hand is the one that is meant; an agent full of others would use up the server's patience.
    identitiesOnly: given !== undefined || isYes(config.value(name, "IdentitiesOnly")),
    agent: findAgent(config.value(name, "IdentityAgent"), path),
    knownHostsFiles: knownHostsFiles(name, options, config, path),
    newHostKey:
      options.acceptNewHostKey || ["accept-new", "no", "off"].includes(strict ?? "")
        ? "accept"
        : isYes(strict)
          ? "refuse"
          : "ask",
    hashKnownHosts: isYes(config.value(name, "HashKnownHosts")),
    connectTimeoutMs: timeout > 0 ? timeout * 1000 : DEFAULT_CONNECT_TIMEOUT_MS,
  });
}

function resolveJumps(
  setting: string | undefined,
  options: SshOptions,
  config: SshConfigFile,
  depth: number,
): Result<SshHop[]> {
  if (setting === undefined || setting === "" || setting.toLowerCase() === "none") return ok([]);
  const hops: SshHop[] = [];
  for (const [index, text] of setting.split(",").entries()) {
    const address = parseSshAddress(text.trim());
    if (!address.ok) return address;
    const { identities: given = [], ...others } = options;
    const hop = resolveHop(address.value, others, config);
    if (!hop.ok) return hop;
    if (index === 0) {
      if (depth >= MAX_JUMPS) return fail("bad-input", `ProxyJump of ${address.value.host} runs in a circle`);
      const before = resolveJumps(config.value(address.value.host, "ProxyJump"), options, config, depth + 1);
      if (!before.ok) return before;
      hops.push(...before.value);
    }
    // Keys given by hand are for the target in the first place; a jump host may take them too.
    const more = given.map((file) => untilde(file, config.home));
    hops.push({ ...hop.value, identities: [...new Set([...hop.value.identities, ...more])] });
  }
  return ok(hops);
}

function knownHostsFiles(
  host: string,
  options: SshOptions,
  config: SshConfigFile,
  path: (text: string) => string,
): string[] {
  if (options.knownHostsFile !== undefined) return [untilde(options.knownHostsFile, config.home)];
  const pick = (keyword: string, defaults: string[]) => {
    const found = config.find(host, keyword)[0]?.values;
    return (found ?? defaults).filter((file) => file.toLowerCase() !== "none").map(path);
  };
  return [
    ...pick("UserKnownHostsFile", ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]),
    ...pick("GlobalKnownHostsFile", ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]),
  ];
}

/** The pipe of Windows' own OpenSSH agent; it is there whether or not the agent runs. */
const WINDOWS_AGENT = "\\\\.\\pipe\\openssh-ssh-agent";

function findAgent(setting: string | undefined, path: (text: string) => string): string | undefined {
  const usual = process.env.SSH_AUTH_SOCK || (process.platform === "win32" ? WINDOWS_AGENT : undefined);
  if (setting === undefined || setting === "SSH_AUTH_SOCK") return usual;
  if (setting.toLowerCase() === "none") return undefined;
  if (setting.startsWith("$")) return process.env[setting.replace(/^\$\{?(\w+)\}?$/, "$1")];
  return path(setting);
}

/** `%h` and the like, and `${NAME}` from the environment. What is unknown stays as it is. */
function expand(text: string, tokens: Readonly<Record<string, string>>): string {
  return text
    .replaceAll(/%(.)/g, (whole, letter: string) => (letter === "%" ? "%" : (tokens[letter] ?? whole)))
    .replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => process.env[name] ?? whole);
}

function untilde(path: string, home: string): string {
  if (path === "~" || path.startsWith("~/") || path.startsWith("~\\")) return join(home, path.slice(2));
  return isAbsolute(path) ? path : resolve(path);
}

function isYes(text: string | undefined): boolean {
  return text !== undefined && ["yes", "true"].includes(text.toLowerCase());
}

/** The hosts of ~/.ssh/config that a page can offer, with what each one means. */
export function listSshHosts(
  config: SshConfigFile = SshConfigFile.read(homedir()),
): { name: string; address: string }[] {
  return config.listHosts().flatMap((name) => {
    const hop = resolveHop({ host: name }, {}, config);
    return hop.ok ? [{ name, address: printSshAddress(hop.value) }] : [];
  });
}
