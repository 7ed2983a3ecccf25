/** How a machine is named: `ssh://user@host:port`, or as ssh takes it (`host`, `user@host`). */

import { isIPv6 } from "node:net";
import { fail, ok, type Result } from "../../../preload/contract/result.ts";

export interface SshAddress {
  user?: string;
  /** As written: a name, an address, or a Host of ssh_config. IPv6 without brackets. */
  host: string;
  port?: number;
}

/**
 * Reads one. Faults: `bad-input` that says what is wrong with it. A password in it is refused: what stands in a command or
 * in a list of targets is no secret.
 */
export function parseSshAddress(text: string): Result<SshAddress> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "ssh") {
    return bad(text, `it begins with ${scheme}://`, "Write ssh://user@host:port.");
  }
  const isUrl = scheme === "ssh";
  const rest = (isUrl ? text.slice("ssh://".length) : text).replace(isUrl ? /\/$/ : /$^/, "");
  if (isUrl && /[/?#]/.test(rest)) return bad(text, "a path makes no sense in it", "Write ssh://user@host:port.");
  const at = rest.lastIndexOf("@");
  const [login, place] = at >= 0 ? [rest.slice(0, at), rest.slice(at + 1)] : [undefined, rest];
  // Never quotes the text, which has the password.
  if (isUrl && login?.includes(":")) {
    return fail("bad-input", `There is a password in the address of ${place}`, {
      fix: "Leave it out, and change it where it was seen: addresses are kept and shown in clear. You are asked when it is needed.",
    });
  }
  const user = login === undefined ? undefined : isUrl ? decode(login) : login;
  if (user === "") return bad(text, "there is no user before the @", "Write user@host, or leave the @ out.");
  // A user such as `-oProxyCommand=…` is no user. Nothing here runs a shell; ~/.ssh/config or sudo elsewhere might.
  if (user !== undefined && (user.startsWith("-") || hasOddCharacters(user))) {
    return bad(text, "its user has characters that no user has");
  }
  const found = readPlace(text, place, isUrl);
  return found.ok ? ok({ ...(user === undefined ? {} : { user }), ...found.value }) : found;
}

/** `user@host:port`, for people. */
export function printSshAddress({ user, host, port }: SshAddress): string {
  const place = isIPv6(host) && port !== undefined ? `[${host}]` : host;
  return `${user === undefined ? "" : `${user}@`}${place}${port === undefined || port === 22 ? "" : `:${port}`}`;
}

function readPlace(text: string, place: string, isUrl: boolean): Result<Omit<SshAddress, "user">> {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(place);
  if (!bracketed && (isIPv6(place) || place.split(":").length > 2)) {
    return isUrl
      ? bad(text, "an IPv6 address needs brackets", `Write ssh://[${place}]:22.`)
      : isIPv6(place)
        ? ok({ host: place })
        : bad(text, `${place} is neither host:port nor an IPv6 address`);
  }
  const [host = "", portText] = bracketed ? [bracketed[1], bracketed[2]] : place.split(":");
  if (host === "") return bad(text, "there is no host in it", "Write ssh://user@host:port.");
  if (bracketed && !isIPv6(host)) return bad(text, `${host} in brackets is no IPv6 address`);
  if (host.startsWith("-") || hasOddCharacters(host)) return bad(text, "its host has characters that no host has");
  if (portText === undefined) return ok({ host });
  const port = parsePort(portText);
  return port === undefined
    ? bad(text, `its port ${JSON.stringify(portText)} is not a number from 1 to 65535`)
    : ok({ host, port });
}

export function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}

function hasOddCharacters(text: string): boolean {
  return /[\s\p{Cc}'"`$;&|<>(){}\\]/u.test(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function bad(
  text: string,
  why: string,
  fix = "Write ssh://user@host:port, or a Host of ~/.ssh/config.",
): Result<never> {
  return fail("bad-input", `${JSON.stringify(text)} is no SSH address: ${why}`, { fix });
}
