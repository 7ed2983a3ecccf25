/** Sets of addresses, as `ipset restore` reads them. They must be there before the rules that match them. */

import type { IpSet } from "../../preload/contract/topology.ts";
import type { Step } from "./batch.ts";

/** As many members as Felix allows (MaxIpsetSize); the kernel's own default is 65536. */
const MOST_MEMBERS = 1_048_576;

export function planIpSet(set: IpSet): Step[] {
  return [
    { command: `create ${set.name} ${set.type} family inet maxelem ${MOST_MEMBERS}`, why: set.why },
    ...set.members.map((member) => ({ command: `add ${set.name} ${member}`, why: `A member of ${set.name}.` })),
  ];
}

/** One that is there gets and loses members. What rules match is never empty meanwhile. */
export function planIpSetMembers(before: IpSet, after: IpSet): Step[] {
  const lost = before.members.filter((member) => !after.members.includes(member));
  const got = after.members.filter((member) => !before.members.includes(member));
  return [
    ...got.map((member) => ({ command: `add ${after.name} ${member}`, why: `A new member of ${after.name}.` })),
    ...lost.map((member) => ({ command: `del ${after.name} ${member}`, why: `No member of ${after.name} any more.` })),
  ];
}
