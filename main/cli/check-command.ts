/** The check command: whether a lab does what its file says. */

import type { Checked } from "../../preload/contract/lab.ts";
import { fail } from "../../preload/contract/result.ts";
import { paint } from "./print.ts";
import { findOrBringUp } from "./send-command.ts";
import { type CliOptions, CliSession, EXIT_FAILED } from "./session.ts";

/** Runs the lab's checks. A lab that is not up is brought up for it and taken down again. */
export async function runCheck(options: CliOptions, lab: string): Promise<void> {
  await using session = await CliSession.open(options);
  const found = await findOrBringUp(session, lab);
  if (!found.ok) return session.fault(found.fault);
  const { sandbox, broughtUp } = found.value;
  if (broughtUp && !session.json) process.stderr.write(`${lab} is not up: it is built for this command only.\n`);
  const checked = await session.call("lab.check", { sandbox });
  if (broughtUp) {
    const down = await session.call("lab.down", { sandbox });
    if (!down.ok) session.fault(down.fault);
  }
  if (checked.ok && checked.value.length === 0)
    return session.fault(fail("bad-input", `the lab ${found.value.lab} has no checks`).fault);
  session.print(checked, printChecked, (checks) => ({ lab: found.value.lab, checks }));
  if (checked.ok && checked.value.some(({ passed }) => !passed)) process.exitCode = EXIT_FAILED;
}

function printChecked(checked: Checked[]): string {
  const lines = checked.flatMap(({ check, passed, expected, observed }) => [
    `${passed ? paint("green", "ok    ") : paint("red", "failed")} ${check}${passed ? paint("dim", `  ${expected}`) : ""}`,
    ...(passed ? [] : [`       expected ${expected}`, `       observed ${observed}`]),
  ]);
  const failed = checked.filter(({ passed }) => !passed).length;
  return [...lines, `${checked.length - failed} ok, ${failed} failed`].join("\n");
}
