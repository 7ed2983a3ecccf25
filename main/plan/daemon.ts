/** Programs that run in a namespace as long as the lab is up. */

import { type Daemon, type Namespace, netnsFile } from "../../preload/contract/topology.ts";
import type { Batch, Step } from "./batch.ts";
import { FILES_FOLDER } from "./file.ts";
import { quote } from "./quote.ts";

/** Where the pid and the output of each daemon lie: `node.node1.bird.pid`, `node.node1.bird.log`. */
const FOLDER = "/run/hoplab/daemons";

/** How often it is asked whether a daemon is ready, ten times a second. */
const MOST_TRIES = 300;

/**
 * A shell script that runs its arguments with the files of the namespace `$0` bound over /run, as they would lie on the
 * node. Needs a mount namespace of its own.
 */
export const WITH_FILES = `
root=${FILES_FOLDER}/$0/run
if [ -d "$root" ]; then
  for folder in "$root"/*; do
    mkdir -p "/run/\${folder##*/}" && mount --bind "$folder" "/run/\${folder##*/}" || exit 125
  done
fi
exec "$@"
`;

/** Starts all daemons at once, then waits for each: some are ready only when others are. */
export function planDaemons(namespaces: readonly Namespace[]): Batch[] {
  const all = namespaces.flatMap((netns) => netns.daemons.map((daemon) => ({ netns: netnsFile(netns.name), daemon })));
  if (all.length === 0) return [];
  return [
    {
      why: "Start the programs that run on the nodes.",
      tool: "sh",
      steps: [
        { command: `mkdir -p ${FOLDER}`, why: "Where their process ids and what they say are kept." },
        ...all.map(({ netns, daemon }) => planStart(netns, daemon)),
      ],
    },
    {
      why: "Wait until they have done their work.",
      tool: "sh",
      steps: all.flatMap(({ netns, daemon }) => planReady(netns, daemon)),
    },
  ];
}

function planStart(netns: string, { name, argv, why }: Daemon): Step {
  const place = `${FOLDER}/${netns}.${name}`;
  return {
    command: `${enter(netns)} ${argv.map(quote).join(" ")} </dev/null >${place}.log 2>&1 &\necho $! >${place}.pid`,
    why,
  };
}

/** Begins a command that runs in the namespace with its files. */
function enter(netns: string): string {
  return `nsenter --net=/run/netns/${netns} unshare --mount sh -c ${quote(WITH_FILES.trim())} ${netns}`;
}

function planReady(netns: string, { name, ready }: Daemon): Step[] {
  if (!ready) return [];
  const log = `${FOLDER}/${netns}.${name}.log`;
  const test = `${enter(netns)} sh -c ${quote(ready.command)} >/dev/null 2>&1`;
  const give = `{ echo ${quote(`${name} of ${netns} is not ready: ${ready.why}`)} >&2; tail -n 5 ${log} >&2; exit 1; }`;
  return [
    {
      command: `tries=0\nuntil ${test}; do tries=$((tries + 1)); [ $tries -lt ${MOST_TRIES} ] || ${give}; sleep 0.1; done`,
      why: ready.why,
    },
  ];
}
