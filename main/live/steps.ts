/** What has to be run besides when one thing is asked for instead of another: the steps of the faults that came or went. */

import type { FaultStep, LabFault } from "../fault/fault.ts";
import type { Live } from "./live.ts";
import { injectedFaults } from "./topology.ts";

export function stepsBetween(before: Live, after: Live): FaultStep[] {
  const without = (faults: LabFault[], others: Live) => faults.filter(({ name }) => !others.faults.includes(name));
  return [
    ...without(injectedFaults(before), after).flatMap(({ steps }) => steps?.revert ?? []),
    ...without(injectedFaults(after), before).flatMap(({ steps }) => steps?.inject ?? []),
  ];
}
