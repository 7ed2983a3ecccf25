/** The word for the state that a target is in. Pure. */

import type { TargetSummary, VmStatus } from "../../preload/contract/target.ts";
import type { Catalogue } from "../words/en.ts";

/** A VM that does not run has a state of its own that says more than `not connected`. */
export function stateWord(target: TargetSummary, vm: VmStatus | undefined, words: Catalogue): string {
  if (target.kind === "vm" && target.state === "idle" && vm && vm.state !== "running") return words.vm.states[vm.state];
  return words.targets.states[target.state];
}
