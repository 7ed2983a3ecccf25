/** A key to log in with: the public half to offer, and somebody who signs with the private one. */

import { createPrivateKey } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import ssh2, { type ParsedKey } from "ssh2";
import { fail, messageOf, ok, type Result } from "../../../preload/contract/result.ts";

export interface Identity {
  /** For people: the file's path, or the agent's comment. */
  name: string;
  publicKey: ParsedKey;
  /** Throws, with a message for people, where the private half is not to be had. */
  sign: (data: Buffer, hash: Hash | undefined) => Promise<Buffer>;
}

export type Hash = "sha1" | "sha256" | "sha512";

/** Asks for the passphrase of a key. Undefined: none is to be had. */
export type AskPassphrase = (text: string) => Promise<string | undefined>;

const PASSPHRASE_TRIES = 3;

/**
 * Reads a private key file (OpenSSH or PEM; ed25519, ecdsa or rsa). The passphrase of an encrypted one is asked for when the
 * server has taken the public half, so not for keys that are of no use. Undefined where there is no such file.
 * Faults: `denied` where others can read it, `storage`, `bad-input` where it is no key.
 */
export async function readIdentity(file: string, ask: AskPassphrase): Promise<Result<Identity> | undefined> {
  let text: string;
  try {
    const { mode, uid } = await stat(file);
    // As OpenSSH has it: a key that others may have read is no key. Windows has no such modes.
    if (process.getuid?.() === uid && (mode & 0o077) !== 0) {
      return fail("denied", `${file} can be read by others (mode ${(mode & 0o777).toString(8).padStart(4, "0")})`, {
        fix: `chmod 600 '${file}'`,
      });
    }
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    return fail("storage", `${file} can't be read: ${messageOf(error)}`);
  }
  const parsed = parsePrivateKey(text, undefined);
  if (!(parsed instanceof Error)) {
    return ok({ name: file, publicKey: parsed, sign: async (data, hash) => signWith(parsed, data, hash) });
  }
  if (!isAboutPassphrase(parsed)) {
    return fail("bad-input", `${file} is no private key that can be used: ${parsed.message}`, {
      fix: "ed25519, ecdsa and rsa keys as ssh-keygen makes them can be used.",
    });
  }
  let unlocking: Promise<ParsedKey> | undefined;
  const unlock = () => {
    unlocking ??= unlockKey(file, text, ask);
    return unlocking;
  };
  try {
    const publicKey = readPublicHalf(text) ?? (await readPublicFile(file)) ?? (await unlock());
    return ok({ name: file, publicKey, sign: async (data, hash) => signWith(await unlock(), data, hash) });
  } catch (error) {
    return fail("denied", messageOf(error));
  }
}

async function unlockKey(file: string, text: string, ask: AskPassphrase): Promise<ParsedKey> {
  for (let tries = 0; tries < PASSPHRASE_TRIES; tries++) {
    const again = tries === 0 ? "" : "That was not right. ";
    const passphrase = await ask(`${again}Passphrase of ${file}`);
    if (passphrase === undefined) throw new Error(`${file} has a passphrase, which nobody gave`);
    const key = parsePrivateKey(text, passphrase);
    if (!(key instanceof Error)) return key;
  }
  throw new Error(`the passphrase of ${file} was wrong`);
}

function signWith(key: ParsedKey, data: Buffer, hash: Hash | undefined): Buffer {
  // ssh2's typings leave out that it answers with an error.
  const signature: Buffer | Error = key.sign(data, hash);
  if (signature instanceof Error) throw signature;
  return signature;
}

function parsePrivateKey(text: string, passphrase: string | undefined): ParsedKey | Error {
  try {
    const key = ssh2.utils.parseKey(fromPkcs8(text, passphrase) ?? text, passphrase);
    return key instanceof Error || key.isPrivateKey() ? key : new Error("it is the public half");
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** ssh2 does not read PKCS #8 (`BEGIN PRIVATE KEY`), which OpenSSL writes; Node turns it into what it reads. */
function fromPkcs8(text: string, passphrase: string | undefined): string | undefined {
  const header = /-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.exec(text);
  if (!header) return undefined;
  if (header[1] !== undefined && passphrase === undefined) throw new Error("it needs a passphrase");
  const key = createPrivateKey({ key: text, format: "pem", passphrase });
  if (key.asymmetricKeyType === "rsa") return key.export({ type: "pkcs1", format: "pem" }).toString();
  if (key.asymmetricKeyType === "ec") return key.export({ type: "sec1", format: "pem" }).toString();
  throw new Error(`a PKCS #8 file of type ${key.asymmetricKeyType} can't be read`);
}

function isAboutPassphrase(error: Error): boolean {
  return /passphrase/i.test(error.message);
}

/** In OpenSSH's own format (PROTOCOL.key) the public half is in clear: magic, cipher, kdf, options, count, key. */
function readPublicHalf(text: string): ParsedKey | undefined {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text)?.[1];
  if (base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, "base64");
  const string = (at: number) => ({ from: at + 4, to: at + 4 + bytes.readUInt32BE(at) });
  try {
    const options = string(string(string("openssh-key-v1\0".length).to).to);
    const { from, to } = string(options.to + 4);
    return orNone(ssh2.utils.parseKey(bytes.subarray(from, to)));
  } catch {
    return undefined; // cut short
  }
}

async function readPublicFile(file: string): Promise<ParsedKey | undefined> {
  return readFile(`${file}.pub`).then(
    (text) => orNone(ssh2.utils.parseKey(text)),
    () => undefined,
  );
}

function orNone(key: ParsedKey | Error): ParsedKey | undefined {
  return key instanceof Error ? undefined : key;
}

/** One identity in the shape of an agent: ssh2 then waits for its signature, which may need a person. */
export class IdentityAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #identity: Identity;
  /** Whether the server took the public half, so that a signature was asked for. */
  asked = false;
  /** Why there was no signature. */
  refusal: string | undefined;

  constructor(identity: Identity) {
    super();
    this.#identity = identity;
  }

  override getIdentities(done: (error?: Error, keys?: ParsedKey[]) => void): void {
    done(undefined, [this.#identity.publicKey]);
  }

  override sign(
    _key: ParsedKey,
    data: Buffer,
    options: { hash?: Hash } | SignDone,
    done: SignDone | undefined = typeof options === "function" ? options : undefined,
  ): void {
    this.asked = true;
    const hash = typeof options === "function" ? undefined : options.hash;
    this.#identity.sign(data, hash).then(
      (signature) => done?.(undefined, signature),
      (error: unknown) => {
        this.refusal = messageOf(error);
        done?.(new Error(this.refusal));
      },
    );
  }
}

type SignDone = (error?: Error, signature?: Buffer) => void;
