/**
 * A chain of iptables rules as Felix writes it: every rule carries a comment `cali:…`, a hash of the chain's name and of its
 * rules up to that one, by which Felix sees what somebody else has changed. The hashes made here are those of a real
 * cluster. Source: calico v3.33 felix/generictables/rules.go (RuleHashes), felix/iptables/{renderer,match_builder,actions}.go.
 */

import type { RuleTable } from "../../../preload/contract/topology.ts";
import { sha224 } from "../sha2.ts";

export interface FelixRule {
  /** Felix's own words about it. */
  comment?: string;
  /** Match and action as Felix renders them: the hash is made of this text. */
  rendered: string;
  /** What iptables-save prints before and behind the comments. */
  saved: readonly [match: string, rest: string];
  why: string;
}

type Rule = RuleTable["rules"][number];

/** The rules of a chain from its first. One that is left out in the middle would give all others a false hash. */
export function felixChain(chain: string, rules: readonly FelixRule[]): Rule[] {
  let digest = sha224(bytes(chain));
  return rules.map(({ comment, rendered, saved: [match, rest], why }): Rule => {
    const words = comment ? [commented(comment)] : [];
    const text = ["-A", chain, "HASH", ...words, rendered].join(" ");
    digest = sha224(new Uint8Array([...digest, ...bytes(text)]));
    const hash = commented(`cali:${base64Url(digest).slice(0, HASH_LENGTH)}`);
    return { rule: ["-A", chain, ...(match ? [match] : []), hash, ...words, rest].join(" "), why };
  });
}

/** A rule without a match that sends everything to another chain. */
export function jump(to: string, why: string): FelixRule {
  return { rendered: `--jump ${to}`, saved: ["", `-j ${to}`], why };
}

const HASH_LENGTH = 16;

function commented(text: string): string {
  return `-m comment --comment "${text}"`;
}

/** All of Felix's own texts are ASCII. */
function bytes(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** RFC 4648, section 5, without what is left over after the last three bytes. */
function base64Url(data: Uint8Array): string {
  let text = "";
  for (let at = 0; at + 2 < data.length; at += 3) {
    const three = (data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!;
    for (const shift of [18, 12, 6, 0]) text += DIGITS[(three >> shift) & 63];
  }
  return text;
}
