/** A target as it is being written, and what becomes of it. Pure. */

import { splitCommand } from "../../preload/contract/command-line.ts";
import { type PrivilegeChoice, type TargetSpec, targetName } from "../../preload/contract/target.ts";

export interface TargetDraft {
  kind: TargetSpec["kind"];
  name: string;
  address: string;
  identity: string;
  /** Hosts to go through, with commas or spaces between. */
  jump: string;
  /** A command line. */
  command: string;
  privilege: PrivilegeChoice;
}

export function emptyDraft(kind: TargetSpec["kind"]): TargetDraft {
  return { kind, name: "", address: "", identity: "", jump: "", command: "", privilege: "auto" };
}

export type DraftProblem = "name" | "taken" | "address" | "command" | "quote";

export type CheckedDraft = { ok: true; spec: TargetSpec } | { ok: false; problem: DraftProblem };

/** The first problem, in the order of the form. */
export function checkDraft(draft: TargetDraft, taken: readonly string[]): CheckedDraft {
  const name = draft.name.trim();
  if (taken.includes(name)) return { ok: false, problem: "taken" };
  if (!targetName.safeParse(name).success) return { ok: false, problem: "name" };
  const { privilege } = draft;
  if (draft.kind === "ssh") {
    const address = draft.address.trim();
    const identity = draft.identity.trim();
    const jump = draft.jump.split(/[\s,]+/).filter((host) => host !== "");
    if (address === "") return { ok: false, problem: "address" };
    return {
      ok: true,
      spec: {
        kind: "ssh",
        name,
        address,
        ...(identity === "" ? {} : { identity }),
        ...(jump.length === 0 ? {} : { jump }),
        privilege,
      },
    };
  }
  const command = splitCommand(draft.command);
  if (!command) return { ok: false, problem: "quote" };
  if (command.length === 0) return { ok: false, problem: "command" };
  return { ok: true, spec: { kind: "command", name, command, privilege } };
}

/** A host of ~/.ssh/config, whose name may hold what a target's may not. */
export function nameFromHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
}
