/** The command line of one tcpdump, and what it needs to run as the root of a user namespace. */

/** Longer frames are cut to this: headers and more. A ring slot of tcpdump is as large, so it bounds drops too. */
const SNAP_BYTES = 4096;
/** tcpdump's ring, in KiB: 1,024 frames of the size above. */
const RING_KIB = 4096;

/**
 * What tcpdump is run with. `-p`: promiscuous mode would change how a bridge forwards. `-Z root`: tcpdump's own user
 * does not exist in a sandbox. `-Q` and not the filter words inbound and outbound: with those, libpcap 1.10 loses the
 * first frame, which it filters in user space, where the direction is not known.
 */
export function tcpdumpArgv(name: string, direction: "in" | "out", filter: string | undefined): string[] {
  return [
    ...["tcpdump", "-i", name, "-n", "-p", "-U", "-s", String(SNAP_BYTES), "-B", String(RING_KIB)],
    ...["--immediate-mode", "--time-stamp-precision=nano", "-Z", "root", "-w", "-", "-Q", direction],
    ...(filter ? ["--", filter] : []),
  ];
}

/**
 * A tcpdump that was built to give up root calls setgroups even where it is told to stay root, and gives up where that
 * fails. In a user namespace that an ordinary user made, the kernel always refuses it (user_namespaces(7)). So this
 * perl, which Debian always has, answers setgroups with 0 by a seccomp filter and becomes tcpdump. Nothing is lost by
 * it: there are no groups to give up. Where perl or the machine is another one, tcpdump is run as it is.
 *
 * The filter, in classic BPF over struct seccomp_data: another architecture than the one at hand is let through; then
 * setgroups is answered with errno 0 without being called, and everything else is let through.
 */
const KEEP_GROUPS = `
use Config;
my %numbers = (x86_64 => [0xc000003e, 116, 157, 317], aarch64 => [0xc00000b7, 159, 167, 277]);
my ($machine) = $Config{archname} =~ /^([^-]+)/;
if (my $known = $numbers{$machine}) {
  my ($arch, $setgroups, $prctl, $seccomp) = @$known;
  my $filter = pack("SCCL" x 6,
    0x20, 0, 0, 4,
    0x15, 0, 3, $arch,
    0x20, 0, 0, 0,
    0x15, 0, 1, $setgroups,
    0x06, 0, 0, 0x00050000,
    0x06, 0, 0, 0x7fff0000);
  my $program = pack("Sx6P", 6, $filter);
  syscall($prctl, 38, 1, 0, 0, 0);
  syscall($seccomp, 1, 0, $program);
}
exec { $ARGV[0] } @ARGV or exit 127;
`;

/** Prints the pid inside the sandbox and becomes the program; `hoplab:pid` is read by the session. */
export function announced(argv: readonly string[], rootless: boolean): string[] {
  const become = rootless ? `command -v perl >/dev/null && exec perl -e "$0" "$@"; exec "$@"` : `exec "$@"`;
  return ["sh", "-c", `echo "hoplab:pid $$" >&2; ${become}`, rootless ? KEEP_GROUPS : "sh", ...argv];
}
