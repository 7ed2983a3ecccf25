/**
 * The sandbox's first process and how it is found again.
 *
 * A sandbox is one `sh` that is process 1 of its own pid namespace, with its own mount and network
 * namespaces (and user namespace when not root). It reads the plan as its script from a pipe. A client
 * that dies half-way closes the pipe, the shell reaches the end of its script, exits, and the kernel
 * removes everything that was built. Only a complete script ends in `waitForever`.
 *
 * Nothing about a sandbox is kept outside it: it is found by the words in its argv, and what is known of
 * it lies in its private /run, which goes with it.
 */

/** Where a sandbox keeps what is known of it. A private tmpfs, seen from outside as /proc/PID/root/… */
export const SANDBOX_FOLDER = "/run/hoplab";

/** The word in the argv of a sandbox's first process; the sandbox's name is the next. */
export const SANDBOX_WORD = "hoplab-sandbox";

/**
 * Starts process 1 in new namespaces and prints its pid. It goes on when this shell and its session end.
 * `unshare -p` without `--fork` makes the next child process 1. The shell waits because whoever started it would
 * take its end for the end of its stdin; once the sandbox is whole it is ended.
 */
export function holderArgv(name: string, root: boolean): string[] {
  const start = `exec 3<&0; sh -s ${SANDBOX_WORD} "$0" <&3 3<&- & echo "hoplab:pid $!"; wait`;
  return ["setsid", "--wait", "unshare", root ? "-mnp" : "-Urmnp", "sh", "-c", start, name];
}

/** Comes first, on its own: says that process 1 runs under its name, so that it can be found from here on. */
export const PROLOGUE = `set -e
mount -t proc proc /proc
echo hoplab:here
`;

/**
 * Put after the plan's script: writes down what the sandbox is, says that it is whole, lets go of the
 * client and waits. \`wait\` also reaps whatever is orphaned in the sandbox.
 */
export function epilogue(info: string, topology: string, live: string): string {
  return `mkdir -p ${SANDBOX_FOLDER}
echo 0 > ${SANDBOX_FOLDER}/version
cat > ${SANDBOX_FOLDER}/live.json <<'HOPLAB_END'
${live}
HOPLAB_END
cat > ${SANDBOX_FOLDER}/topology.json <<'HOPLAB_END'
${topology}
HOPLAB_END
cat > ${SANDBOX_FOLDER}/new.json <<'HOPLAB_END'
${info}
HOPLAB_END
mv ${SANDBOX_FOLDER}/new.json ${SANDBOX_FOLDER}/sandbox.json
echo hoplab:ready
exec </dev/null >/dev/null 2>&1; while :; do sleep 2147483647 & wait $!; done
`;
}

/**
 * A script that prints one line per sandbox of this user: its pid, its start time in clock ticks, its name,
 * and its sandbox.json (empty while it is being built).
 */
export const LIST_SCRIPT = `
grep -alzx 'hoplab[-]sandbox' /proc/[0-9]*/cmdline 2>/dev/null | while IFS= read -r file; do
  folder=\${file%/cmdline}
  [ -O "$folder" ] || continue
  [ "$(sed -n 's/^NSpid:.*[[:space:]]//p' "$folder/status" 2>/dev/null)" = 1 ] || continue
  start=$(sed 's/.*) //' "$folder/stat" 2>/dev/null | cut -d' ' -f20)
  name=$(tr '\\0' '\\n' < "$folder/cmdline" 2>/dev/null | sed -n '/^hoplab-sandbox$/{n;p;}')
  printf '%s\\t%s\\t%s\\t' "\${folder#/proc/}" "$start" "$name"
  cat "$folder/root${SANDBOX_FOLDER}/sandbox.json" 2>/dev/null || echo
done
exit 0
`;

/** Ends the process \`$1\` if it is still the one that started at \`$2\`, and waits until it is gone. */
export const END_SCRIPT = `
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
state() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f1; }
[ "$(started "$1")" = "$2" ] || exit 0
kill -9 "$1" || exit 1
while [ "$(started "$1")" = "$2" ] && [ "$(state "$1")" != Z ]; do sleep 0.01; done
`;
