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

/** A daemon and the file of its namespace. */
interface Placed {
  netns: string;
  daemon: Daemon;
}

/** Starts all daemons at once, then waits for each: some are ready only when others are. */
export function planDaemons(namespaces: readonly Namespace[]): Batch[] {
  const all = namespaces.flatMap((netns) => netns.daemons.map((daemon) => ({ netns: netnsFile(netns.name), daemon })));
  return [...planStarts(all), ...planWaits(all)];
}

export function planStarts(all: readonly Placed[]): Batch[] {
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
  ];
}

export function planWaits(all: readonly Placed[]): Batch[] {
  const steps = all.flatMap(({ netns, daemon }) => planReady(netns, daemon));
  return steps.length === 0 ? [] : [{ why: "Wait until they have done their work.", tool: "sh", steps }];
}

export function planReloads(all: readonly Placed[]): Batch[] {
  const steps = all.flatMap(({ netns, daemon: { reload } }) =>
    reload ? [{ command: `${enter(netns)} sh -c ${quote(reload.command)}`, why: reload.why }] : [],
  );
  return steps.length === 0 ? [] : [{ why: "Have programs read their files again.", tool: "sh", steps }];
}

/** Ends daemons and waits until they are gone. One that is gone already is no fault, nor is another process with its number. */
export function planStops(all: readonly Placed[]): Batch[] {
  if (all.length === 0) return [];
  return [
    {
      why: "End the programs that are not to run on the nodes any more, or not as they do.",
      tool: "sh",
      tolerant: true,
      steps: [{ command: STOP, why: "How one is ended." }, ...all.map(({ netns, daemon }) => planStop(netns, daemon))],
    },
  ];
}

/** A process that has ended may still be listed until somebody asks how it ended. */
const STOP = `runs() {
  [ -e "/proc/$1/status" ] && [ "$(stat -L -c %i "/proc/$1/ns/net")" = "$(stat -L -c %i "/run/netns/$2")" ] &&
    ! grep -q '^State:.Z' "/proc/$1/status"
}
stop() {
  pid=$(cat "$1.pid") && runs "$pid" "$2" || return 0
  kill "$pid"
  tries=0
  while runs "$pid" "$2"; do
    tries=$((tries + 1)); [ $tries -ne 30 ] || kill -9 "$pid"
    sleep 0.1
  done
}`;

function planStop(netns: string, { name }: Daemon): Step {
  const place = `${FOLDER}/${netns}.${name}`;
  return { command: `stop ${place} ${netns}; rm -f ${place}.pid ${place}.log`, why: `${name} of ${netns} ends.` };
}

function planStart(netns: string, { name, argv, why }: Daemon): Step {
  const place = `${FOLDER}/${netns}.${name}`;
  return {
    // It must keep nothing of whoever starts it: neither its session nor the lock that a change of the lab holds.
    command: `setsid ${enter(netns)} ${argv.map(quote).join(" ")} </dev/null >${place}.log 2>&1 ${LOCK}>&- &\necho $! >${place}.pid`,
    why,
  };
}

/** The file descriptor of the lock that is held while a lab is changed. */
export const LOCK = 9;

/** Begins a command that runs in the namespace with its files. */
function enter(netns: string): string {
  return `nsenter --net=/run/netns/${netns} ${seeFiles(netns)}`;
}

/** Begins a command that, in the namespace, is to see the namespace's files. */
function seeFiles(netns: string): string {
  return `unshare --mount sh -c ${quote(WITH_FILES.trim())} ${netns}`;
}

/** A shell command for a step that runs in the namespace already, with the namespace's files. */
export function withFiles(netns: string, command: string): string {
  return `${seeFiles(netns)} sh -c ${quote(command)}`;
}

function planReady(netns: string, { name, ready }: Daemon): Step[] {
  if (!ready) return [];
  const log = `${FOLDER}/${netns}.${name}.log`;
  const test = `${enter(netns)} sh -c ${quote(ready.command)} >/dev/null 2>&1`;
  // The last line is what a person is told first.
  const give = `{ tail -n 5 ${log} >&2; echo ${quote(`${name} of ${netns} is not ready: ${ready.why}`)} >&2; exit 1; }`;
  return [{ command: waitUntil(test, give), why: ready.why }];
}

/** Tries a command until it succeeds; gives up after half a minute. */
export function waitUntil(test: string, give: string): string {
  return `tries=0\nuntil ${test}; do tries=$((tries + 1)); [ $tries -lt ${MOST_TRIES} ] || ${give}; sleep 0.1; done`;
}
