/**
 * Who may talk to the web server: the holder of the token, from a page of this server, under a name of this machine.
 * The names are checked against DNS rebinding, the origin against other pages open in the same browser.
 */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "::1"];
const WILDCARDS = ["0.0.0.0", "::"];

/** 256 random bits, safe in a URL and a cookie. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Takes the same time wherever the two differ, and for any length. */
export function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/**
 * Whether a request's Host header names this server: by a loopback name, by the host it was told to listen on, or,
 * where it listens everywhere, by any literal address (a page that rebinds DNS can only use a name). The port is free,
 * since `ssh -L` may change it on the way.
 */
export function isOwnHost(header: string | undefined, listenHost: string): boolean {
  const name = hostName(header);
  if (name === null) return false;
  if (LOOPBACK_NAMES.includes(name) || name === listenHost.toLowerCase()) return true;
  return WILDCARDS.includes(listenHost) && isIP(name) !== 0;
}

/** Whether a request's Origin header is a page of this server, whose Host header was found right. */
export function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  return host !== undefined && origin === `http://${host}`;
}

/** The name or address in a Host header, without port and brackets; null where it is none. */
function hostName(header: string | undefined): string | null {
  const match = header?.match(/^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i);
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null;
}

/** The value of one cookie of a Cookie header. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(";") ?? []) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
