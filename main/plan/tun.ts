/** TUN devices, which stay when the process behind them ends. */

import type { TunInterface } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

export function planTun({ name, why }: TunInterface): Step {
  return { command: `tuntap add dev ${name} mode tun`, why };
}
