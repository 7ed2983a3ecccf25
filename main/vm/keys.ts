/**
 * The VM's keys: one to log in with and one that the VM shows, both made here before its first start, so that its host
 * key is known from the beginning and no image holds a secret. Written as OpenSSH's PROTOCOL.key says.
 */

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import type { VmPlaces } from "./places.ts";

const TYPE = "ssh-ed25519";

/** Makes the keys where they are not there yet. Throws where they can't be written. */
export async function ensureKeys(places: VmPlaces): Promise<void> {
  const { identity, hostKey, authorizedKeys } = places;
  if ([identity, hostKey, authorizedKeys, `${hostKey}.pub`].every((file) => existsSync(file))) return;
  const user = makeKey("hoplab");
  const host = makeKey("hoplab-vm");
  await writeFile(hostKey, host.private, { mode: 0o600 });
  await writeFile(`${hostKey}.pub`, host.public);
  await writeFile(identity, user.private, { mode: 0o600 });
  await writeFile(authorizedKeys, user.public);
}

/** The host key for whoever connects to this port, in OpenSSH's known_hosts format. */
export async function writeKnownHosts(places: VmPlaces, host: string, port: number): Promise<void> {
  const [type, key] = (await readFile(`${places.hostKey}.pub`, "utf8")).split(" ");
  await writeFile(places.knownHosts, `[${host}]:${port} ${type} ${key}\n`, { mode: 0o600 });
}

/** A new ed25519 key as OpenSSH writes it: the private file without passphrase, and the public line. */
function makeKey(comment: string): { private: string; public: string } {
  const { d = "", x = "" } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const [seed, point] = [Buffer.from(d, "base64url"), Buffer.from(x, "base64url")];
  const publicBlob = Buffer.concat([field(TYPE), field(point)]);
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, publicBlob, field(Buffer.concat([seed, point])), field(comment)]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"), // cipher
    field("none"), // key derivation
    field(""),
    Buffer.from([0, 0, 0, 1]), // one key
    field(publicBlob),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString("base64").match(/.{1,70}/g) ?? [];
  return {
    private: ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n"),
    public: `${TYPE} ${publicBlob.toString("base64")} ${comment}\n`,
  };
}

/** A string of the SSH protocol: its length in four bytes, then itself. */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
