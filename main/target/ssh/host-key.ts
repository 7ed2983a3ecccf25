/** Whether the key that a server showed is trusted: by known_hosts, by the user's word, or not. A changed key never is. */

import { fail, ok, type Result } from "../../../preload/contract/result.ts";
import type { Question } from "../../../preload/contract/target.ts";
import { fingerprint, judgeHostKey, type KnownHost, knownHostName, knownKeyTypes, readKeyType } from "./known-hosts.ts";
import { addKnownHost, readKnownHosts } from "./known-hosts-file.ts";

/** Asks whoever is there. Answers with undefined where nobody is, or where it was cancelled. */
export type Ask = (question: Question) => Promise<string | undefined>;

export interface HostKeyPolicy {
  /** As the user writes it; the name in known_hosts. */
  host: string;
  port: number;
  /** All are read; a new key goes to the first. */
  knownHostsFiles: readonly string[];
  /** What becomes of a key that no file knows. A changed key is refused in any case. */
  newHostKey: "ask" | "accept" | "refuse";
  /** Whether a new line hides the host's name; it does anyway in a file that hides others. */
  hashKnownHosts: boolean;
}

/**
 * The signature algorithms to ask a server for, by preference, as OpenSSH 9 has them (ssh-rsa with SHA-1 is none of them),
 * and the type of key that each one shows.
 */
const ALGORITHMS = [
  { algorithm: "ssh-ed25519", keyType: "ssh-ed25519" },
  { algorithm: "ecdsa-sha2-nistp256", keyType: "ecdsa-sha2-nistp256" },
  { algorithm: "ecdsa-sha2-nistp384", keyType: "ecdsa-sha2-nistp384" },
  { algorithm: "ecdsa-sha2-nistp521", keyType: "ecdsa-sha2-nistp521" },
  { algorithm: "rsa-sha2-512", keyType: "ssh-rsa" },
  { algorithm: "rsa-sha2-256", keyType: "ssh-rsa" },
] as const;

export type HostKeyAlgorithm = (typeof ALGORITHMS)[number]["algorithm"];

const KEY_TYPES = ALGORITHMS.map(({ keyType }) => keyType);

/** A key that may be trusted. A new one is to be kept once the server has proved that it holds it. */
export interface TrustedKey {
  /** What to tell about it. */
  detail: string;
  /** Writes a new key to known_hosts, and answers with what to tell about that. */
  keep?: () => Promise<string>;
}

/** The known hosts, read once for a connection. */
export class HostKeyChecker {
  readonly #policy: HostKeyPolicy;
  readonly #known: readonly KnownHost[];

  private constructor(policy: HostKeyPolicy, known: readonly KnownHost[]) {
    this.#policy = policy;
    this.#known = known;
  }

  /** Faults: `storage` where a file can't be read. */
  static async open(policy: HostKeyPolicy): Promise<Result<HostKeyChecker>> {
    const known = await readKnownHosts(policy.knownHostsFiles);
    return known.ok ? ok(new HostKeyChecker(policy, known.value)) : known;
  }

  /** The types that the host is known by first: else it would answer with another one, and look changed. */
  get algorithms(): HostKeyAlgorithm[] {
    const known = knownKeyTypes(this.#known, this.#policy);
    const isKnown = ({ keyType }: (typeof ALGORITHMS)[number]) => known.includes(keyType);
    return [...ALGORITHMS.filter(isKnown), ...ALGORITHMS.filter((each) => !isKnown(each))].map(
      ({ algorithm }) => algorithm,
    );
  }

  /**
   * Faults: `denied` where the key has changed, is revoked, or is unknown with nobody to trust it.
   */
  async check(key: Buffer, target: string, ask: Ask): Promise<Result<TrustedKey>> {
    const verdict = judgeHostKey(this.#known, this.#policy, key, KEY_TYPES);
    const shown = `${readKeyType(key)} ${fingerprint(key)}`;
    const name = knownHostName(this.#policy.host, this.#policy.port);
    switch (verdict.kind) {
      case "known":
        return ok({ detail: `${shown}, known from ${place(verdict.entry)}` });
      case "revoked":
        return fail("denied", `The host key of ${name} (${shown}) is revoked in ${place(verdict.entry)}`, {
          fix: "Don't go on: whoever holds this key is not trusted any more. Ask the machine's administrator for its new key.",
        });
      case "changed":
        return refuseChanged(name, shown, verdict.entries);
      case "unknown":
        return this.#decide(key, target, ask);
    }
  }

  async #decide(key: Buffer, target: string, ask: Ask): Promise<Result<TrustedKey>> {
    const { host, port, newHostKey, hashKnownHosts, knownHostsFiles } = this.#policy;
    const name = knownHostName(host, port);
    const shown = { keyType: readKeyType(key), fingerprint: fingerprint(key) };
    const text = `${shown.keyType} ${shown.fingerprint}`;
    if (newHostKey === "refuse") {
      return fail("denied", `The host key of ${name} (${text}) is not known, and StrictHostKeyChecking is yes`, {
        fix: `Add its key to ${knownHostsFiles[0] ?? "known_hosts"}, e.g. by ssh-keyscan, after comparing the fingerprint.`,
      });
    }
    if (newHostKey === "ask") {
      const answer = await ask({ kind: "host-key", target, host: name, ...shown });
      if (answer !== "yes") {
        return fail("denied", `The host key of ${name} (${text}) is not known, and nobody said that it is right`, {
          fix: "Compare the fingerprint and say yes, connect once with ssh, or give --accept-new-host-key.",
        });
      }
    }
    const file = knownHostsFiles[0];
    if (file === undefined) return ok({ detail: `${text}, new, accepted for this time` });
    const keep = async () => {
      const added = await addKnownHost(file, { host, port, key, hash: hashKnownHosts });
      // As in OpenSSH, a file that can't be written is told and no reason to stop: the key was accepted.
      return added.ok ? `written to ${file}` : `not kept: ${added.fault.message}`;
    };
    return ok({ detail: `${text}, new, accepted`, keep });
  }
}

function refuseChanged(name: string, shown: string, entries: readonly KnownHost[]): Result<never> {
  const old = entries.map((entry) => `${entry.keyType} ${fingerprint(entry.key)} (${place(entry)})`).join(", ");
  const commands = [...new Set(entries.map(({ file }) => `ssh-keygen -R '${name}' -f '${file}'`))];
  return fail("denied", `The host key of ${name} has changed: it shows ${shown}, but is known by ${old}`, {
    fix: `Somebody may be between you and the machine. If it was really set up anew, forget its old key with: ${commands.join(" && ")}`,
  });
}

function place({ file, line }: KnownHost): string {
  return `${file}:${line}`;
}
