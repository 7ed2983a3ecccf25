/**
 * OpenSSH's known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): by which keys a host is known. Text in, judgement out.
 * `@cert-authority` lines are skipped: ssh2 knows no host certificates.
 */

import { createHash, createHmac, randomBytes } from "node:crypto";
import { matchesHost } from "./host-pattern.ts";

export interface KnownHost {
  file: string;
  /** From 1. */
  line: number;
  /** The first field: patterns with commas, or one hashed name. */
  names: string;
  revoked: boolean;
  keyType: string;
  key: Buffer;
}

export type HostKeyVerdict =
  | { kind: "known"; entry: KnownHost }
  | { kind: "unknown" }
  /** Entries of the same key type where there are such, otherwise those of the types that the server no longer has. */
  | { kind: "changed"; entries: KnownHost[] }
  | { kind: "revoked"; entry: KnownHost };

/** Lines that say nothing, or that can't be read, are skipped, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split("\n").flatMap((content, index) => {
    const fields = content.trim().split(/\s+/);
    const marker = fields[0]?.startsWith("@") ? fields.shift() : undefined;
    const [names = "", keyType = "", base64 = ""] = fields;
    if (names === "" || names.startsWith("#") || base64 === "") return [];
    if (marker !== undefined && marker !== "@revoked") return [];
    const key = Buffer.from(base64, "base64");
    if (readKeyType(key) !== keyType) return [];
    return [{ file, line: index + 1, names, revoked: marker === "@revoked", keyType, key }];
  });
}

/** A host's name in known_hosts: the port is told where it isn't 22. */
export function knownHostName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/**
 * What the known hosts say about the key that a server showed. `canAsk` are the key types that the server was asked for: a
 * host that is known by one of them and answers with another has changed; OpenSSH would take it for a new one.
 */
export function judgeHostKey(
  known: readonly KnownHost[],
  { host, port }: { host: string; port: number },
  key: Buffer,
  canAsk: readonly string[],
): HostKeyVerdict {
  const name = knownHostName(host, port);
  const entries = known.filter((entry) => isNamed(entry, name));
  const revoked = entries.find((entry) => entry.revoked && entry.key.equals(key));
  if (revoked) return { kind: "revoked", entry: revoked };
  const good = entries.filter((entry) => !entry.revoked);
  const same = good.find((entry) => entry.key.equals(key));
  if (same) return { kind: "known", entry: same };
  const type = readKeyType(key);
  const sameType = good.filter((entry) => entry.keyType === type);
  if (sameType.length > 0) return { kind: "changed", entries: sameType };
  const gone = good.filter((entry) => canAsk.includes(entry.keyType));
  if (gone.length > 0) return { kind: "changed", entries: gone };
  // The same key under the host's bare name does, as in OpenSSH; another key under it says nothing about this port.
  const bare = port !== 22 && judgeHostKey(known, { host, port: 22 }, key, canAsk);
  return bare && (bare.kind === "known" || bare.kind === "revoked") ? bare : { kind: "unknown" };
}

/** The types of the keys by which a host is known, to be asked for first. */
export function knownKeyTypes(known: readonly KnownHost[], { host, port }: { host: string; port: number }): string[] {
  const name = knownHostName(host, port);
  return [...new Set(known.filter((entry) => !entry.revoked && isNamed(entry, name)).map(({ keyType }) => keyType))];
}

/** The line, without its newline, that makes a host known. */
export function formatKnownHost(host: string, port: number, key: Buffer, hashed: boolean): string {
  const name = knownHostName(host, port);
  return `${hashed ? hashName(name, randomBytes(20)) : name} ${readKeyType(key)} ${key.toString("base64")}`;
}

/** As `ssh-keygen -l` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** The type that a public key in SSH's wire format (RFC 4253, 6.6) begins with; empty where it is none. */
export function readKeyType(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  return length <= key.length - 4 ? key.toString("latin1", 4, 4 + length) : "";
}

export function isHashed(entry: KnownHost): boolean {
  return entry.names.startsWith("|1|");
}

function isNamed(entry: KnownHost, name: string): boolean {
  if (!isHashed(entry)) return matchesHost(entry.names.split(","), name);
  const salt = entry.names.split("|")[2] ?? "";
  return hashName(name, Buffer.from(salt, "base64")) === entry.names;
}

/** `|1|salt|HMAC-SHA1 of the name`: hides from a thief of the file where its owner goes. */
function hashName(name: string, salt: Buffer): string {
  return `|1|${salt.toString("base64")}|${createHmac("sha1", salt).update(name).digest("base64")}`;
}
