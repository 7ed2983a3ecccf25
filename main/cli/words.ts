/** Command lines: one that must be one in its words, or what is wrong with it; and one that sends what was asked for. */

import { splitCommand } from "../../preload/contract/command-line.ts";
import type { Traffic } from "../../preload/contract/lab.ts";
import { fail, ok, type Result } from "../../preload/contract/result.ts";

/** Faults: `bad-input` (a quote that is not closed, no word at all). */
export function splitWords(line: string): Result<string[]> {
  const words = splitCommand(line);
  if (!words) return fail("bad-input", `the command ${JSON.stringify(line)} has a quote that is not closed`);
  return words.length > 0 ? ok(words) : fail("bad-input", "the command is empty");
}

/** What a person types to send that traffic: what every sending has by itself is left out. */
export function sendCommand(lab: string, traffic: Traffic): string {
  const { from, to, protocol, port, count, size, dontFragment } = traffic;
  return [
    `hoplab send ${lab} --from ${from} --to ${to}`,
    ...(protocol === "icmp" ? [] : [`--protocol ${protocol}`]),
    ...(port === undefined ? [] : [`--port ${port}`]),
    ...(count === 1 ? [] : [`--count ${count}`]),
    ...(size === undefined ? [] : [`--size ${size}`]),
    ...(dontFragment === undefined ? [] : [dontFragment ? "--dont-fragment" : "--fragment"]),
  ].join(" ");
}
